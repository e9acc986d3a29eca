package simulator_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/simulator"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
	"github.com/varmenne/varmenne-issuer/internal/simulator/authority"
	"github.com/varmenne/varmenne-issuer/internal/simulator/protocol"
)

func (s *service) script(fault admin.Fault) {
	s.t.Helper()
	must.Get(s.admin.Script(s.t.Context(), fault))(s.t)
}

// lastRequest is the newest entry of the request log.
func (s *service) lastRequest() admin.Request {
	s.t.Helper()
	requests, err := s.admin.Requests(s.t.Context(), "", "")
	if err != nil || len(requests) == 0 {
		s.t.Fatalf("no request in the log, error %v", err)
	}
	return requests[len(requests)-1]
}

// struck is a SignNewCertificate that a fault hits.
type struck struct {
	*service
	credential admin.Credential
	request    string
}

func (s struck) send() reply { return s.signNew(s.credential, s.request) }

// submissions say for every kind of fault what a SignNewCertificate meets, and whether it was processed.
var submissions = map[string]struct {
	fault     admin.Fault
	processed bool
	check     func(t *testing.T, s struck, got reply)
}{
	"drop-before closes the connection": {admin.Fault{Kind: admin.DropBefore}, false, wantTransportError(io.EOF)},
	"reset-mid-response resets the connection": {
		admin.Fault{Kind: admin.ResetMidResponse}, true, wantTransportError(syscall.ECONNRESET)},
	"http-status answers 503":       {admin.Fault{Kind: admin.HTTPStatus}, false, wantStatus(503)},
	"http-status answers the other": {admin.Fault{Kind: admin.HTTPStatus, Status: 404}, false, wantStatus(404)},
	"http-status can lose the response": {
		admin.Fault{Kind: admin.HTTPStatus, Status: 502, AfterProcessing: true}, true, wantStatus(502)},
	"soap-fault is a Server fault": {admin.Fault{Kind: admin.SOAPFault}, false, func(t *testing.T, _ struck, got reply) {
		t.Helper()
		if got.status != 500 || !strings.HasPrefix(got.fault, "soapenv:Server: ") {
			t.Errorf("answered %d %q", got.status, got.fault)
		}
	}},
	"result is a signed PKI099": {admin.Fault{Kind: admin.ResultFail}, false, wantSignedCode("PKI099")},
	"result bears its code":     {admin.Fault{Kind: admin.ResultFail, Code: "PKI005"}, false, wantSignedCode("PKI005")},
	"result bears unknown codes": {
		admin.Fault{Kind: admin.ResultFail, Code: "PKI777"}, false, wantSignedCode("PKI777")},
	"redirect answers 307":                 {admin.Fault{Kind: admin.Redirect}, false, wantStatus(307)},
	"stranger-signature does not verify":   {admin.Fault{Kind: admin.StrangerSignature}, true, wantUnverified("X509")},
	"unsigned has no signature":            {admin.Fault{Kind: admin.Unsigned}, true, wantUnverified("Signature")},
	"malformed is no XML":                  {admin.Fault{Kind: admin.Malformed}, true, wantNoMessage},
	"truncated is no XML":                  {admin.Fault{Kind: admin.Truncated}, true, wantNoMessage},
	"wrong-content-type is HTML":           {admin.Fault{Kind: admin.WrongContentType}, true, wantHTML},
	"wrong-operation answers a renewal":    {admin.Fault{Kind: admin.WrongOperation}, true, wantRenewResponse},
	"replay without an earlier is nothing": {admin.Fault{Kind: admin.Replay}, true, wantSignedCode("OK")},
	"wrong-certificate leaves SignNew be":  {admin.Fault{Kind: admin.WrongCertificate}, true, wantSignedCode("OK")},
	"timeout-after holds until the client goes": {
		fault: admin.Fault{Kind: admin.TimeoutAfter}, processed: true},
	"timeout-after holds for its time": {
		fault: admin.Fault{Kind: admin.TimeoutAfter, Hold: admin.Duration(time.Hour)}, processed: true},
	"slow comes byte by byte": {fault: admin.Fault{Kind: admin.Slow}, processed: true},
	"oversize streams 100 MB": {fault: admin.Fault{Kind: admin.Oversize}, processed: true},
}

