package client

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"

	"github.com/varmenne/varmenne-issuer/internal/https"
	"github.com/varmenne/varmenne-issuer/internal/vero/protocol"
	"github.com/varmenne/varmenne-issuer/internal/vero/xmlsig"
)

// post sends one message and returns what came back, whatever its status. Its errors are those of the connection.
func (c *Client) post(ctx context.Context, operation protocol.Operation, body []byte) (*received, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.endpoint.URL(), bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("make the HTTP request: %w", err)
	}
	request.Header.Set("Content-Type", "text/xml; charset=utf-8")
	// Not by Set, which writes Soapaction: names are the same in any case, but not for every old SOAP stack.
	request.Header["SOAPAction"] = []string{operation.SOAPAction()}
	request.Header.Set("User-Agent", c.userAgent)
	response, failure := c.endpoint.Do(request)
	if failure != nil {
		return nil, c.explain(failure)
	}
	defer response.Body.Close()
	got := read(response, operation)
	got.calledOff = ctx.Err()
	// The service says it with these two.
	if got.status == http.StatusTooManyRequests || got.status == http.StatusServiceUnavailable {
		got.retryAfter = https.RetryAfter(response.Header, c.clock.Now())
	}
	return got, nil
}

const (
	// maximumBytes is how much of a response is read: what a parser takes, and no more.
	maximumBytes = xmlsig.MaximumBytes
	// maximumPollBytes is that for GetCertificate, whose response holds one certificate. It can be asked for again.
	maximumPollBytes = 256 << 10
)

// limitOf is how much of a response to an operation is read.
func limitOf(operation protocol.Operation) int {
	if operation == protocol.GetCertificate {
		return maximumPollBytes
	}
	return maximumBytes
}

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
	limit := limitOf(operation)
	oversize := &protocol.OversizeError{Limit: int64(limit)}
	if !submission && response.ContentLength > int64(limit) {
		got.incomplete = oversize
		return got
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, int64(limit)+1))
	switch {
	case len(body) > limit || response.ContentLength > int64(limit):
		got.incomplete = oversize
	case err != nil:
		got.incomplete = interrupted(https.Interrupted(err, true))
	}
	got.body = body[:min(len(body), limit)]
	return got
}
