package client

import (
	"context"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/beevik/etree"
	"k8s.io/utils/clock"

	"github.com/varmenne/varmenne-issuer/internal/endpoints"
	"github.com/varmenne/varmenne-issuer/internal/pki"
	"github.com/varmenne/varmenne-issuer/internal/vero/protocol"
	"github.com/varmenne/varmenne-issuer/internal/vero/xmlsig"
)

// Options of a client.
type Options struct {
	// URL of the service; https only.
	URL string
	// TLS verifies the service's server certificate; none means the system's roots. Intermediates are anchors too: a
	// server that forgets to send its own is common, and a bundle names only what its owner trusts.
	TLS []*x509.Certificate
	// Responses verifies the certificate that signs responses. Where it also leads to certificates of customers, a
	// response that one of them has signed is refused all the same (xmlsig.SignerIsCustomer).
	Responses pki.Trust
	// Endpoints says whether the URL may be called. The zero Rule refuses loopback and the like.
	Endpoints endpoints.Rule
	// Timeout of one call, from name resolution to the last byte of the response. 0 means DefaultTimeout.
	Timeout time.Duration
	// UserAgent is sent as the HTTP header of that name.
	UserAgent string
	// Clock tells the time at which a signer must be valid; nil means the real one. TLS always has the real one.
	Clock clock.PassiveClock
}

// DefaultTimeout of one call.
const DefaultTimeout = 60 * time.Second

// Client calls one endpoint of the certificate service. It keeps no connections and no state, so it is as new as the
// bundles that it was made from, and cheap to make. It is safe for concurrent use.
type Client struct {
	endpoint  *url.URL
	host      string // with port, for errors
	endpoints endpoints.Rule
	responses pki.Trust
	roots     *x509.CertPool
	timeout   time.Duration
	userAgent string
	clock     clock.PassiveClock
}

// New makes a client. It fails on a URL that is not https, and on a negative timeout.
func New(options Options) (*Client, error) {
	endpoint, err := url.Parse(options.URL)
	_, absolute := url.ParseRequestURI(options.URL) // as the API server's rule for spec.url has it
	if errors.Join(err, absolute) != nil || !strings.HasPrefix(options.URL, "https://") || endpoint.Hostname() == "" {
		return nil, errors.New("the URL of the certificate service must be an absolute https URL")
	}
	if options.Timeout < 0 {
		return nil, errors.New("the timeout of calls to the certificate service cannot be negative")
	}
	client := &Client{
		endpoint: endpoint, host: hostOf(endpoint), endpoints: options.Endpoints, responses: options.Responses,
		timeout: options.Timeout, userAgent: options.UserAgent, clock: options.Clock,
	}
	if len(options.TLS) > 0 {
		client.roots = x509.NewCertPool()
		for _, certificate := range options.TLS {
			// AddCert would keep it as it was parsed, in several times the memory, while many wait for their handshakes.
			client.roots.AppendCertsFromPEM(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Raw}))
		}
	}
	if client.timeout == 0 {
		client.timeout = DefaultTimeout
	}
	if client.clock == nil {
		client.clock = clock.RealClock{}
	}
	return client, nil
}

// hostOf is the host and port of an endpoint, for errors.
func hostOf(endpoint *url.URL) string {
	return net.JoinHostPort(shortened(endpoint.Hostname()), shortened(portOf(endpoint)))
}

// longestHost is the length of the longest name of a host, in bytes.
const longestHost = 253

// shortened is what an error repeats of a host's name: whoever may create an issuer may write anything there.
func shortened(host string) string {
	if len(host) <= longestHost {
		return host
	}
	return strings.ToValidUTF8(host[:longestHost], "") + "…"
}

// SignNew sends SignNewCertificate and returns the RetrievalId. No error ever shows the transfer password, not even
// where the service repeats it.
func (c *Client) SignNew(ctx context.Context, message *protocol.SignNew) (string, error) {
	payload, err := message.Payload()
	if err != nil {
		return "", err
	}
	received, err := c.call(ctx, protocol.SignNewCertificate, payload)
	if err != nil {
		return "", err
	}
	id, err := c.readSubmission(protocol.SignNewCertificate, message.Party, received)
	if err != nil {
		return "", received.withoutSecret(err, message.TransferPassword)
	}
	return id, nil
}

// Renew signs the message with the key of the certificate that is to be renewed, sends RenewCertificate and returns
// the RetrievalId.
func (c *Client) Renew(
	ctx context.Context, message *protocol.Renew, key crypto.Signer, leaf *x509.Certificate,
) (string, error) {
	payload, err := message.Payload()
	if err != nil {
		return "", err
	}
	signed, err := xmlsig.Sign(payload, key, leaf)
	if err != nil {
		return "", err
	}
	received, err := c.call(ctx, protocol.RenewCertificate, signed)
	if err != nil {
		return "", err
	}
	return c.readSubmission(protocol.RenewCertificate, message.Party, received)
}

// Get sends GetCertificate and returns the certificate as the service sent it: DER, or PEM. Whether it is the one
// that was asked for is for pki.CheckIssued to say.
func (c *Client) Get(ctx context.Context, message *protocol.Get) ([]byte, error) {
	payload, err := message.Payload()
	if err != nil {
		return nil, err
	}
	received, err := c.call(ctx, protocol.GetCertificate, payload)
	if err != nil {
		return nil, err
	}
	response, err := c.open(protocol.GetCertificate, message.Party, received)
	if err != nil {
		return nil, err
	}
	return protocol.ReadCertificate(response)
}

// Probe completes a TLS handshake with the endpoint, through the proxy if there is one, and hangs up: the service gets
// no request. Its errors are *protocol.ForbiddenEndpointError, *protocol.UnreachableError and
// *protocol.UntrustedServerError.
func (c *Client) Probe(ctx context.Context) error {
	if err := c.permitted(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	return c.handshake(ctx)
}

// call puts a payload into its envelope, sends it and returns what came back.
func (c *Client) call(ctx context.Context, operation protocol.Operation, payload *etree.Element) (*received, error) {
	if err := c.permitted(); err != nil {
		return nil, err
	}
	body, err := protocol.Wrap(payload)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	return c.post(ctx, operation, body)
}

func (c *Client) readSubmission(
	operation protocol.Operation, party protocol.Party, received *received,
) (string, error) {
	response, err := c.open(operation, party, received)
	if err != nil {
		return "", received.keepReceipt(err)
	}
	id, err := protocol.ReadSubmission(response, operation)
	if err != nil {
		return "", received.keepReceipt(err)
	}
	return id, nil
}

// open reads a response to a message of party: parse strictly, unwrap, check which response it is, verify, and return
// only what was verified.
func (c *Client) open(operation protocol.Operation, party protocol.Party, received *received) (*etree.Element, error) {
	content, err := received.content()
	if err != nil {
		return nil, err
	}
	document, err := xmlsig.Parse(content)
	if err != nil {
		return nil, received.notXML(err)
	}
	payload, err := protocol.Unwrap(document)
	if err != nil {
		return nil, err
	}
	if err := protocol.CheckResponse(payload, operation); err != nil {
		return nil, err
	}
	verified, err := xmlsig.Verify(payload, xmlsig.Signers{
		Trust: c.responses, Now: c.clock.Now(), CustomerID: party.CustomerID,
	})
	if err != nil {
		return nil, &protocol.UnverifiedError{RetrievalID: protocol.PeekRetrievalID(payload), Err: err}
	}
	return verified.Element, nil
}
