package client_test

import (
	"context"
	"crypto/x509"
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/pki"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
	veroclient "github.com/varmenne/varmenne-issuer/internal/vero/client"
	"github.com/varmenne/varmenne-issuer/internal/vero/protocol"
	"github.com/varmenne/varmenne-issuer/internal/vero/xmlsig"
)

// fault is a scripted misbehavior and what a call makes of it, whatever the operation.
type fault struct {
	admin.Fault

	// check judges the error; accepted is the RetrievalId that the service has given, if it has.
	check func(t *testing.T, err error, accepted string)
	// timeout of the call; 0 means one that is not reached.
	timeout time.Duration
}

// short is enough for a call that goes well, even on a busy machine.
const short = time.Second

func typed[E protocol.CallError](may bool, words ...string) func(*testing.T, error, string) {
	return func(t *testing.T, err error, _ string) {
		t.Helper()
		want[E](t, err, may)
		must.Say(t, err, words...)
	}
}

func timedOut(t *testing.T, err error, _ string) {
	t.Helper()
	if !find[*protocol.InterruptedError](t, err, true).Timeout || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("no timeout: %v", err)
	}
}

func unverified(reason xmlsig.Reason) func(*testing.T, error, string) {
	return func(t *testing.T, err error, accepted string) {
		t.Helper()
		failure := find[*protocol.UnverifiedError](t, err, true)
		if refusal, is := errors.AsType[*xmlsig.VerifyError](err); !is || refusal.Reason != reason {
			t.Errorf("error %v, want %s", err, reason)
		}
		if failure.RetrievalID != accepted {
			t.Errorf("the RetrievalId %q was kept, the service gave %q", failure.RetrievalID, accepted)
		}
	}
}

func refused(code protocol.Code) func(*testing.T, error, string) {
	return func(t *testing.T, err error, _ string) {
		t.Helper()
		if refusal := find[*protocol.ServiceError](t, err, false); refusal.Code != code {
			t.Errorf("error %v, want %s", err, code)
		}
	}
}

// misbehaviors are the faults that any operation can meet.
func misbehaviors() map[string]fault {
	type check = func(*testing.T, error, string)
	of := func(kind admin.FaultKind, check check) fault {
		return fault{Fault: admin.Fault{Kind: kind}, check: check}
	}
	slow := func(kind admin.FaultKind) fault {
		return fault{Fault: admin.Fault{Kind: kind}, check: timedOut, timeout: short}
	}
	after := func(fault fault) fault { fault.AfterProcessing = true; return fault }
	status := func(status int, may bool) fault {
		fault := of(admin.HTTPStatus, typed[*protocol.HTTPError](may, strconv.Itoa(status)))
		fault.Status = status
		return fault
	}
	code := func(code protocol.Code) fault {
		fault := of(admin.ResultFail, refused(code))
		fault.Code = string(code)
		return fault
	}
	interrupted := typed[*protocol.InterruptedError](true, "the other side closed it")
	faulted := typed[*protocol.FaultError](true, "scripted fault", "Server")
	faults := map[string]fault{
		"the connection is dropped":    of(admin.DropBefore, interrupted),
		"the response breaks off":      of(admin.ResetMidResponse, interrupted),
		"the response never comes":     slow(admin.TimeoutAfter),
		"one byte per second":          slow(admin.Slow),
		"HTTP 503":                     status(503, true),
		"HTTP 500 without a Fault":     status(500, true),
		"HTTP 404":                     status(404, false),
		"HTTP 502 after processing":    after(status(502, true)),
		"HTTP 408 after processing":    after(status(408, true)),
		"HTTP 429 after processing":    after(status(429, true)),
		"a SOAP Fault":                 of(admin.SOAPFault, faulted),
		"one after processing":         after(of(admin.SOAPFault, faulted)),
		"a redirection":                of(admin.Redirect, typed[*protocol.HTTPError](true, "307", "never followed")),
		"a stranger's signature":       of(admin.StrangerSignature, unverified(xmlsig.UntrustedSigner)),
		"no signature":                 of(admin.Unsigned, unverified(xmlsig.MissingSignature)),
		"broken XML":                   of(admin.Malformed, typed[*protocol.NotXMLError](true)),
		"half of the response":         of(admin.Truncated, typed[*protocol.NotXMLError](true)),
		"100 MB":                       of(admin.Oversize, typed[*protocol.OversizeError](true, "bytes and was not read")),
		"HTML":                         of(admin.WrongContentType, typed[*protocol.HTTPError](true, "200", "text/html")),
		"a response to something else": of(admin.WrongOperation, typed[*protocol.ResponseError](true, "Response, not ")),
		"a code that nobody knows":     code("PKI777"),
	}
	for _, meaning := range protocol.Codes() {
		faults[string(meaning.Code)] = code(meaning.Code)
	}
	return faults
}

func TestEveryMisbehaviorHasItsErrorAndIsMetOnce(t *testing.T) {
	for _, operation := range protocol.Operations() {
		t.Run(string(operation), func(t *testing.T) {
			t.Parallel() // a simulator each: two of the faults take their time
			s := start(t, nil)
			id, issued := s.accepted(t)
			for claim, fault := range misbehaviors() {
				t.Run(claim, func(t *testing.T) {
					fault.Operation, fault.Count = string(operation), 2
					s.script(t, fault.Fault)
					client := s.client(t, func(options *veroclient.Options) { options.Timeout = fault.timeout })
					call := func() error { return s.call(t, client, operation, id, issued) }
					first := s.once(t, operation, fault, call)
					same(t, first, s.once(t, operation, fault, call))
					if left, err := s.admin.Faults(t.Context()); err != nil || len(left) > 0 {
						t.Errorf("faults that did not strike: %+v (error %v)", left, err)
					}
				})
			}
		})
	}
}

