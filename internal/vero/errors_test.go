package vero_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/varmenne/varmenne-issuer/internal/vero"
)

func TestErrorsSayWhetherTheRequestMayHaveBeenProcessed(t *testing.T) {
	const host = "host:443"
	for claim, test := range map[string]struct {
		err  vero.CallError
		may  bool
		text string
	}{
		"a refusal":            {&vero.ServiceError{Code: vero.CodeCredentials, Text: "Invalid"}, false, "PKI020 (Invalid)"},
		"no connection":        {&vero.UnreachableError{Host: host, Err: io.EOF}, false, "cannot connect to host:443: EOF"},
		"an untrusted server":  {&vero.UntrustedServerError{Host: host, Err: io.EOF}, false, "host:443 does not verify: EOF"},
		"an interruption":      {&vero.InterruptedError{Err: io.EOF}, true, "before the answer was complete (EOF)"},
		"a timeout":            {&vero.InterruptedError{Timeout: true, Err: io.EOF}, true, "did not answer in time"},
		"HTTP 200 of no XML":   {&vero.HTTPError{Status: 200, Detail: "but"}, true, "HTTP 200, but"},
		"HTTP 202":             {&vero.HTTPError{Status: 202}, true, "HTTP 202"},
		"HTTP 307":             {&vero.HTTPError{Status: 307}, true, "HTTP 307"},
		"HTTP 404":             {&vero.HTTPError{Status: 404}, false, "HTTP 404"},
		"HTTP 499":             {&vero.HTTPError{Status: 499}, true, "HTTP 499"},
		"HTTP 500":             {&vero.HTTPError{Status: 500}, true, "HTTP 500"},
		"HTTP 503":             {&vero.HTTPError{Status: 503}, true, "HTTP 503"},
		"Fault Client":         {&vero.FaultError{Code: "soapenv:Client", Text: "a"}, false, "a (soapenv:Client)"},
		"Fault Client, bare":   {&vero.FaultError{Code: "Client", Text: "a"}, false, "a (Client)"},
		"Fault Client.More":    {&vero.FaultError{Code: "s:Client.Authentication", Text: "a"}, false, "Fault"},
		"Fault MustUnderstand": {&vero.FaultError{Code: "s:MustUnderstand"}, false, "no explanation"},
		"Fault Version":        {&vero.FaultError{Code: "s:VersionMismatch"}, false, "no explanation"},
		"Fault Server":         {&vero.FaultError{Code: "s:Server", Text: "a"}, true, "a (s:Server)"},
		"Fault of its own":     {&vero.FaultError{Code: "s:ClientGone", Text: "a"}, true, "ClientGone"},
		"Fault without code":   {&vero.FaultError{Text: "a"}, true, "a (no code)"},
		"an oversized answer":  {&vero.OversizeError{Limit: 12}, true, "larger than 12 bytes"},
		"no XML":               {&vero.NotXMLError{Err: io.EOF}, true, "read as XML: EOF"},
		"another answer":       {&vero.AnswerError{Problem: "it is odd"}, true, "does not fit the request: it is odd"},
		"an unverified answer": {&vero.UnverifiedError{RetrievalID: "ABC", Err: io.EOF}, true, "does not verify: EOF"},
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
		&vero.UnreachableError{Err: io.EOF}, &vero.UntrustedServerError{Err: io.EOF}, &vero.InterruptedError{Err: io.EOF},
		&vero.NotXMLError{Err: io.EOF}, &vero.UnverifiedError{Err: io.EOF},
	} {
		if !errors.Is(err, io.EOF) {
			t.Errorf("%T hides its cause", err)
		}
	}
}
