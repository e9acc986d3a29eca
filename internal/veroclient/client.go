package veroclient

import (
	"context"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/beevik/etree"

	"github.com/varmenne/varmenne-issuer/internal/pki"
	"github.com/varmenne/varmenne-issuer/internal/vero"
	"github.com/varmenne/varmenne-issuer/internal/xmlsig"
	"k8s.io/utils/clock"
)

// Options of a client.
type Options struct {
	// URL of the service; https only.
	URL string
	// TLS verifies the service's server certificate; none means the system's roots. Intermediates are anchors too: a
	// server that forgets to send its own is common, and a bundle names only what its owner trusts.
	TLS []*x509.Certificate
	// Responses verifies the certificate that signs answers.
	Responses pki.Trust
	// Timeout of one call, from name resolution to the last byte of the answer. 0 means DefaultTimeout.
	Timeout time.Duration
	// UserAgent is sent as the HTTP header of that name.
	UserAgent string
	// Clock tells the time at which a signer must be valid; nil means the real one.
	Clock clock.PassiveClock
}

// DefaultTimeout of one call.
const DefaultTimeout = 60 * time.Second

// Client calls one endpoint of the certificate service. It keeps no connections and no state, so it is as new as the
// bundles that it was made from, and cheap to make.
type Client struct {
	endpoint  *url.URL
	responses pki.Trust
	roots     *x509.CertPool
	timeout   time.Duration
	userAgent string
	clock     clock.PassiveClock
}

// New makes a client. It fails on a URL that is not https.
func New(options Options) (*Client, error) {
	endpoint, err := url.Parse(options.URL)
	if err != nil || endpoint.Scheme != "https" || endpoint.Host == "" {
		return nil, errors.New("the URL of the certificate service must be an absolute https URL")
	}
	client := &Client{
		endpoint: endpoint, responses: options.Responses, timeout: options.Timeout,
		userAgent: options.UserAgent, clock: options.Clock,
	}
	if len(options.TLS) > 0 {
		client.roots = x509.NewCertPool()
		for _, certificate := range options.TLS {
			client.roots.AddCert(certificate)
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

// SignNew sends SignNewCertificate and returns the RetrievalId. No error ever shows the transfer password, not even
// where the service repeats it.
func (c *Client) SignNew(ctx context.Context, message *vero.SignNew) (string, error) {
	payload, err := message.Payload()
	if err != nil {
		return "", err
	}
	id, err := c.submit(ctx, vero.SignNewCertificate, payload)
	return id, withoutSecret(err, message.TransferPassword)
}

// Renew signs the message with the key of the certificate that is to be renewed, sends RenewCertificate and returns
// the RetrievalId.
func (c *Client) Renew(
	ctx context.Context, message *vero.Renew, key crypto.Signer, leaf *x509.Certificate,
) (string, error) {
	payload, err := message.Payload()
	if err != nil {
		return "", err
	}
	signed, err := xmlsig.Sign(payload, key, leaf)
	if err != nil {
		return "", err
	}
	return c.submit(ctx, vero.RenewCertificate, signed)
}

// Get sends GetCertificate and returns the certificate as the service sent it: DER, or PEM. Whether it is the one
// that was asked for is for pki.CheckIssued to say.
func (c *Client) Get(ctx context.Context, message *vero.Get) ([]byte, error) {
	payload, err := message.Payload()
	if err != nil {
		return nil, err
	}
	response, err := c.call(ctx, vero.GetCertificate, payload)
	if err != nil {
		return nil, err
	}
	return vero.ReadCertificate(response)
}

func (c *Client) submit(ctx context.Context, operation vero.Operation, payload *etree.Element) (string, error) {
	response, err := c.call(ctx, operation, payload)
	if err != nil {
		return "", err
	}
	return vero.ReadSubmission(response, operation)
}

// call returns the verified response element.
func (c *Client) call(ctx context.Context, operation vero.Operation, payload *etree.Element) (*etree.Element, error) {
	body, err := vero.Wrap(payload)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	answer, err := c.post(ctx, operation, body)
	if err != nil {
		return nil, err
	}
	return c.open(operation, answer)
}

// open reads an answer: parse strictly, unwrap, check which answer it is, verify, and return only what was verified.
func (c *Client) open(operation vero.Operation, answer []byte) (*etree.Element, error) {
	document, err := xmlsig.Parse(answer)
	if err != nil {
		return nil, &vero.NotXMLError{Err: err}
	}
	payload, err := vero.Unwrap(document)
	if err != nil {
		return nil, err
	}
	if err := vero.CheckResponse(payload, operation); err != nil {
		return nil, err
	}
	verified, err := xmlsig.Verify(payload, c.responses, c.clock.Now())
	if err != nil {
		return nil, &vero.UnverifiedError{RetrievalID: vero.PeekRetrievalID(payload), Err: err}
	}
	return verified.Element, nil
}

// Probe completes a TLS handshake with the endpoint and sends nothing. Its errors are *vero.UnreachableError and
// *vero.UntrustedServerError.
func (c *Client) Probe(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	return c.handshake(ctx)
}

// transport for one call: no kept connections, so that Go's own retry on a stale one can never send twice.
func (c *Client) transport() *http.Transport {
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		TLSClientConfig:        &tls.Config{RootCAs: c.roots, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    c.timeout,
		DisableKeepAlives:      true,
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxHeaderBytes,
	}
}

// withoutSecret removes the password from the errors that carry the service's own words: a service that quotes the
// request in its answer must not bring it into a log.
func withoutSecret(err error, password vero.Password) error {
	scrub := strings.NewReplacer(password.Reveal(), password.String())
	var refusal *vero.ServiceError
	var fault *vero.FaultError
	var answer *vero.AnswerError
	switch {
	case errors.As(err, &refusal):
		return &vero.ServiceError{Code: vero.Code(scrub.Replace(string(refusal.Code))), Text: scrub.Replace(refusal.Text)}
	case errors.As(err, &fault):
		return &vero.FaultError{Code: scrub.Replace(fault.Code), Text: scrub.Replace(fault.Text)}
	case errors.As(err, &answer):
		return &vero.AnswerError{Problem: scrub.Replace(answer.Problem)}
	default:
		return err
	}
}
