package csr_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"net"
	"net/url"
	"testing"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/manual/csr"
	"github.com/varmenne/varmenne-issuer/internal/pki"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
)

// request is one for a key, in PEM.
func request(t *testing.T, key crypto.Signer, template x509.CertificateRequest) []byte {
	t.Helper()
	der, err := x509.CreateCertificateRequest(rand.Reader, &template, key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})
}

// TestWhichRequestsAreTheSame: those for the same key and names have the same order, and no others.
func TestWhichRequestsAreTheSame(t *testing.T) {
	key := pkitest.Key("one")
	of := func(commonName string, dnsNames ...string) x509.CertificateRequest {
		return x509.CertificateRequest{Subject: pkix.Name{CommonName: commonName}, DNSNames: dnsNames}
	}
	with := func(change func(*x509.CertificateRequest)) []byte {
		template := of("a", "b", "c")
		change(&template)
		return request(t, key, template)
	}
	first := request(t, key, of("a", "b", "c"))
	for claim, c := range map[string]struct {
		other []byte
		same  bool
	}{
		"signed again":           {request(t, key, of("a", "b", "c")), true},
		"names in another order": {request(t, key, of("a", "c", "b")), true},
		"a name twice":           {request(t, key, of("a", "b", "c", "b")), true},
		"another case":           {request(t, key, of("a", "B", "c")), true},
		"another organization": {with(func(r *x509.CertificateRequest) {
			r.Subject.Organization = []string{"Oy"}
		}), true},
		"another key":              {request(t, pkitest.Key("two"), of("a", "b", "c")), false},
		"another common name":      {request(t, key, of("b", "b", "c")), false},
		"fewer names":              {request(t, key, of("a", "b")), false},
		"two names written as one": {request(t, key, of("a", `b" "dns:c`)), false},
		"an address": {with(func(r *x509.CertificateRequest) {
			r.IPAddresses = []net.IP{{10, 0, 0, 1}}
		}), false},
		"a URI": {with(func(r *x509.CertificateRequest) {
			r.URIs = []*url.URL{{Scheme: "spiffe", Host: "a"}}
		}), false},
		"an e-mail address": {with(func(r *x509.CertificateRequest) { r.EmailAddresses = []string{"a@b.fi"} }), false},
		"an other name": {with(func(r *x509.CertificateRequest) {
			other := "0\x0b\x82\x01b\x82\x01c\xa0\x03\x06\x01\x2a" // b and c, and one more
			r.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 17}, Value: []byte(other)}}
		}), false},
		"nothing":    {nil, false},
		"no request": {[]byte("no request"), false},
	} {
		t.Run(claim, func(t *testing.T) {
			if csr.Same(first, c.other) != c.same || csr.Same(c.other, first) != c.same {
				t.Fatalf("that they are the same is not %v", c.same)
			}
			other, err := pki.ParseCertificateRequest(c.other)
			if err == nil && (orderName(t, first) == name(t, other)) != c.same {
				t.Errorf("that their orders have the same name is not %v", c.same)
			}
		})
	}
	if csr.Same(nil, nil) {
		t.Error("nothing is the same as nothing")
	}
}

func orderName(t *testing.T, text []byte) string {
	t.Helper()
	parsed, err := pki.ParseCertificateRequest(text)
	if err != nil {
		t.Fatal(err)
	}
	return name(t, parsed)
}

func name(t *testing.T, parsed *x509.CertificateRequest) string {
	t.Helper()
	digest, err := pki.PublicKeyDigest(parsed.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return csr.OrderName(digest, parsed, "5")
}

func TestTheKeyOfARequest(t *testing.T) {
	curve, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for algorithm, c := range map[v1alpha1.KeyAlgorithm]struct {
		key  crypto.Signer
		bits int32
	}{
		v1alpha1.KeyAlgorithmRSA: {pkitest.Key("one"), 2048}, v1alpha1.KeyAlgorithmECDSA: {curve, 384},
		v1alpha1.KeyAlgorithmEd25519: {edwards, 256}, "": {nil, 0},
	} {
		parsed := &x509.CertificateRequest{}
		if c.key != nil {
			parsed.PublicKey = c.key.Public()
		}
		if got, bits := csr.Key(parsed); got != algorithm || bits != c.bits {
			t.Errorf("it is %q with %d bits, want %q with %d", got, bits, algorithm, c.bits)
		}
	}
}
