package client

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/varmenne/varmenne-issuer/internal/https"
	"github.com/varmenne/varmenne-issuer/internal/vero/protocol"
	"github.com/varmenne/varmenne-issuer/internal/vero/xmlsig"
)

// response is what came back for a request.
type received struct {
	// status is that of HTTP.
	status int
	// contentType is the HTTP header, as it came.
	contentType string
	// contentEncoding is the HTTP header, as it came.
	contentEncoding string
	// body is what has come of it, at most maximumBytes; nil where nothing of it can matter.
	body []byte
	// incomplete is why body is not all of it, nil if it is: *protocol.OversizeError or *protocol.InterruptedError.
	incomplete error
	// retryAfter is what the header of that name asks for with 429 and 503, else 0.
	retryAfter time.Duration
	// calledOff is why nobody waits for the response any more, nil if somebody does.
	calledOff error
}

// holdsResponse reports whether a response to rely on, or a Fault, can come with a status (interface description 2.2).
func holdsResponse(status int) bool {
	return status == http.StatusOK || status == http.StatusInternalServerError
}

// xmlTypes are the media types of a response. A response without a Content-Type is accepted.
var xmlTypes = map[string]bool{"": true, "text/xml": true, "application/xml": true, "application/soap+xml": true}

// readableType is a media type that can be repeated in an error.
var readableType = regexp.MustCompile(`^[a-z0-9.+-]{1,40}/[a-z0-9.+-]{1,40}$`)

// content is the body of a response of HTTP 200 that calls itself XML. Its charset parameter is not looked at: whatever
// it says, the document is UTF-8 or is refused, and a response that was paid for is not thrown away for a header that a
// gateway has put there.
func (a *received) content() ([]byte, error) {
	switch {
	case a.status >= 300 && a.status < 400:
		return nil, &protocol.HTTPError{Status: a.status, Detail: "a redirection, which is never followed"}
	case !holdsResponse(a.status):
		return nil, &protocol.HTTPError{Status: a.status, RetryAfter: a.retryAfter}
	case a.incomplete != nil:
		return nil, a.incomplete
	case a.status == http.StatusInternalServerError:
		return nil, a.fault()
	}
	mediaType, _, _ := strings.Cut(a.contentType, ";")
	mediaType = strings.ToLower(strings.TrimSpace(mediaType))
	if xmlTypes[mediaType] {
		return a.body, nil
	}
	if !readableType.MatchString(mediaType) {
		mediaType = "unreadable"
	}
	return nil, &protocol.HTTPError{
		Status: a.status, Detail: fmt.Sprintf("but its content type is %s, not text/xml", mediaType),
	}
}

// notXML is the error of a body that cannot be read. A call that was called off can still get a response: the server
// sees TLS end before the connection does, and ends its own response where it stands, often as an empty HTTP 200. That
// says nothing about the service; a whole response that came in time is read like any other.
func (a *received) notXML(err error) error {
	if a.calledOff != nil {
		return interrupted(https.Interrupted(a.calledOff, true))
	}
	return &protocol.NotXMLError{Err: err}
}

// fault is the SOAP Fault in the body of an HTTP 500 (interface description 2.2), or the bare status if there is none.
func (a *received) fault() error {
	document, err := xmlsig.Parse(a.body)
	if err == nil {
		_, err = protocol.Unwrap(document)
	}
	if fault, isFault := errors.AsType[*protocol.FaultError](err); isFault {
		return fault
	}
	return &protocol.HTTPError{Status: a.status}
}

// hidden stands for what the service said.
const hidden = "not shown, because the response repeats the transfer password, or cannot be searched for it"

// withoutWords is an error of the same type that says the same in our words only.
func withoutWords(err error) error {
	switch err := err.(type) { //nolint:errorlint // these come as they are, never wrapped
	case *protocol.ServiceError:
		return serviceErrorWithoutWords(err)
	case *protocol.FaultError:
		// The class of the fault decides whether the request can have been processed.
		if err.MayHaveBeenProcessed() {
			return &protocol.FaultError{Code: "Server", Text: hidden}
		}
		return &protocol.FaultError{Code: "Client", Text: hidden}
	case *protocol.HTTPError:
		return &protocol.HTTPError{Status: err.Status, RetryAfter: err.RetryAfter}
	case *protocol.NotXMLError:
		return &protocol.NotXMLError{Err: errors.New(hidden)}
	case *protocol.ResponseError:
		return &protocol.ResponseError{Problem: hidden}
	case *protocol.UnverifiedError:
		inner := verifyErrorWithoutWords(err.Err)
		if damage := err.Damage(); damage != nil {
			inner = withoutWords(damage)
		}
		return &protocol.UnverifiedError{RetrievalID: err.RetrievalID, Err: inner}
	default:
		return err
	}
}

func serviceErrorWithoutWords(err *protocol.ServiceError) error {
	if _, known := err.Meaning(); known {
		return &protocol.ServiceError{Code: err.Code, Text: hidden}
	}
	return &protocol.ServiceError{Code: protocol.CodeTechnical, Text: hidden}
}

func verifyErrorWithoutWords(err error) error {
	if refusal, ok := errors.AsType[*xmlsig.VerifyError](err); ok {
		return &xmlsig.VerifyError{Reason: refusal.Reason, Err: errors.New(hidden)}
	}
	return errors.New(hidden)
}
