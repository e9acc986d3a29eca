package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

// timeout bounds every call; the admin interface answers at once.
const timeout = 30 * time.Second

// maximumResponse bounds what is read: 10,000 requests in the log fit.
const maximumResponse = 64 << 20

// Client calls the admin interface of a simulator.
type Client struct {
	base string
	http *http.Client
}

// NewClient makes a client for the admin interface at base, as in Info.AdminURL or http://127.0.0.1:8444.
func NewClient(base string) *Client {
	return &Client{base: strings.TrimSuffix(base, "/"), http: &http.Client{Timeout: timeout}}
}

// Error is a response of the admin interface that is not a success.
type Error struct {
	// Status is the HTTP status.
	Status int
	// Message is what the simulator says.
	Message string
	// DueAt is when what was asked for is there; nil where nothing is to come.
	DueAt *time.Time
}

// Error gives the status and the message.
func (e *Error) Error() string {
	return fmt.Sprintf("the simulator's admin interface answered %d: %s", e.Status, e.Message)
}

// ReadInfo reads an info file; an error that is fs.ErrNotExist means that the simulator does not listen yet.
func ReadInfo(path string) (Info, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return Info{}, fmt.Errorf("reading the info file: %w", err)
	}
	var info Info
	if err := json.Unmarshal(content, &info); err != nil {
		return Info{}, fmt.Errorf("reading the info file %s: %w", path, err)
	}
	return info, nil
}

// Mint makes one set of transfer credentials.
func (c *Client) Mint(ctx context.Context, wanted MintRequest) (Credential, error) {
	wanted.Count = 1
	minted, err := c.MintMany(ctx, wanted)
	if err != nil {
		return Credential{}, err
	}
	return minted[0], nil
}

// MintMany makes as many sets as Count says.
func (c *Client) MintMany(ctx context.Context, wanted MintRequest) ([]Credential, error) {
	var minted MintResponse
	if err := c.call(ctx, http.MethodPost, "/credentials", wanted, &minted); err != nil {
		return nil, err
	}
	if len(minted.Credentials) == 0 {
		return nil, errors.New("the simulator's admin interface minted nothing")
	}
	return minted.Credentials, nil
}

// TLSBundle is the PEM bundle that anchors the server certificate.
func (c *Client) TLSBundle(ctx context.Context) ([]byte, error) { return c.get(ctx, "/ca/tls.pem") }

// ResponsesBundle is the PEM bundle, root and issuing CA, of the signer of responses.
func (c *Client) ResponsesBundle(ctx context.Context) ([]byte, error) {
	return c.get(ctx, "/ca/responses.pem")
}

// IssuanceBundle is the PEM bundle, root and issuing CA, of customer certificates.
func (c *Client) IssuanceBundle(ctx context.Context) ([]byte, error) {
	return c.get(ctx, "/ca/issuance.pem")
}

// Requests lists what was asked of the service, oldest first; an empty filter lets everything pass.
func (c *Client) Requests(ctx context.Context, operation, customerID string) ([]Request, error) {
	query := url.Values{"operation": {operation}, "customerId": {customerID}}
	var listed []Request
	err := c.call(ctx, http.MethodGet, "/requests?"+query.Encode(), nil, &listed)
	return listed, err
}

// ClearRequests empties the request log.
func (c *Client) ClearRequests(ctx context.Context) error {
	return c.call(ctx, http.MethodDelete, "/requests", nil, nil)
}

// Calls tells how many calls run at the service, and how many have at once.
func (c *Client) Calls(ctx context.Context) (Calls, error) {
	var calls Calls
	err := c.call(ctx, http.MethodGet, "/calls", nil, &calls)
	return calls, err
}

// Certificates lists what was issued, oldest first.
func (c *Client) Certificates(ctx context.Context) ([]Certificate, error) {
	var listed []Certificate
	err := c.call(ctx, http.MethodGet, "/certificates", nil, &listed)
	return listed, err
}

// Revoke revokes the certificate with a serial number in hexadecimal.
func (c *Client) Revoke(ctx context.Context, serial string) (Certificate, error) {
	var revoked Certificate
	err := c.call(ctx, http.MethodPost, "/certificates/"+url.PathEscape(serial)+"/revoke", nil, &revoked)
	return revoked, err
}

// Script adds a fault, and returns it as the simulator completed it.
func (c *Client) Script(ctx context.Context, fault Fault) (Fault, error) {
	var scripted Fault
	err := c.call(ctx, http.MethodPost, "/faults", fault, &scripted)
	return scripted, err
}

// Faults lists the faults that can still strike.
func (c *Client) Faults(ctx context.Context) ([]Fault, error) {
	var listed []Fault
	err := c.call(ctx, http.MethodGet, "/faults", nil, &listed)
	return listed, err
}

// ClearFaults removes every fault.
func (c *Client) ClearFaults(ctx context.Context) error {
	return c.call(ctx, http.MethodDelete, "/faults", nil, nil)
}

// Healthy is nil while the simulator runs.
func (c *Client) Healthy(ctx context.Context) error {
	_, err := c.get(ctx, "/healthz")
	return err
}

func (c *Client) get(ctx context.Context, path string) ([]byte, error) {
	_, response, err := c.exchange(ctx, http.MethodGet, path, nil)
	return response, err
}

// call sends a body (nil: none) as JSON and decodes the response (nil: not wanted).
func (c *Client) call(ctx context.Context, method, path string, body, into any) error {
	var content []byte
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			return fmt.Errorf("encoding the request to the simulator: %w", err)
		}
		content = encoded
	}
	_, response, err := c.exchange(ctx, method, path, content)
	if err != nil || into == nil {
		return err
	}
	if err := json.Unmarshal(response, into); err != nil {
		return fmt.Errorf("decoding the simulator's response to %s %s: %w", method, path, err)
	}
	return nil
}

// exchange sends a request and returns the header and the body of a success.
func (c *Client) exchange(
	ctx context.Context, method, path string, content []byte,
) (http.Header, []byte, error) {
	outgoing, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(content))
	if err != nil {
		return nil, nil, fmt.Errorf("making a request to the simulator: %w", err)
	}
	if content != nil {
		outgoing.Header.Set("Content-Type", "application/json")
	}
	incoming, err := c.http.Do(outgoing)
	if err != nil {
		return nil, nil, fmt.Errorf("calling the simulator: %w", err)
	}
	defer func() { _ = incoming.Body.Close() }()
	response, err := io.ReadAll(io.LimitReader(incoming.Body, maximumResponse))
	if err != nil {
		return nil, nil, fmt.Errorf("reading the simulator's response: %w", err)
	}
	if incoming.StatusCode < 200 || incoming.StatusCode > 299 {
		failure := Failure{Error: http.StatusText(incoming.StatusCode)}
		// A response that is not JSON leaves the status text.
		_ = json.Unmarshal(response, &failure)
		return nil, nil, &Error{Status: incoming.StatusCode, Message: failure.Error, DueAt: failure.DueAt}
	}
	return incoming.Header, response, nil
}
