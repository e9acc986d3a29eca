package protocol_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/varmenne/varmenne-issuer/internal/vero/protocol"
)

func TestErrorsSayWhetherTheRequestMayHaveBeenProcessed(t *testing.T) {
	const host = "host:443"
	for claim, test := range map[string]struct {
		err  protocol.CallError
		may  bool
		text string
	}{
		"a refusal":     {&protocol.ServiceError{Code: protocol.CodeCredentials, Text: "Invalid"}, false, "PKI020 (Invalid)"},
		"no connection": {&protocol.UnreachableError{Host: host, Err: io.EOF}, false, "cannot connect to host:443: EOF"},
		"an untrusted server": {
			&protocol.UntrustedServerError{Host: host, Err: io.EOF}, false, "host:443 does not verify: EOF"},
		"an interruption":        {&protocol.InterruptedError{Err: io.EOF}, true, "before the response was complete (EOF)"},
		"a timeout":              {&protocol.InterruptedError{Timeout: true, Err: io.EOF}, true, "did not answer in time"},
		"HTTP 200 of no XML":     {&protocol.HTTPError{Status: 200, Detail: "but"}, true, "HTTP 200, but"},
		"HTTP 202":               {&protocol.HTTPError{Status: 202}, true, "HTTP 202"},
		"HTTP 307":               {&protocol.HTTPError{Status: 307}, true, "HTTP 307"},
		"HTTP 404":               {&protocol.HTTPError{Status: 404}, false, "HTTP 404"},
		"HTTP 499":               {&protocol.HTTPError{Status: 499}, true, "HTTP 499"},
		"HTTP 500":               {&protocol.HTTPError{Status: 500}, true, "HTTP 500"},
		"HTTP 503":               {&protocol.HTTPError{Status: 503}, true, "HTTP 503"},
		"Fault Client":           {&protocol.FaultError{Code: "soapenv:Client", Text: "a"}, false, "a (soapenv:Client)"},
		"Fault Client, bare":     {&protocol.FaultError{Code: "Client", Text: "a"}, false, "a (Client)"},
		"Fault Client.More":      {&protocol.FaultError{Code: "s:Client.Authentication", Text: "a"}, false, "Fault"},
		"Fault MustUnderstand":   {&protocol.FaultError{Code: "s:MustUnderstand"}, false, "no explanation"},
		"Fault Version":          {&protocol.FaultError{Code: "s:VersionMismatch"}, false, "no explanation"},
		"Fault Server":           {&protocol.FaultError{Code: "s:Server", Text: "a"}, true, "a (s:Server)"},
		"Fault of its own":       {&protocol.FaultError{Code: "s:ClientGone", Text: "a"}, true, "ClientGone"},
		"Fault without code":     {&protocol.FaultError{Text: "a"}, true, "a (no code)"},
		"an oversized response":  {&protocol.OversizeError{Limit: 12}, true, "larger than 12 bytes"},
		"no XML":                 {&protocol.NotXMLError{Err: io.EOF}, true, "read as XML: EOF"},
		"another response":       {&protocol.ResponseError{Problem: "it is odd"}, true, "does not fit the request: it is"},
		"an unverified response": {&protocol.UnverifiedError{RetrievalID: "ABC", Err: io.EOF}, true, "does not verify: EOF"},
	} {
		t.Run(claim, func(t *testing.T) {
			if got := test.err.MayHaveBeenProcessed(); got != test.may {
				t.Errorf("may have been processed: %v", got)
			}
			if !strings.Contains(test.err.Error(), test.text) {
				t.Errorf("%q does not say %q", test.err.Error(), test.text)
			}
			checkLine(t, test.err)
		})
	}
}

func TestCausesAreFoundBehindTheErrors(t *testing.T) {
	for _, err := range []error{
		&protocol.UnreachableError{Err: io.EOF}, &protocol.UntrustedServerError{Err: io.EOF},
		&protocol.InterruptedError{Err: io.EOF},
		&protocol.NotXMLError{Err: io.EOF}, &protocol.UnverifiedError{Err: io.EOF},
	} {
		if !errors.Is(err, io.EOF) {
			t.Errorf("%T hides its cause", err)
		}
	}
}
