package client_test

import (
	"bytes"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"

	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/pki"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
	"github.com/varmenne/varmenne-issuer/internal/referee"
	"github.com/varmenne/varmenne-issuer/internal/simulator"
	"github.com/varmenne/varmenne-issuer/internal/simulator/authority"
	"github.com/varmenne/varmenne-issuer/internal/simulator/protocol"
	"github.com/varmenne/varmenne-issuer/internal/simulator/response"
	veroclient "github.com/varmenne/varmenne-issuer/internal/vero/client"
	vero "github.com/varmenne/varmenne-issuer/internal/vero/protocol"
	"github.com/varmenne/varmenne-issuer/internal/vero/xmlsig"
)

func TestACertificateIsOrderedFetchedAndRenewedInEveryVariant(t *testing.T) {
	for _, variant := range response.Variants() {
		t.Run(variant.Name, func(t *testing.T) {
			s := start(t, func(options *simulator.Options) { options.SignatureVariant = variant.Name })
			client := s.client(t, nil)
			id := must.Get(client.SignNew(t.Context(), s.signNew(t)))(t)
			first := s.fetch(t, client, id, requestKey)
			id = must.Get(client.Renew(t.Context(), renew(t), pkitest.Key(requestKey), first))(t)
			second := s.fetch(t, client, id, renewalKey)
			if second.Equal(first) {
				t.Error("the renewal gave the certificate that was renewed")
			}
			if requests := s.requests(t); len(requests) != 4 {
				t.Errorf("%d requests for 4 calls: %+v", len(requests), requests)
			}
		})
	}
}

// fetch gets a certificate and checks that it is the one that was ordered.
func (s *service) fetch(t *testing.T, client *veroclient.Client, id, key string) *x509.Certificate {
	t.Helper()
	certificate := certificateIn(t, must.Get(client.Get(t.Context(), get(id)))(t))
	must.Get(s.checkIssued(t, certificate, key))(t)
	return certificate
}

func (s *service) checkIssued(t *testing.T, certificate *x509.Certificate, key string) ([]*x509.Certificate, error) {
	t.Helper()
	digest := must.Get(pki.PublicKeyDigest(pkitest.Key(key).Public()))(t)
	return pki.CheckIssued(certificate, pki.Issued{
		PublicKeyDigest: digest, CustomerID: customerID, Now: time.Now(), Trust: s.trust(t, authority.IssuanceBundle),
	})
}

func TestRefusalsComeWithTheirCodes(t *testing.T) {
	s := start(t, nil)
	client := s.client(t, nil)
	used := s.signNew(t)
	must.Get(client.SignNew(t.Context(), used))(t)
	_, issued := s.accepted(t)
	foreign := pkitest.Root(t, "Another CA").Issue(t, pkitest.Key(requestKey), customerID)
	for claim, test := range map[string]struct {
		call func() error
		code vero.Code
	}{
		"used credentials": {func() error { return errorOf(client.SignNew(t.Context(), used)) }, vero.CodeCredentials},
		"another environment": {func() error {
			message := s.signNew(t)
			message.Environment = vero.Production
			return errorOf(client.SignNew(t.Context(), message))
		}, vero.CodeWrongEnvironment},
		"a request that is none": {func() error {
			message := s.signNew(t)
			message.CSR = []byte{0x30, 0x00}
			return errorOf(client.SignNew(t.Context(), message))
		}, vero.CodeRequest},
		"a foreign certificate": {func() error {
			return errorOf(client.Renew(t.Context(), renew(t), pkitest.Key(requestKey), foreign))
		}, vero.CodeCertificate},
		"another customer's certificate": {func() error {
			message := renew(t)
			message.CustomerID = "7654321-0"
			return errorOf(client.Renew(t.Context(), message, pkitest.Key(requestKey), issued))
		}, vero.CodeSignature},
		"an unknown RetrievalId": {
			func() error { return errorOf(client.Get(t.Context(), get("unknown"))) }, vero.CodeTechnical},
	} {
		t.Run(claim, func(t *testing.T) {
			first, second := test.call(), test.call()
			if refusal := find[*vero.ServiceError](t, first, false); refusal.Code != test.code {
				t.Errorf("error %v, want %s", first, test.code)
			}
			same(t, first, second)
		})
	}
}