// call makes a call that fails: id is what Get asks for, issued what Renew renews.
func (s *service) call(
	t *testing.T, client *veroclient.Client, operation protocol.Operation, id string, issued *x509.Certificate,
) error {
	t.Helper()
	var got string
	var content []byte
	var err error
	switch operation {
	case protocol.SignNewCertificate:
		got, err = client.SignNew(t.Context(), s.signNew(t))
	case protocol.RenewCertificate:
		got, err = client.Renew(t.Context(), renew(t), pkitest.Key(requestKey), issued)
	case protocol.GetCertificate:
		content, err = client.Get(t.Context(), get(id))
	}
	if got != "" || content != nil {
		t.Errorf("%q %x beside the error %v", got, content, err)
	}
	return err
}

// once makes a call that fails, judges its error, and checks that the service has received exactly one request.
func (s *service) once(t *testing.T, operation protocol.Operation, fault fault, call func() error) error {
	t.Helper()
	before := len(s.requests(t))
	err := call()
	requests := s.requests(t)
	if len(requests) != before+1 || requests[before].Operation != string(operation) {
		t.Fatalf("%d requests for one call: %+v", len(requests)-before, requests[before:])
	}
	met := requests[before]
	if met.Fault != fault.Kind {
		t.Fatalf("the request has met %q", met.Fault)
	}
	accepted := ""
	if operation != protocol.GetCertificate {
		accepted = met.RetrievalID
	}
	fault.check(t, err, accepted)
	if failure, ok := errors.AsType[protocol.CallError](err); ok && met.Accepted && !failure.MayHaveBeenProcessed() {
		t.Errorf("the service has processed what cannot have been processed: %v", err)
	}
	return err
}

func TestEveryKindOfFaultIsTested(t *testing.T) {
	kinds := map[admin.FaultKind]bool{admin.Replay: true, admin.WrongCertificate: true} // below
	for _, fault := range misbehaviors() {
		kinds[fault.Kind] = true
	}
	for _, kind := range admin.FaultKinds() {
		if !kinds[kind] {
			t.Errorf("%s is missing", kind)
		}
	}
}

// An earlier response is signed like the right one, and has nothing that says what it answers; the certificate that it
// leads to gives it away.
func TestAReplayedResponseIsTakenAndItsCertificateIsNot(t *testing.T) {
	s := start(t, nil)
	client := s.client(t, nil)
	earlier, _ := s.accepted(t)
	s.script(t, admin.Fault{Kind: admin.Replay, Operation: string(protocol.SignNewCertificate)})
	message := s.signNew(t)
	message.CSR = certificateRequest(t, renewalKey)
	replayed, err := client.SignNew(t.Context(), message)
	if err != nil || replayed != earlier {
		t.Fatalf("%q, error %v, want the earlier %q", replayed, err, earlier)
	}
	content := must.Get(client.Get(t.Context(), get(replayed)))(t)
	s.checkRefused(t, certificateIn(t, content), renewalKey, pki.IssuedOtherPublicKey)
}

func (s *service) checkRefused(t *testing.T, certificate *x509.Certificate, key string, reason pki.IssuedReason) {
	t.Helper()
	_, err := s.checkIssued(t, certificate, key)
	if wrong, is := errors.AsType[*pki.IssuedError](err); !is || wrong.Reason != reason {
		t.Errorf("error %v, want %s", err, reason)
	}
}

// The client hands on what the service has signed; whether it is the certificate that was ordered is for package pki.
func TestAWrongCertificateIsHandedOnAndRefusedByItsCheck(t *testing.T) {
	reasons := map[string]pki.IssuedReason{
		admin.AnotherCustomer: pki.IssuedOtherCommonName,
		admin.AnotherKey:      pki.IssuedOtherPublicKey,
		admin.Expired:         pki.IssuedExpired,
		admin.NotYetValid:     pki.IssuedNotYetValid,
		admin.UnknownCA:       pki.IssuedUnknownAuthority,
	}
	for _, variant := range admin.CertificateVariants() {
		if reasons[variant] == "" {
			t.Errorf("%s is missing", variant)
		}
	}
	s := start(t, nil)
	id, right := s.accepted(t)
	for variant, reason := range reasons {
		t.Run(variant, func(t *testing.T) {
			s.script(t, admin.Fault{Kind: admin.WrongCertificate, Variant: variant})
			wrong := certificateIn(t, must.Get(s.client(t, nil).Get(t.Context(), get(id)))(t))
			if wrong.Equal(right) {
				t.Fatal("it is the right one")
			}
			s.checkRefused(t, wrong, requestKey, reason)
		})
	}
}

// Which error of the network a reset becomes depends on who is faster; its text must not.
func TestAResetReadsTheSameEachTime(t *testing.T) {
	const attempts = 30
	s := start(t, nil)
	for _, kind := range []admin.FaultKind{admin.ResetMidResponse, admin.DropBefore} {
		s.script(t, admin.Fault{Kind: kind, Count: attempts})
		client := s.client(t, nil)
		_, first := client.Get(t.Context(), get("unknown"))
		for range attempts - 1 {
			_, again := client.Get(t.Context(), get("unknown"))
			same(t, first, again)
		}
	}
}
