package client

import (
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/beevik/etree"
	"k8s.io/utils/clock"

	"github.com/varmenne/varmenne-issuer/internal/endpoints"
	"github.com/varmenne/varmenne-issuer/internal/https"
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

// Client calls one endpoint of the certificate service. It keeps TLS sessions, and nothing else: it is as new as
// the bundles that it was made from. It is safe for concurrent use.
type Client struct {
	endpoint  *https.Endpoint
	responses pki.Trust
	timeout   time.Duration
	userAgent string
	clock     clock.PassiveClock
}

// New makes a client. It fails on a URL that is not https, and on a negative timeout.
func New(options Options) (*Client, error) {
	if options.Timeout < 0 {
		return nil, errors.New("the timeout of calls to the certificate service cannot be negative")
	}
	client := &Client{
		responses: options.Responses, timeout: options.Timeout, userAgent: options.UserAgent, clock: options.Clock,
	}
	if client.timeout == 0 {
		client.timeout = DefaultTimeout
	}
	if client.clock == nil {
		client.clock = clock.RealClock{}
	}
	var err error
	client.endpoint, err = https.New(https.Options{
		URL: options.URL, Roots: options.TLS, Rule: options.Endpoints, ConnectTimeout: client.timeout,
	})
	if err != nil {
		return nil, fmt.Errorf("the URL of the certificate service %w", err)
	}
	return client, nil
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
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	return c.explain(c.endpoint.Handshake(ctx))
}

// call puts a payload into its envelope, sends it and returns what came back.
func (c *Client) call(ctx context.Context, operation protocol.Operation, payload *etree.Element) (*received, error) {
	if err := c.explain(c.endpoint.Permitted()); err != nil {
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

// explain is a failure in the words of the protocol; nil where there is none.
func (c *Client) explain(failure *https.ConnectionError) error {
	switch {
	case failure == nil:
		return nil
	case failure.Kind == https.Forbidden:
		return &protocol.ForbiddenEndpointError{Host: c.endpoint.Host(), Err: failure.Err}
	case failure.Kind == https.Untrusted:
		return &protocol.UntrustedServerError{Host: c.endpoint.Host(), Err: failure.Err}
	case failure.Kind == https.Unreachable:
		return &protocol.UnreachableError{Host: c.endpoint.Host(), Err: failure.Err}
	default:
		return interrupted(failure)
	}
}

func interrupted(failure *https.ConnectionError) *protocol.InterruptedError {
	return &protocol.InterruptedError{Timeout: failure.Timeout, Unsent: failure.Unsent, Err: failure.Err}
}