func TestARenewalOutsideOfItsWindowIsTooEarly(t *testing.T) {
	s := start(t, func(options *simulator.Options) { options.RenewalWindow = time.Hour })
	_, issued := s.accepted(t)
	_, err := s.client(t, nil).Renew(t.Context(), renew(t), pkitest.Key(requestKey), issued)
	if refusal := find[*vero.ServiceError](t, err, false); refusal.Code != vero.CodeTooEarly {
		t.Error(err)
	}
}

func TestWhatCannotBeSentIsNotSent(t *testing.T) {
	s := start(t, nil)
	client := s.client(t, nil)
	_, issued := s.accepted(t)
	before := len(s.requests(t))
	const password = "pass--word"
	for claim, call := range map[string]func() error{
		"a SignNew with a forbidden password": func() error {
			message := s.signNew(t)
			message.TransferPassword = vero.NewPassword(password)
			return errorOf(client.SignNew(t.Context(), message))
		},
		"a Renew without request": func() error {
			return errorOf(client.Renew(t.Context(), &vero.Renew{Party: party()}, pkitest.Key(requestKey), issued))
		},
		"a Renew with another key": func() error {
			return errorOf(client.Renew(t.Context(), renew(t), pkitest.Key(renewalKey), issued))
		},
		"a Renew without key":       func() error { return errorOf(client.Renew(t.Context(), renew(t), nil, issued)) },
		"a Get without RetrievalId": func() error { return errorOf(client.Get(t.Context(), get(""))) },
	} {
		t.Run(claim, func(t *testing.T) {
			err := call()
			var failure vero.CallError
			if err == nil || errors.As(err, &failure) {
				t.Fatalf("error %v of type %T, want one from before the call", err, err)
			}
			checkText(t, err)
			if strings.Contains(err.Error(), password) {
				t.Errorf("the error shows the password: %v", err)
			}
		})
	}
	if after := len(s.requests(t)); after != before {
		t.Errorf("%d requests arrived", after-before)
	}
}

func TestAnOptionThatCannotWorkIsRefused(t *testing.T) {
	for claim, options := range map[string]veroclient.Options{
		"no URL":             {},
		"http":               {URL: "http://localhost/"},
		"a path":             {URL: "/2017/10/CertificateServices"},
		"a port alone":       {URL: "https://:443/"},
		"no host":            {URL: "https:///path"},
		"a broken URL":       {URL: "https://host:port/"},
		"an opaque URL":      {URL: "https:host"},
		"a negative timeout": {URL: "https://localhost/", Timeout: -time.Second},
	} {
		t.Run(claim, func(t *testing.T) {
			if client, err := veroclient.New(options); err == nil || client != nil {
				t.Errorf("%+v is accepted", options)
			}
		})
	}
}

// recorder keeps what clients have sent to a handler.
type recorder struct {
	http.Handler

	mutex  sync.Mutex
	bodies map[string][]byte // by SOAPAction
}

func (r *recorder) ServeHTTP(writer http.ResponseWriter, incoming *http.Request) {
	body, err := io.ReadAll(incoming.Body)
	if err != nil {
		http.Error(writer, err.Error(), http.StatusBadRequest)
		return
	}
	r.mutex.Lock()
	r.bodies[incoming.Header.Get("SOAPAction")] = body
	r.mutex.Unlock()
	incoming.Body = io.NopCloser(bytes.NewReader(body))
	r.Handler.ServeHTTP(writer, incoming)
}

