package pki_test

import (
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"math/big"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/pki"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
)

// longestError is how many bytes the text of the longest error about one certificate may have.
const longestError = 1100

func TestErrorsRepeatTheBeginningOfForeignTextsOnly(t *testing.T) {
	invisible, wide := strings.Repeat("\U000E0001", 500), strings.Repeat("\u6F22", 500)
	issuing, key := pkitest.Root(t, wide), pkitest.Key("leaf")
	leaf := issuing.Issue(t, key, invisible)
	trust := newTrust(t, pkitest.Root(t, "Another Root CA").Certificate)
	digest := must.Get(pki.PublicKeyDigest(key.Public()))(t)
	_, unknown := trust.Chain(leaf, pkitest.Now)
	_, expired := trust.Chain(leaf, pkitest.NotAfter.AddDate(1, 0, 0))
	_, early := trust.Chain(leaf, pkitest.NotBefore.AddDate(-1, 0, 0))
	want := pki.Issued{PublicKeyDigest: digest, CustomerID: wide, Now: pkitest.Now, Trust: trust}
	_, other := pki.CheckIssued(leaf, want)
	_, unreadable := pki.ParseCertificate(constrained(t, issuing, "."+strings.Repeat("x..", 4000)))
	constraint := func(template *x509.Certificate) { template.PermittedDNSDomains = []string{"example.fi"} }
	restricted := issuing.Intermediate(t, "Restricted CA", constraint)
	named := func(template *x509.Certificate) { template.DNSNames = []string{strings.Repeat("x.", 5000) + "fi"} }
	_, forbidden := newTrust(t, issuing.Certificate, restricted.Certificate).Chain(
		restricted.Issue(t, key, "leaf", named), pkitest.Now)
	for claim, err := range map[string]error{
		"unknown authority": unknown, "expired": expired, "not yet valid": early, "other common name": other,
		"unreadable": unreadable, "names that its CA may not certify": forbidden,
	} {
		if err == nil {
			t.Errorf("%s: no error", claim)
			continue
		}
		if text := err.Error(); len(text) > longestError || !utf8.ValidString(text) || strings.ContainsAny(text, "\n\t") {
			t.Errorf("%s: %d bytes: %.300q", claim, len(text), text)
		}
	}
}

// constrained is a certificate with a name constraint that Go cannot read, and repeats.
func constrained(t *testing.T, issuing *pkitest.Authority, domain string) []byte {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: pkitest.NotBefore, NotAfter: pkitest.NotAfter, IsCA: true,
		BasicConstraintsValid: true, PermittedDNSDomains: []string{domain},
	}
	key := pkitest.Key("leaf").Public()
	return must.Get(x509.CreateCertificate(rand.Reader, template, issuing.Certificate, key, issuing.Key))(t)
}

func TestABoundedErrorStillWrapsTheWholeOne(t *testing.T) {
	for _, text := range []string{"short", strings.Repeat("\u00E4", 1000)} {
		whole := errors.New(text)
		if bounded := pki.Bounded(whole); !errors.Is(bounded, whole) || !strings.HasPrefix(bounded.Error(), text[:4]) ||
			len(bounded.Error()) > 310 || !utf8.ValidString(bounded.Error()) {
			t.Errorf("%d bytes: %v", len(bounded.Error()), bounded)
		}
	}
	if pki.Bounded(nil) != nil {
		t.Error("an error without an error")
	}
}

func TestADistinguishedNameIsReadUpToABound(t *testing.T) {
	organizations := make([]pkix.AttributeTypeAndValue, 3000)
	for index := range organizations {
		organizations[index] = pkix.AttributeTypeAndValue{Type: asn1.ObjectIdentifier{2, 5, 4, 10}, Value: "abc"}
	}
	for _, name := range []pkix.Name{{Names: organizations}, {CommonName: "abc", Names: organizations[:1]}} {
		quoted := pki.QuoteName(name)
		if !strings.Contains(quoted, "=abc") || len(quoted) > 310 {
			t.Errorf("%d bytes: %s", len(quoted), quoted)
		}
	}
	name := pkix.Name{Names: organizations}
	if allocated := testing.AllocsPerRun(1, func() { pki.QuoteName(name) }); allocated > 500 {
		t.Errorf("%.0f allocations", allocated)
	}
}

// TestANameIsWrittenAsRFC4514HasIt, without the quotes and escapes of Go, and as far as a status takes it.
func TestANameIsWrittenAsRFC4514HasIt(t *testing.T) {
	for want, name := range map[string]pkix.Name{
		"": {},
		`CN=Maija \"M\" Meikäläinen,O=Müller\, Söhne\+Co`: {CommonName: `Maija "M" Meikäläinen`,
			Organization: []string{"Müller, Söhne+Co"}},
		`CN=\#1 \<a\>\;\\b\ `:                  {CommonName: `#1 <a>;\b `},
		`CN=a\0Ab\1B[2J\E2\80\AEc`:             {CommonName: "a\nb\x1b[2J\u202ec"},
		"CN=" + strings.Repeat("ä", 497) + "…": {CommonName: strings.Repeat("ä", 5000)},
	} {
		if got := pki.WriteName(name); got != want {
			t.Errorf("it is %s, want %s", got, want)
		}
	}
}

// TestASerialNumberFitsIntoAStatus, also where it has more digits than RFC 5280 allows.
func TestASerialNumberFitsIntoAStatus(t *testing.T) {
	number := new(big.Int).Lsh(big.NewInt(0xab), 1000)
	if got := pki.SerialNumber(&x509.Certificate{SerialNumber: number}); len(got) != 128 || got[:3] != "ab0" {
		t.Errorf("it is %s", got)
	}
}
