// Package manual holds what is decided about certificates that a person fetches against what cert-manager decides.
package manual

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/url"
	"testing"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmpki "github.com/cert-manager/cert-manager/pkg/util/pki"

	"github.com/varmenne/varmenne-issuer/internal/manual/delivery"
	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/pki"
)

var now = time.Date(2026, time.June, 1, 12, 0, 0, 0, time.UTC)

// authority signs whatever it is told, for one key.
type authority struct {
	certificate  *x509.Certificate
	own, subject *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	var a authority
	for _, key := range []**ecdsa.PrivateKey{&a.own, &a.subject} {
		made := must.Get(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))(t)
		*key = made
	}
	a.certificate = a.sign(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: "Root"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}, a.own)
	return a
}

func (a authority) sign(t *testing.T, template *x509.Certificate, key *ecdsa.PrivateKey) *x509.Certificate {
	t.Helper()
	template.SerialNumber = big.NewInt(1)
	template.NotBefore, template.NotAfter = now.AddDate(0, -1, 0), now.AddDate(1, 0, 0)
	issuer := a.certificate
	if issuer == nil {
		issuer = template
	}
	der := must.Get(x509.CreateCertificate(rand.Reader, template, issuer, key.Public(), a.own))(t)
	return must.Get(x509.ParseCertificate(der))(t)
}

// issue is a certificate with the names of a spec.
func (a authority) issue(t *testing.T, spec cmapi.CertificateSpec) *x509.Certificate {
	t.Helper()
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: spec.CommonName}, DNSNames: spec.DNSNames, EmailAddresses: spec.EmailAddresses,
	}
	for _, address := range spec.IPAddresses {
		template.IPAddresses = append(template.IPAddresses, net.ParseIP(address))
	}
	for _, text := range spec.URIs {
		uri := must.Get(url.Parse(text))(t)
		template.URIs = append(template.URIs, uri)
	}
	return a.sign(t, template, a.subject)
}

// order is what cert-manager asks for with a spec.
func (a authority) order(t *testing.T, spec cmapi.CertificateSpec) delivery.Order {
	t.Helper()
	spec.PrivateKey = &cmapi.CertificatePrivateKey{Algorithm: cmapi.ECDSAKeyAlgorithm, Size: 256}
	template := must.Get(cmpki.GenerateCSR(&cmapi.Certificate{Spec: spec}, cmpki.WithUseLiteralSubject(true)))(t)
	der := must.Get(cmpki.EncodeCSR(template, a.subject))(t)
	request := must.Get(x509.ParseCertificateRequest(der))(t)
	trust := must.Get(pki.NewTrust([]*x509.Certificate{a.certificate}))(t)
	return delivery.Order{Request: request, Trust: trust, LiteralSubject: spec.LiteralSubject != ""}
}

// specs are those whose names differ in all the ways in which two can.
func specs() []cmapi.CertificateSpec {
	const a, b = "a.fi", "b.fi"
	all := make([]cmapi.CertificateSpec, 0, 27) // 18 of hosts, 9 of the others
	for _, commonName := range []string{"", a, b} {
		for _, dnsNames := range [][]string{nil, {a}, {b}, {a, b}, {b, a}, {a, a}} {
			all = append(all, cmapi.CertificateSpec{CommonName: commonName, DNSNames: dnsNames})
		}
	}
	for _, spec := range []cmapi.CertificateSpec{
		{IPAddresses: []string{"10.0.0.1"}}, {IPAddresses: []string{"10.0.0.1", "::1"}},
		{IPAddresses: []string{"::1", "10.0.0.1"}}, {IPAddresses: []string{"10.0.0.1", "10.0.0.1"}},
		{URIs: []string{"spiffe://a/1", "spiffe://a/2"}}, {URIs: []string{"spiffe://a/2", "spiffe://a/1"}},
		{URIs: []string{"spiffe://a/1"}}, {EmailAddresses: []string{"x@a.fi"}}, {EmailAddresses: []string{"X@a.fi"}},
	} {
		spec.CommonName = a
		all = append(all, spec)
	}
	return all
}

func TestACertificateIsTakenExactlyWhenCertManagerWouldNotOrderAgain(t *testing.T) {
	authority := newAuthority(t)
	taken, refused := 0, 0
	for _, requested := range specs() {
		if requested.CommonName == "" && len(requested.DNSNames) == 0 {
			continue // cert-manager does not ask for that
		}
		literal := requested
		literal.CommonName, literal.LiteralSubject = "", "C=FI,CN="+requested.CommonName
		for _, spec := range []cmapi.CertificateSpec{requested, literal} {
			if spec.CommonName == requested.CommonName && spec.LiteralSubject != "" {
				continue // there is no common name to hide
			}
			order := authority.order(t, spec)
			for _, named := range specs() {
				leaf := authority.issue(t, named)
				_, err := delivery.Match([]*x509.Certificate{leaf}, order, now)
				again := cmpki.FuzzyX509AltNamesMatchSpec(leaf, spec) //nolint:staticcheck // it is what cert-manager calls
				if (err == nil) != (len(again) == 0) {
					t.Errorf("%s, issued %s: %v, and cert-manager orders again for %q", write(spec), write(named), err, again)
				}
				if err == nil {
					taken++
					continue
				}
				refused++
				mustBeRepaired(t, spec, leaf, err)
			}
		}
	}
	if taken < 100 || refused < 100 {
		t.Errorf("%d were taken, %d refused", taken, refused)
	}
}

// mustBeRepaired makes of a spec what a refusal says, and asks cert-manager.
func mustBeRepaired(t *testing.T, spec cmapi.CertificateSpec, leaf *x509.Certificate, err error) {
	t.Helper()
	var refusal *delivery.RefusalError
	if !errors.As(err, &refusal) || refusal.Reason != delivery.NamesDiffer {
		t.Fatalf("%s: %v", write(spec), err)
	}
	for _, change := range refusal.Changes {
		switch change.Field {
		case delivery.CommonName:
			spec.CommonName = ""
			if len(change.New) > 0 {
				spec.CommonName = change.New[0]
			}
		case delivery.DNSNames:
			spec.DNSNames = change.New
		case delivery.IPAddresses:
			spec.IPAddresses = change.New
		case delivery.URIs:
			spec.URIs = change.New
		case delivery.EmailAddresses:
			spec.EmailAddresses = change.New
		}
	}
	again := cmpki.FuzzyX509AltNamesMatchSpec(leaf, spec) //nolint:staticcheck // it is what cert-manager calls
	if len(again) > 0 {
		t.Errorf("after %s cert-manager still orders again for %q", refusal.Message, again)
	}
}

func write(spec cmapi.CertificateSpec) string {
	return fmt.Sprintf("%q %q %q %q %q %q", spec.CommonName, spec.LiteralSubject, spec.DNSNames, spec.IPAddresses,
		spec.URIs, spec.EmailAddresses)
}