func TestEveryMessageThatIsSentFitsTheSchema(t *testing.T) {
	s := start(t, nil)
	recorded := &recorder{Handler: s.simulator.Handler(), bodies: map[string][]byte{}}
	s.url = listen(t, recorded, s.simulator.TLSConfig()).URL + protocol.Path
	_, issued := s.accepted(t)
	must.Get(s.client(t, nil).Renew(t.Context(), renew(t), pkitest.Key(requestKey), issued))(t)
	for _, operation := range vero.Operations() {
		body := recorded.bodies[operation.SOAPAction()]
		document, err := xmlsig.Parse(body)
		if err != nil {
			t.Fatalf("%s: %v", operation, err)
		}
		payload, err := vero.Unwrap(document)
		if err != nil {
			t.Fatalf("%s: %v", operation, err)
		}
		// The payload declares what it uses, so it is a document as it stands.
		start := bytes.Index(body, []byte("<"+payload.FullTag()))
		end := bytes.Index(body, []byte("</soapenv:Body>"))
		must.Do(t, referee.Validate(t, "../../simulator/schema/CertificateServices.xsd", body[start:end]))
	}
}

func TestOneClientServesManyCallsAtOnce(t *testing.T) {
	s := start(t, func(options *simulator.Options) { options.SignatureVariant = simulator.RandomVariant })
	client := s.client(t, nil)
	const calls = 12
	messages := make([]*vero.SignNew, 0, calls)
	for range calls {
		messages = append(messages, s.signNew(t))
	}
	var group sync.WaitGroup
	failures := make(chan error, calls)
	for _, message := range messages {
		group.Go(func() { failures <- errorOf(client.SignNew(t.Context(), message)) })
	}
	group.Wait()
	close(failures)
	for err := range failures {
		if err != nil {
			t.Error(err)
		}
	}
	if requests := s.requests(t); len(requests) != calls {
		t.Errorf("%d requests for %d calls", len(requests), calls)
	}
}

func TestASignerMustBeValidWhenTheResponseComes(t *testing.T) {
	s := start(t, nil)
	for claim, test := range map[string]struct {
		now    time.Time
		reason xmlsig.Reason
	}{
		"long after":  {time.Now().AddDate(200, 0, 0), xmlsig.SignerExpired},
		"long before": {time.Now().AddDate(-200, 0, 0), xmlsig.SignerNotYetValid},
	} {
		t.Run(claim, func(t *testing.T) {
			client := s.client(t, func(options *veroclient.Options) {
				options.Clock = clocktesting.NewFakePassiveClock(test.now)
			})
			_, err := client.SignNew(t.Context(), s.signNew(t))
			unverified := find[*vero.UnverifiedError](t, err, true)
			var refusal *xmlsig.VerifyError
			if !errors.As(err, &refusal) || refusal.Reason != test.reason || unverified.RetrievalID == "" {
				t.Errorf("error %#v, want %s", err, test.reason)
			}
		})
	}
}

// A trust that lacks the signer's CA is the usual mistake: what the response carries has been paid for.
func TestTheRetrievalIDOfAResponseThatDoesNotVerifyIsKept(t *testing.T) {
	s := start(t, nil)
	for claim, trust := range map[string]pki.Trust{
		"no trust at all":                   {},
		"trust in another CA":               trusting(t, pkitest.Root(t, "Another CA").Certificate),
		"trust in the issuers of customers": s.trust(t, authority.IssuanceBundle),
	} {
		t.Run(claim, func(t *testing.T) {
			_, err := s.client(t, func(options *veroclient.Options) { options.Responses = trust }).
				SignNew(t.Context(), s.signNew(t))
			unverified := find[*vero.UnverifiedError](t, err, true)
			content := must.Get(s.client(t, nil).Get(t.Context(), get(unverified.RetrievalID)))(t)
			must.Get(s.checkIssued(t, certificateIn(t, content), requestKey))(t)
		})
	}
}