func wantTransportError(want error) func(*testing.T, struck, reply) {
	return func(t *testing.T, _ struck, got reply) {
		t.Helper()
		if !errors.Is(got.err, want) {
			t.Errorf("answered %d with the error %v, want %v", got.status, got.err, want)
		}
	}
}

func wantStatus(want int) func(*testing.T, struck, reply) {
	return func(t *testing.T, _ struck, got reply) {
		t.Helper()
		if got.err != nil || got.status != want || got.fault != "" || got.code != "" {
			t.Errorf("answered %d %q %q (error %v), want a bare %d", got.status, got.fault, got.code, got.err, want)
		}
	}
}

func wantSignedCode(want string) func(*testing.T, struck, reply) {
	return func(t *testing.T, s struck, got reply) {
		t.Helper()
		got.want(t, want)
		must.Do(t, s.verify(t, got.body))
	}
}

func wantUnverified(part string) func(*testing.T, struck, reply) {
	return func(t *testing.T, s struck, got reply) {
		t.Helper()
		got.want(t, "OK")
		err := s.verify(t, got.body)
		must.Say(t, err, part)
	}
}

func wantNoMessage(t *testing.T, _ struck, got reply) {
	t.Helper()
	if got.err != nil || got.status != 200 || got.operation != "" || len(got.body) == 0 {
		t.Errorf("answered %d (error %v) %s", got.status, got.err, got.body)
	}
}

func wantHTML(t *testing.T, _ struck, got reply) {
	t.Helper()
	if got.want(t, "OK"); !strings.HasPrefix(got.contentType, "text/html") {
		t.Errorf("the Content-Type is %s", got.contentType)
	}
}

func wantRenewResponse(t *testing.T, s struck, got reply) {
	t.Helper()
	if got.want(t, "OK"); got.operation != "RenewCertificate" || got.retrievalID == "" {
		t.Errorf("answered %s", got.body)
	}
	must.Do(t, s.verify(t, got.body))
}

func TestEveryFaultStrikesAsItsKindSays(t *testing.T) {
	covered := map[admin.FaultKind]bool{}
	for claim, given := range submissions {
		covered[given.fault.Kind] = true
		t.Run(claim, func(t *testing.T) {
			t.Parallel()
			s := start(t, nil)
			key, _ := keys(t)
			hit := struck{service: s, credential: s.mint(admin.MintRequest{}), request: requestFor(t, key)}
			s.script(given.fault)
			switch {
			case given.check != nil:
				given.check(t, hit, hit.send())
			case given.fault.Kind == admin.Oversize:
				checkOversize(t, hit)
			case given.fault.Kind == admin.TimeoutAfter && given.fault.Hold == 0:
				checkTimeout(t, hit)
			default:
				checkDelayed(t, hit)
			}
			if entry := s.lastRequest(); entry.Accepted != given.processed {
				t.Errorf("processed: %v, log entry %+v", entry.Accepted, entry)
			}
			after := "OK"
			if given.processed {
				after = "PKI020"
			}
			faults := must.Get(s.admin.Faults(t.Context()))(t)
			for range faults {
				// A fault that had nothing to strike is still there.
				must.Do(t, s.admin.ClearFaults(t.Context()))
			}
			hit.send().want(t, after)
		})
	}
	for _, kind := range admin.FaultKinds() {
		if !covered[kind] {
			t.Errorf("no case for %s", kind)
		}
	}
}

