package veroclient

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"

	"github.com/varmenne/varmenne-issuer/internal/vero"
	"github.com/varmenne/varmenne-issuer/internal/xmlsig"
)

const (
	// maxAnswerBytes is the largest answer that is read (protocol.md, XML signatures: larger than 1 MiB is refused).
	maxAnswerBytes = 1 << 20
	// maxHeaderBytes bounds the HTTP headers of an answer.
	maxHeaderBytes = 64 << 10
)

// post sends one message and returns the bytes of an HTTP 200 answer that calls itself XML.
func (c *Client) post(ctx context.Context, operation vero.Operation, body []byte) ([]byte, error) {
	var sent atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { sent.Store(true) },
	})
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.endpoint.String(), bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("make the HTTP request: %w", err)
	}
	request.Header.Set("Content-Type", "text/xml; charset=utf-8")
	request.Header.Set("SOAPAction", operation.SOAPAction())
	request.Header.Set("User-Agent", c.userAgent)
	// Without GetBody the transport cannot repeat the request, whatever happens to the connection.
	request.GetBody = nil

	client := &http.Client{
		Transport:     c.transport(),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	response, err := client.Do(request)
	if err != nil {
		if !sent.Load() {
			return nil, c.connectError(err)
		}
		return nil, interrupted(err)
	}
	defer response.Body.Close()
	return read(response)
}

// read applies the rules for answers that need no look inside: size, status, content type.
func read(response *http.Response) ([]byte, error) {
	if response.ContentLength > maxAnswerBytes {
		return nil, &vero.OversizeError{Limit: maxAnswerBytes}
	}
	if response.StatusCode != http.StatusOK && response.StatusCode != http.StatusInternalServerError {
		return nil, &vero.HTTPError{Status: response.StatusCode}
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswerBytes+1))
	switch {
	case err != nil:
		return nil, interrupted(err)
	case len(body) > maxAnswerBytes:
		return nil, &vero.OversizeError{Limit: maxAnswerBytes}
	case response.StatusCode != http.StatusOK:
		return nil, faultOr(body, &vero.HTTPError{Status: response.StatusCode})
	}
	contentType := response.Header.Get("Content-Type")
	switch mediaType, _, _ := mime.ParseMediaType(contentType); mediaType {
	case "text/xml", "application/xml", "application/soap+xml":
		return body, nil
	default:
		return nil, &vero.HTTPError{Status: response.StatusCode,
			Detail: fmt.Sprintf("but its content type is %q, not text/xml", clip(contentType))}
	}
}

// faultOr is the SOAP Fault in the body of an HTTP 500 (seed 004, 2.2), or the other error if there is none.
func faultOr(body []byte, other error) error {
	document, err := xmlsig.Parse(body)
	if err != nil {
		return other
	}
	var fault *vero.FaultError
	if _, err := vero.Unwrap(document); errors.As(err, &fault) {
		return fault
	}
	return other
}

// handshake connects as a call would, proxy included, and lets the server say no more than its certificate.
func (c *Client) handshake(ctx context.Context) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodHead, c.endpoint.String(), nil)
	if err != nil {
		return fmt.Errorf("make the HTTP request: %w", err)
	}
	request.Header.Set("User-Agent", c.userAgent)
	var connected atomic.Bool
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { connected.Store(true); cancel() },
	})
	response, err := c.transport().RoundTrip(request.WithContext(ctx))
	if response != nil {
		_ = response.Body.Close()
	}
	if err != nil && !connected.Load() {
		return c.connectError(err)
	}
	return nil
}

// connectError tells a server that is not trusted from one that is not there. The network's own error names
// addresses and ports that change with every attempt; only its cause is kept, so that the same failure reads the
// same each time.
func (c *Client) connectError(err error) error {
	host := c.endpoint.Host
	if c.endpoint.Port() == "" {
		host = net.JoinHostPort(c.endpoint.Hostname(), "443")
	}
	var untrusted *tls.CertificateVerificationError
	if errors.As(err, &untrusted) {
		return &vero.UntrustedServerError{Host: host, Err: untrusted.Err}
	}
	return &vero.UnreachableError{Host: host, Err: cause(err)}
}

func interrupted(err error) error {
	var netError net.Error
	timeout := errors.Is(err, context.DeadlineExceeded) || (errors.As(err, &netError) && netError.Timeout())
	return &vero.InterruptedError{Timeout: timeout, Err: cause(err)}
}

// cause strips what the standard library wraps around the cause of a network error.
func cause(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return errors.New("no answer in time")
	}
	var operation *net.OpError
	if errors.As(err, &operation) && operation.Err != nil {
		return operation.Err
	}
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}

func clip(text string) string {
	const longest = 80
	if len(text) > longest {
		return text[:longest] + "…"
	}
	return text
}
