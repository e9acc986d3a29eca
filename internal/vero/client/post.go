package client

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/varmenne/varmenne-issuer/internal/vero/protocol"
	"github.com/varmenne/varmenne-issuer/internal/vero/xmlsig"
)

// maxHeaderBytes bounds the HTTP headers of a response.
const maxHeaderBytes = 64 << 10

// post sends one message and returns what came back, whatever its status. Its errors are those of the connection.
func (c *Client) post(ctx context.Context, operation protocol.Operation, body []byte) (*received, error) {
	var connected, sent, answered atomic.Bool
	ctx, greeting := traceHello(ctx)
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { connected.Store(true) },
		// It is told of what has left the request's own buffer at least; RoundTrip does not return before it was told.
		WroteRequest:         func(info httptrace.WroteRequestInfo) { sent.Store(info.Err == nil) },
		GotFirstResponseByte: func() { answered.Store(true) },
	})
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.endpoint.String(), bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("make the HTTP request: %w", err)
	}
	request.Header.Set("Content-Type", "text/xml; charset=utf-8")
	// Not by Set, which writes Soapaction: names are the same in any case, but not for every old SOAP stack.
	request.Header["SOAPAction"] = []string{operation.SOAPAction()}
	request.Header.Set("User-Agent", c.userAgent)
	// Without GetBody the transport cannot repeat the request, whatever happens to the connection.
	request.GetBody = nil

	// Not through an http.Client, which follows redirections and, even when told not to, reads where they lead.
	response, err := c.transport().RoundTrip(request)
	switch {
	case err != nil && connected.Load():
		failure := interrupted(err, answered.Load())
		failure.Unsent = !sent.Load() && !answered.Load()
		return nil, failure
	case err != nil:
		return nil, c.connectError(err, greeting.Load())
	}
	defer response.Body.Close()
	got := read(response, operation)
	got.calledOff = ctx.Err()
	got.retryAfter = retryAfter(response, c.clock.Now())
	return got, nil
}

// maximumBytes is how much of a response is read: what a parser takes, and no more.
const maximumBytes = xmlsig.MaximumBytes

// read takes what is needed of an HTTP response: the body of a response or of a Fault, and of whatever else comes back
// for a submission, because a RetrievalId may stand in it.
func read(response *http.Response, operation protocol.Operation) *received {
	got := &received{
		status: response.StatusCode, contentType: response.Header.Get("Content-Type"),
		contentEncoding: response.Header.Get("Content-Encoding"),
	}
	submission := operation != protocol.GetCertificate
	if !submission && !holdsResponse(got.status) {
		return got
	}
	oversize := &protocol.OversizeError{Limit: maximumBytes}
	if !submission && response.ContentLength > maximumBytes {
		got.incomplete = oversize
		return got
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maximumBytes+1))
	switch {
	case len(body) > maximumBytes || response.ContentLength > maximumBytes:
		got.incomplete = oversize
	case err != nil:
		got.incomplete = interrupted(err, true)
	}
	got.body = body[:min(len(body), maximumBytes)]
	return got
}

// retryAfter is what a response with 429 or 503 asks for, in seconds or as a date (RFC 9110, 10.2.3); 0 for any other,
// and for what is neither or is past.
func retryAfter(response *http.Response, now time.Time) time.Duration {
	if response.StatusCode != http.StatusTooManyRequests && response.StatusCode != http.StatusServiceUnavailable {
		return 0
	}
	value := response.Header.Get("Retry-After")
	if date, err := http.ParseTime(value); err == nil {
		return max(date.Sub(now), 0)
	}
	const day = 24 * time.Hour
	seconds, err := strconv.ParseUint(value, 10, 32)
	if err != nil {
		return 0
	}
	return min(time.Duration(seconds)*time.Second, day)
}

// handshake connects as a call would, proxy included, and hangs up before the request is written.
func (c *Client) handshake(ctx context.Context) error {
	var connected atomic.Bool
	ctx, greeting := traceHello(ctx)
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		// The transport calls this before it writes, and waits for it.
		GotConn: func(info httptrace.GotConnInfo) {
			connected.Store(true)
			_ = info.Conn.Close()
		},
	})
	request, err := http.NewRequestWithContext(ctx, http.MethodHead, c.endpoint.String(), http.NoBody)
	if err != nil {
		return fmt.Errorf("make the HTTP request: %w", err)
	}
	response, err := c.transport().RoundTrip(request)
	if err == nil {
		_ = response.Body.Close()
	}
	if err != nil && !connected.Load() {
		return c.connectError(err, greeting.Load())
	}
	return nil
}

// transport for one call: no kept connections, so that Go's own retry on a stale one can never send twice.
func (c *Client) transport() *http.Transport {
	transport := &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            c.dial,
		OnProxyConnectResponse: checkProxy,
		TLSClientConfig:        &tls.Config{RootCAs: c.roots, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    c.timeout,
		DisableKeepAlives:      true,
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxHeaderBytes,
	}
	c.secureProxy(transport)
	return transport
}

// checkProxy says who refused a connection: the status text alone, which the transport would give, reads as if the
// service had said it.
func checkProxy(_ context.Context, proxy *url.URL, _ *http.Request, response *http.Response) error {
	if response.StatusCode == http.StatusOK {
		return nil
	}
	return &networkError{text: fmt.Sprintf("the proxy %s answered HTTP %d", shortened(proxy.Host), response.StatusCode)}
}