// checkTimeout gives up once the response is held: the request has been processed all the same.
func checkTimeout(t *testing.T, s struck) {
	t.Helper()
	ctx, hangUp := context.WithCancel(t.Context())
	defer hangUp()
	m := message{transferID: s.credential.TransferID, password: s.credential.TransferPassword, request: s.request}
	document := envelope(m.payload(protocol.SignNewCertificate))
	done := make(chan reply, 1)
	go func() { done <- s.service.send(ctx, protocol.SignNewCertificate, document) }()
	s.awaitHeld(1)
	hangUp()
	if got := <-done; !errors.Is(got.err, context.Canceled) {
		t.Fatalf("answered %d (error %v)", got.status, got.err)
	}
}

// checkDelayed moves the clock whenever the simulator waits for it, and counts how often that was.
func checkDelayed(t *testing.T, s struck) {
	t.Helper()
	done := make(chan reply, 1)
	go func() { done <- s.send() }()
	began, steps := s.clock.Now(), 0
	for {
		select {
		case got := <-done:
			got.want(t, "OK")
			waited := s.clock.Since(began)
			if kind := s.lastRequest().Fault; kind == admin.TimeoutAfter && waited != time.Hour {
				t.Errorf("held for %s", waited)
			} else if kind == admin.Slow && (steps != len(got.body) || waited != time.Duration(steps)*time.Second) {
				t.Errorf("%d bytes came in %d steps and %s", len(got.body), steps, waited)
			}
			return
		default:
		}
		if s.clock.HasWaiters() {
			if faults, _ := s.admin.Requests(t.Context(), "", ""); len(faults) > 0 && faults[0].Fault == admin.TimeoutAfter {
				s.clock.Step(time.Hour)
			} else {
				s.clock.Step(time.Second)
			}
			steps++
		}
		runtime.Gosched()
	}
}

func checkOversize(t *testing.T, s struck) {
	t.Helper()
	m := message{transferID: s.credential.TransferID, password: s.credential.TransferPassword, request: s.request}
	body := strings.NewReader(envelope(m.payload(protocol.SignNewCertificate)))
	outgoing := must.Get(http.NewRequestWithContext(t.Context(), http.MethodPost, s.url, body))(t)
	outgoing.Header.Set("Content-Type", "text/xml")
	outgoing.Header.Set("SOAPAction", `"signNewCertificate"`)
	incoming := must.Get(s.client.Do(outgoing))(t)
	defer func() { _ = incoming.Body.Close() }()
	count, err := io.Copy(io.Discard, incoming.Body)
	if err != nil || count < 100<<20 || incoming.ContentLength >= 0 {
		t.Errorf("%d bytes came (announced %d), error %v", count, incoming.ContentLength, err)
	}
}

func TestAWrongCertificateDiffersInOneRespect(t *testing.T) {
	s := start(t, nil)
	key, _ := keys(t)
	accepted := s.signNew(s.mint(admin.MintRequest{}), requestFor(t, key)).want(t, "OK")
	s.script(admin.Fault{Kind: admin.WrongCertificate})
	// A response that bears no certificate does not use the fault up.
	s.get(accepted.retrievalID).want(t, "PKI099")
	s.clock.Step(10 * time.Second)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(s.simulator.Bundle(authority.IssuanceBundle))
	wrongs := func(certificate *x509.Certificate) []string {
		var found []string
		if certificate.Subject.CommonName != customerID {
			found = append(found, admin.AnotherCustomer)
		}
		if !key.PublicKey.Equal(certificate.PublicKey) {
			found = append(found, admin.AnotherKey)
		}
		if certificate.NotAfter.Before(s.clock.Now()) {
			found = append(found, admin.Expired)
		}
		if certificate.NotBefore.After(s.clock.Now()) {
			found = append(found, admin.NotYetValid)
		}
		if _, err := certificate.Verify(x509.VerifyOptions{Roots: roots, CurrentTime: certificate.NotBefore,
			KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}); err != nil {
			found = append(found, admin.UnknownCA)
		}
		return found
	}
	got := s.get(accepted.retrievalID).want(t, "OK")
	if found := wrongs(got.certificate); len(found) != 1 || found[0] != admin.AnotherCustomer {
		t.Errorf("by default it is %v", found)
	}
	for _, variant := range admin.CertificateVariants() {
		s.script(admin.Fault{Kind: admin.WrongCertificate, Variant: variant, Operation: "GetCertificate"})
		got := s.get(accepted.retrievalID).want(t, "OK")
		if err := s.verify(t, got.body); err != nil {
			t.Error(err)
		}
		if found := wrongs(got.certificate); len(found) != 1 || found[0] != variant {
			t.Errorf("%s is %v", variant, found)
		}
	}
	if found := wrongs(s.get(accepted.retrievalID).want(t, "OK").certificate); found != nil {
		t.Errorf("the right certificate is %v", found)
	}
}

