package client

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"regexp"
	"time"

	"github.com/varmenne/varmenne-issuer/internal/https"
)

// maximumBytes is how much of a response is read: a token, or a reason, has a few thousand.
const maximumBytes = 64 << 10

// received is what came back for a request.
type received struct {
	status int
	html   bool
	// body is what was read; nil where it is not wanted.
	body []byte
	// incomplete says why body is not all of it; empty if it is.
	incomplete string
	// traceID is the one of the headers.
	traceID string
}

// read takes what is needed of a response: the body of a refusal, and of HTTP 200 if it is wanted.
func read(ctx context.Context, response *http.Response, readDone bool) received {
	got := received{status: response.StatusCode, traceID: response.Header.Get("traceId")}
	mediaType, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type"))
	got.html = mediaType == "text/html" || mediaType == "application/xhtml+xml"
	if got.status == http.StatusOK && !readDone {
		return got
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maximumBytes+1))
	if err == nil {
		// A server sees that the time of a call is over before its client does, and ends its response where it stands.
		err = ctx.Err()
	}
	got.body = body
	switch {
	case len(body) > maximumBytes:
		got.body, got.incomplete = nil, fmt.Sprintf("the response has more than %d bytes", maximumBytes)
	case err != nil:
		got.body = nil
		got.incomplete = fmt.Sprintf("the response is not complete (%v)", https.Interrupted(err, true))
	}
	return got
}

// turnedAway are the statuses of a gateway, or of a service that does not know the caller: it has not come to the
// password.
var turnedAway = map[int]bool{401: true, 403: true, 404: true, 405: true, 407: true, 410: true, 451: true}

// interpret says what a response means; whether the body of HTTP 200 is a token is for the caller to see.
func (r received) interpret() Result {
	said := r.explanation()
	result := Result{Outcome: Unknown, Status: r.status, TraceID: traceID(said.TraceID, r.traceID), Reason: said.Reason}
	switch {
	case r.status == http.StatusOK && r.html:
		result.Detail = "the service answered HTTP 200 with a web page, as something on the way may"
	case (r.status == http.StatusOK || r.status == http.StatusBadRequest) && r.incomplete != "":
		result.Detail = r.incomplete
	case r.status == http.StatusOK:
		return Result{Outcome: Done, Status: r.status, TraceID: result.TraceID}
	case r.status == http.StatusBadRequest && said.readable:
		result.Outcome, result.Detail = Refused, "the service answered HTTP 400"
	case r.status == http.StatusBadRequest:
		result.Detail = "something answered HTTP 400 without a word of the service"
	case turnedAway[r.status]:
		result.Outcome, result.Detail = NotAllowed, fmt.Sprintf("the service answered HTTP %d", r.status)
	case r.status >= 300 && r.status < 400:
		result.Detail = fmt.Sprintf("the service answered HTTP %d, a redirection, which is never followed", r.status)
	default:
		result.Detail = fmt.Sprintf("the service answered HTTP %d", r.status)
	}
	return result
}

// explanation is the body of a refusal. Other fields may appear without notice.
type explanation struct {
	Reason  string
	TraceID string
	// readable reports whether the body is a JSON object.
	readable bool
}

// explanation reads the body of a response that is no success. A field of another kind than a text says nothing.
func (r received) explanation() explanation {
	var fields map[string]json.RawMessage
	if r.incomplete != "" || r.status == http.StatusOK || json.Unmarshal(r.body, &fields) != nil || fields == nil {
		return explanation{}
	}
	said := explanation{readable: true}
	_ = json.Unmarshal(fields["reason"], &said.Reason)
	_ = json.Unmarshal(fields["traceId"], &said.TraceID)
	return said
}

// traceSyntax is that of the identifiers of the usual tracing systems.
var traceSyntax = regexp.MustCompile(`^[A-Za-z0-9._:=;-]{1,128}$`)

// traceID is the first that can be shown.
func traceID(candidates ...string) string {
	for _, candidate := range candidates {
		if traceSyntax.MatchString(candidate) {
			return candidate
		}
	}
	return ""
}

// tokenSyntax is what can stand in a header without a blank; longestToken is what a header has room for.
var tokenSyntax = regexp.MustCompile(`^[\x21-\x7e]+$`)

const longestToken = 8192

// longestLifetime is what is believed of a token's: more says nothing.
const longestLifetime = 365 * 24 * time.Hour

// readToken reads the response to a log-in: the token, and for how long it is good, 0 if that is not said; problem is
// empty, or says why there is no token.
func readToken(body []byte) (token string, lifetime time.Duration, problem string) {
	var read struct {
		AccessToken string          `json:"access_token"`
		ExpiresIn   json.RawMessage `json:"expires_in"`
	}
	switch err := json.Unmarshal(body, &read); {
	case err != nil:
		// The error of the decoder may quote.
		return "", 0, "the service answered HTTP 200 with a body that is not the JSON of a token"
	case len(read.AccessToken) > longestToken || !tokenSyntax.MatchString(read.AccessToken):
		return "", 0, "the service answered HTTP 200 without a token that can be used"
	}
	var seconds int64
	if json.Unmarshal(read.ExpiresIn, &seconds) == nil && seconds > 0 && seconds <= int64(longestLifetime/time.Second) {
		lifetime = time.Duration(seconds) * time.Second
	}
	return read.AccessToken, lifetime, ""
}
