package simulator_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/simulator"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
	"github.com/varmenne/varmenne-issuer/internal/simulator/authority"
	"github.com/varmenne/varmenne-issuer/internal/simulator/protocol"
)

func TestACertificateComesTenSecondsAfterTheAcceptance(t *testing.T) {
	s := start(t, nil)
	accepted := s.accepted(t)
	s.get(accepted.retrievalID).want(t, "PKI099")
	s.clock.Step(10*time.Second - time.Nanosecond)
	s.get(accepted.retrievalID).want(t, "PKI099")
	s.clock.Step(time.Nanosecond)
	first := s.get(accepted.retrievalID).want(t, "OK").certificate
	second := s.get(accepted.retrievalID).want(t, "OK").certificate
	if first == nil || !first.Equal(second) {
		t.Fatal("fetching twice gives two certificates")
	}
}

func TestAnOrderIsProcessedForItsDelay(t *testing.T) {
	s := start(t, func(o *simulator.Options) { o.ProcessingDelay = time.Minute })
	accepted := s.accepted(t)
	s.clock.Step(59 * time.Second)
	s.get(accepted.retrievalID).want(t, "PKI099")
	s.clock.Step(time.Second)
	s.get(accepted.retrievalID).want(t, "OK")
}

func TestOnlyThePublicKeyComesFromTheRequest(t *testing.T) {
	s := start(t, nil)
	key, _ := keys(t)
	certificate := s.issued(key)
	if subject := certificate.Subject.String(); subject != "CN=0123456-7,O=Esimerkki & Pojat Oy,C=FI" {
		t.Errorf("subject %s", subject)
	}
	if len(certificate.DNSNames) != 0 || !key.PublicKey.Equal(certificate.PublicKey) {
		t.Errorf("names %v, or another key", certificate.DNSNames)
	}
	if lifetime := certificate.NotAfter.Sub(certificate.NotBefore); lifetime != 2*365*day {
		t.Errorf("valid for %s", lifetime)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(s.simulator.Bundle(authority.IssuanceBundle))
	_, err := certificate.Verify(x509.VerifyOptions{
		Roots: roots, CurrentTime: s.clock.Now(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	if err != nil {
		t.Error(err)
	}
	foreign := x509.NewCertPool()
	foreign.AppendCertsFromPEM(s.simulator.Bundle(authority.ResponsesBundle))
	if _, err := certificate.Verify(x509.VerifyOptions{Roots: foreign, CurrentTime: s.clock.Now()}); err == nil {
		t.Error("the hierarchies of responses and of customers share an anchor")
	}
}

func TestTheNameOnTheCertificateIsTheRegisteredOneElseTheMessagesElseADefault(t *testing.T) {
	s := start(t, nil)
	key, _ := keys(t)
	for want, given := range map[string]struct{ registered, sent string }{
		"Rekisteri Oy": {"Rekisteri Oy", "Viesti Oy"},
		"Viesti Oy":    {"", "Viesti Oy"},
		"Esimerkki Oy": {"", "-"},
	} {
		credential := s.mint(admin.MintRequest{CustomerName: given.registered})
		accepted := s.post(protocol.SignNewCertificate, message{
			transferID: credential.TransferID, password: credential.TransferPassword,
			customerName: given.sent, request: requestFor(t, key),
		}.payload(protocol.SignNewCertificate)).want(t, "OK")
		s.clock.Step(10 * time.Second)
		certificate := s.get(accepted.retrievalID).want(t, "OK").certificate
		if certificate.Subject.Organization[0] != want {
			t.Errorf("organization %v, want %s", certificate.Subject.Organization, want)
		}
	}
}

func TestSignNewIsRefused(t *testing.T) {
	s := start(t, nil)
	key, _ := keys(t)
	good := requestFor(t, key)
	expired := s.mint(admin.MintRequest{Validity: admin.Duration(time.Second)})
	used := s.mint(admin.MintRequest{})
	s.signNew(used, good).want(t, "OK")
	s.clock.Step(time.Second)
	fresh := s.mint(admin.MintRequest{})
	with := func(c admin.Credential, request string, change func(*message)) message {
		m := message{transferID: c.TransferID, password: c.TransferPassword, request: request}
		if change != nil {
			change(&m)
		}
		return m
	}
	for claim, refused := range map[string]struct {
		message message
		code    string
	}{
		"in another environment": {with(fresh, good, func(m *message) { m.environment = "PRODUCTION" }), "PKI005"},
		"with an unknown id":     {with(fresh, good, func(m *message) { m.transferID = "NOBODY" }), "PKI020"},
		"with a wrong password":  {with(fresh, good, func(m *message) { m.password = "wrong" }), "PKI020"},
		"for another customer":   {with(fresh, good, func(m *message) { m.customerID = "7654321-0" }), "PKI020"},
		"with a used id":         {with(used, good, nil), "PKI020"},
		"with an expired id":     {with(expired, good, nil), "PKI020"},
		"without PKCS#10":        {with(fresh, "AAAA", nil), "PKI030"},
		"with a broken CSR":      {with(fresh, broken(t, good), nil), "PKI030"},
		"with an ECDSA key":      {with(fresh, requestFor(t, ecdsaKey(t)), nil), "PKI030"},
		"with a short RSA key":   {with(fresh, requestFor(t, shortKey(t)), nil), "PKI030"},
	} {
		t.Run(claim, func(t *testing.T) {
			s.post(protocol.SignNewCertificate, refused.message.payload(protocol.SignNewCertificate)).want(t, refused.code)
		})
	}
	// None of the refusals has used the credentials up.
	s.signNew(fresh, good).want(t, "OK")
	s.signNew(fresh, good).want(t, "PKI020")
}

func TestCredentialsLiveForFourteenDays(t *testing.T) {
	s := start(t, nil)
	key, _ := keys(t)
	early, late := s.mint(admin.MintRequest{}), s.mint(admin.MintRequest{})
	s.clock.Step(14*day - time.Second)
	s.signNew(early, requestFor(t, key)).want(t, "OK")
	s.clock.Step(time.Second)
	s.signNew(late, requestFor(t, key)).want(t, "PKI020")
}

func TestOfManyRequestsAtOnceOneUsesTheCredentials(t *testing.T) {
	s := start(t, nil)
	key, _ := keys(t)
	credential, request := s.mint(admin.MintRequest{}), requestFor(t, key)
	var group sync.WaitGroup
	codes := make([]string, 16)
	for index := range codes {
		group.Go(func() { codes[index] = s.signNew(credential, request).code })
	}
	group.Wait()
	accepted := 0
	for _, code := range codes {
		if code == "OK" {
			accepted++
		} else if code != "PKI020" {
			t.Errorf("answered %q", code)
		}
	}
	if accepted != 1 {
		t.Fatalf("%d of %d requests were accepted", accepted, len(codes))
	}
}

func TestWrongCredentialsCanSurfaceAtGetOnly(t *testing.T) {
	s := start(t, nil)
	key, _ := keys(t)
	credential := s.mint(admin.MintRequest{SurfaceAtGet: true})
	wrong := credential
	wrong.TransferPassword = "wrong"
	accepted := s.signNew(wrong, requestFor(t, key)).want(t, "OK")
	s.get(accepted.retrievalID).want(t, "PKI099")
	s.clock.Step(10 * time.Second)
	s.get(accepted.retrievalID).want(t, "PKI020")
	s.get(accepted.retrievalID).want(t, "PKI020")

	accepted = s.signNew(credential, requestFor(t, key)).want(t, "OK")
	s.clock.Step(10 * time.Second)
	s.get(accepted.retrievalID).want(t, "OK")
	again := s.signNew(credential, requestFor(t, key)).want(t, "OK")
	s.clock.Step(10 * time.Second)
	s.get(again.retrievalID).want(t, "PKI020")
}

func TestGetIsRefused(t *testing.T) {
	s := start(t, nil)
	accepted := s.accepted(t)
	s.clock.Step(time.Minute)
	for claim, refused := range map[string]struct {
		message message
		code    string
	}{
		"for an unknown RetrievalId": {message{retrievalID: "NOTHING"}, "PKI099"},
		"for another customer":       {message{retrievalID: accepted.retrievalID, customerID: "7654321-0"}, "PKI020"},
		"in another environment":     {message{retrievalID: accepted.retrievalID, environment: "PRODUCTION"}, "PKI005"},
	} {
		t.Run(claim, func(t *testing.T) {
			s.post(protocol.GetCertificate, refused.message.payload(protocol.GetCertificate)).want(t, refused.code)
		})
	}
}

func TestARenewalInTheWindowGivesACertificateForTheNewKey(t *testing.T) {
	s := start(t, nil)
	key, next := keys(t)
	current := s.issued(key)
	s.clock.SetTime(current.NotAfter.Add(-1440 * time.Hour))
	m := message{request: requestFor(t, next)}
	accepted := s.renew(m, key, current).want(t, "OK")
	again := s.renew(m, key, current).want(t, "OK")
	s.clock.Step(10 * time.Second)
	renewed := s.get(accepted.retrievalID).want(t, "OK").certificate
	if !next.PublicKey.Equal(renewed.PublicKey) || renewed.Subject.String() != current.Subject.String() {
		t.Fatalf("renewed as %s", renewed.Subject)
	}
	if other := s.get(again.retrievalID).want(t, "OK").certificate; other.Equal(renewed) {
		t.Fatal("two renewals gave the same certificate")
	}
}

func TestRenewIsRefused(t *testing.T) {
	s := start(t, nil)
	key, next := keys(t)
	current := s.issued(key)
	revoked := s.issued(key)
	must.Get(s.admin.Revoke(t.Context(), revoked.SerialNumber.Text(16)))(t)
	foreign := selfSigned(t, key, s.clock.Now())
	m := message{request: requestFor(t, next)}
	opens, ends := current.NotAfter.Add(-1440*time.Hour), current.NotAfter
	changed := func(from, to string) func(string) string {
		return func(signed string) string { return strings.Replace(signed, from, to, 1) }
	}
	for claim, refused := range map[string]struct {
		at      time.Time
		message message
		key     *rsa.PrivateKey
		signer  *x509.Certificate
		change  func(string) string
		code    string
	}{
		"a second before the window opens":  {at: opens.Add(-time.Second), message: m, code: "PKI080"},
		"after the certificate has expired": {at: ends.Add(time.Second), message: m, code: "PKI015"},
		"with a revoked certificate":        {at: opens, message: m, signer: revoked, code: "PKI015"},
		"with a foreign certificate":        {at: opens, message: m, signer: foreign, code: "PKI015"},
		"with another key":                  {at: opens, message: m, key: next, code: "PKI010"},
		"for another customer": {at: opens, code: "PKI010",
			message: message{request: m.request, customerID: "7654321-0"}},
		"in another environment": {at: opens, code: "PKI005",
			message: message{request: m.request, environment: "PRODUCTION"}},
		"without PKCS#10": {at: opens, message: message{request: "AAAA"}, code: "PKI030"},
		"with a name changed after signing": {at: opens, code: "PKI010",
			message: message{request: m.request, customerName: "A Oy"}, change: changed(">A Oy<", ">B Oy<")},
		"with a broken certificate": {at: opens, message: m, code: "PKI015",
			change: changed("<ds:X509Certificate>M", "<ds:X509Certificate>N")},
		"without X509Data": {at: opens, message: m, code: "PKI010",
			change: without("ds:X509Data", "<ds:KeyName>a</ds:KeyName>")},
		"without KeyInfo":        {at: opens, message: m, code: "PKI010", change: without("ds:KeyInfo", "")},
		"with another reference": {at: opens, message: m, code: "PKI010", change: changed(`URI=""`, `URI="a"`)},
		"with another digest method": {at: opens, message: m, code: "PKI010",
			change: changed("xmlenc#sha256", "xmlenc#sha512")},
		"with SHA-1": {at: opens, message: m, code: "PKI010",
			change: changed("2001/04/xmldsig-more#rsa-sha256", "2000/09/xmldsig#rsa-sha1")},
	} {
		t.Run(claim, func(t *testing.T) {
			s.clock.SetTime(refused.at)
			signer, signingKey := refused.signer, refused.key
			if signer == nil {
				signer = current
			}
			if signingKey == nil {
				signingKey = key
			}
			signed := s.renewal(refused.message, signingKey, signer)
			if refused.change != nil {
				changed := refused.change(signed)
				if changed == signed {
					t.Fatal("the case changes nothing")
				}
				signed = changed
			}
			s.post(protocol.RenewCertificate, signed).want(t, refused.code)
		})
	}
}

func TestARenewalSignedInAnotherFormIsRefused(t *testing.T) {
	s := start(t, nil)
	key, next := keys(t)
	current := s.issued(key)
	s.clock.SetTime(current.NotAfter.Add(-time.Hour))
	exclusive, inclusive := "http://www.w3.org/2001/10/xml-exc-c14n#", "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
	transform := `<ds:Transform Algorithm="` + exclusive + `"/>`
	for claim, template := range map[string]string{
		"inclusive canonicalization": strings.ReplaceAll(signatureTemplate, exclusive, inclusive),
		"no canonicalization":        strings.Replace(signatureTemplate, transform, "", 1),
		"a prefix list": strings.Replace(signatureTemplate, transform, `<ds:Transform Algorithm="`+exclusive+
			`"><ec:InclusiveNamespaces xmlns:ec="`+exclusive+`" PrefixList="ser"/></ds:Transform>`, 1),
		"RSA-SHA512": strings.Replace(signatureTemplate, "rsa-sha256", "rsa-sha512", 1),
	} {
		t.Run(claim, func(t *testing.T) {
			payload := message{request: requestFor(t, next)}.payload(protocol.RenewCertificate)
			s.post(protocol.RenewCertificate, signTemplate(t, payload, template, key, current)).want(t, "PKI010")
		})
	}
}

// without replaces an element and all that is in it.
func without(name, by string) func(string) string {
	return func(document string) string {
		start, end := strings.Index(document, "<"+name+">"), strings.Index(document, "</"+name+">")
		return document[:start] + by + document[end+len("</"+name+">"):]
	}
}

func selfSigned(t *testing.T, key *rsa.PrivateKey, now time.Time) *x509.Certificate {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: customerID},
		NotBefore: now.Add(-day), NotAfter: now.Add(1000 * day),
	}
	der := must.Get(x509.CreateCertificate(rand.Reader, template, template, key.Public(), key))(t)
	return must.Get(x509.ParseCertificate(der))(t)
}

// broken spoils the last byte of a request, which is the end of its signature.
func broken(t *testing.T, request string) string {
	t.Helper()
	der := must.Get(base64.StdEncoding.DecodeString(request))(t)
	der[len(der)-1] ^= 1
	return base64.StdEncoding.EncodeToString(der)
}

func ecdsaKey(t *testing.T) any {
	t.Helper()
	return must.Get(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))(t)
}

func shortKey(t *testing.T) any {
	t.Helper()
	return must.Get(rsa.GenerateKey(rand.Reader, 1024))(t)
}