func TestReplayRepeatsTheLastSuccessOfTheOperation(t *testing.T) {
	s := start(t, nil)
	key, _ := keys(t)
	first := s.signNew(s.mint(admin.MintRequest{}), requestFor(t, key)).want(t, "OK")
	s.get("NOTHING").want(t, "PKI099")
	s.script(admin.Fault{Kind: admin.Replay, Operation: "SignNewCertificate"})
	second := s.signNew(s.mint(admin.MintRequest{}), requestFor(t, key)).want(t, "OK")
	if !bytes.Equal(first.body, second.body) {
		t.Fatalf("the response is not the earlier one:\n%s", second.body)
	}
	if entry := s.lastRequest(); entry.RetrievalID == second.retrievalID || entry.RetrievalID == "" {
		t.Fatalf("the log has the RetrievalId %q", entry.RetrievalID)
	}
}

func TestWrongOperationOfGetHidesTheCertificate(t *testing.T) {
	s := start(t, nil)
	accepted := s.accepted(t)
	s.clock.Step(10 * time.Second)
	s.script(admin.Fault{Kind: admin.WrongOperation})
	got := s.get(accepted.retrievalID).want(t, "OK")
	if got.operation != "SignNewCertificate" || got.certificate != nil {
		t.Fatalf("answered %s", got.body)
	}
}

func TestAFaultEnds(t *testing.T) {
	s := start(t, nil)
	expect := func(codes ...string) {
		t.Helper()
		for _, code := range codes {
			s.get("NOTHING").want(t, code)
		}
	}
	s.script(admin.Fault{Kind: admin.ResultFail, Code: "PKI005", Count: 2})
	s.script(admin.Fault{Kind: admin.ResultFail, Code: "PKI010"})
	expect("PKI005", "PKI005", "PKI010", "PKI099")

	s.script(admin.Fault{Kind: admin.ResultFail, Code: "PKI005", ForDuration: admin.Duration(time.Minute)})
	expect("PKI005", "PKI005", "PKI005")
	s.clock.Step(time.Minute)
	expect("PKI099")

	s.script(admin.Fault{Kind: admin.ResultFail, Code: "PKI005", ForDuration: admin.Duration(time.Minute), Count: 1})
	expect("PKI005", "PKI099")

	s.script(admin.Fault{Kind: admin.ResultFail, Code: "PKI005", Operation: "RenewCertificate"})
	expect("PKI099")
	must.Do(t, s.admin.ClearFaults(t.Context()))
	s.post(protocol.RenewCertificate, strings.Replace(message{}.payload(protocol.RenewCertificate),
		"</ser:", signatureElement+"</ser:", 1)).want(t, "PKI010")
}

func TestAFaultWithAProbabilityRepeatsWithTheSeed(t *testing.T) {
	hits := func() string {
		s := start(t, func(o *simulator.Options) { o.Seed = 7 })
		s.script(admin.Fault{Kind: admin.ResultFail, Code: "PKI005", Probability: 30, Count: 1000})
		var codes strings.Builder
		for range 100 {
			codes.WriteString(s.get("NOTHING").code[5:])
		}
		return codes.String()
	}
	first, second := hits(), hits()
	if count := strings.Count(first, "5"); first != second || count < 15 || count > 45 {
		t.Fatalf("%s\n%s", first, second)
	}
}
