package pki_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"math/big"
	"net"
	"net/url"
	"strings"
	"testing"

	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/pki"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
)

const customerID = "0123456-7"

var (
	subjectAltName   = asn1.ObjectIdentifier{2, 5, 29, 17}
	basicConstraints = asn1.ObjectIdentifier{2, 5, 29, 19}
)

// newRequest makes the request that cert-manager makes for a correct Certificate, after modify changed it.
func newRequest(t testing.TB, key crypto.Signer, modify func(*x509.CertificateRequest)) []byte {
	t.Helper()
	template := &x509.CertificateRequest{Subject: pkix.Name{CommonName: customerID}}
	if modify != nil {
		modify(template)
	}
	return must.Get(x509.CreateCertificateRequest(rand.Reader, template, key))(t)
}

func parseRequest(t testing.TB, der []byte) *x509.CertificateRequest {
	t.Helper()
	return must.Get(pki.ParseCertificateRequest(der))(t)
}

func smallKey(t testing.TB) *rsa.PrivateKey {
	t.Helper()
	return must.Get(rsa.GenerateKey(rand.Reader, 1024))(t)
}

func TestARequestThatTheServiceCanSatisfyIsAccepted(t *testing.T) {
	larger := must.Get(rsa.GenerateKey(rand.Reader, 3072))(t)
	cases := map[string]struct {
		key    crypto.Signer
		modify func(*x509.CertificateRequest)
	}{
		"common name only": {pkitest.Key("customer"), nil},
		"RSA 3072":         {larger, nil},
		"other subject fields, which the service ignores": {
			pkitest.Key("customer"), func(request *x509.CertificateRequest) {
				request.Subject.Organization = []string{"Esimerkki Oy"}
				request.Subject.Country = []string{"SE"}
			},
		},
		"key usages and CA:false": {
			pkitest.Key("customer"), func(request *x509.CertificateRequest) {
				request.ExtraExtensions = []pkix.Extension{
					{Id: basicConstraints, Value: []byte{0x30, 0x00}},
					{Id: asn1.ObjectIdentifier{2, 5, 29, 15}, Value: []byte{0x03, 0x02, 0x05, 0xA0}},
				}
			},
		},
	}
	for claim, test := range cases {
		t.Run(claim, func(t *testing.T) {
			request := parseRequest(t, newRequest(t, test.key, test.modify))
			must.Do(t, pki.CheckCertificateRequest(request, customerID))
		})
	}
}

func commonName(name string) func(*x509.CertificateRequest) {
	return func(request *x509.CertificateRequest) { request.Subject.CommonName = name }
}

func extension(id asn1.ObjectIdentifier, value []byte) func(*x509.CertificateRequest) {
	return func(request *x509.CertificateRequest) {
		request.ExtraExtensions = []pkix.Extension{{Id: id, Value: value}}
	}
}

// unsatisfiable are requests with one thing wrong, the field that causes it, and what the message must tell.
var unsatisfiable = map[string]struct {
	modify func(*x509.CertificateRequest)
	field  string
	tells  []string
}{
	"another common name": {
		commonName("www.example.fi"), "spec.commonName",
		[]string{"www.example.fi", customerID, "commonName: " + customerID},
	},
	"no common name": {commonName(""), "spec.commonName", []string{"no common name", "commonName: " + customerID}},
	"customer id in other letters": {
		commonName("0123456-7 "), "spec.commonName", []string{`"0123456-7 "`, `"0123456-7"`},
	},
	"two common names": {
		func(request *x509.CertificateRequest) {
			request.Subject.ExtraNames = []pkix.AttributeTypeAndValue{
				{Type: asn1.ObjectIdentifier{2, 5, 4, 3}, Value: customerID},
				{Type: asn1.ObjectIdentifier{2, 5, 4, 3}, Value: customerID},
			}
		}, "spec.commonName", []string{"2 common names"},
	},
	"DNS names": {
		func(request *x509.CertificateRequest) { request.DNSNames = []string{"a.example.fi", "b.example.fi"} },
		"spec.dnsNames", []string{"2 × DNS name", "a.example.fi, b.example.fi", "remove spec.dnsNames"},
	},
	"IP addresses": {
		func(request *x509.CertificateRequest) { request.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)} },
		"spec.ipAddresses", []string{"127.0.0.1"},
	},
	"URIs": {
		func(request *x509.CertificateRequest) {
			request.URIs = []*url.URL{{Scheme: "spiffe", Host: "cluster", Path: "/a"}}
		},
		"spec.uris", []string{"spiffe://cluster/a"},
	},
	"e-mail addresses": {
		func(request *x509.CertificateRequest) { request.EmailAddresses = []string{"a@example.fi"} },
		"spec.emailAddresses", []string{"a@example.fi"},
	},
	"other names": {
		// SEQUENCE { [0] { OID 1.3.6.1.4.1.311.20.2.3 (user principal name), [0] UTF8String "a" } }
		extension(subjectAltName, []byte{
			0x30, 0x13, 0xA0, 0x11, 0x06, 0x0A, 0x2B, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x14, 0x02, 0x03,
			0xA0, 0x03, 0x0C, 0x01, 0x61,
		}),
		"spec.otherNames", []string{"1 × other name", "remove spec.otherNames"},
	},
	"a registered id, which crypto/x509 does not show": {
		extension(subjectAltName, []byte{0x30, 0x03, 0x88, 0x01, 0x2A}), "spec.request", []string{"registered id"},
	},
	"a directory name": {
		extension(subjectAltName, []byte{0x30, 0x04, 0xA4, 0x02, 0x30, 0x00}), "spec.request",
		[]string{"directory name"},
	},
	"a form of name that does not exist": {
		extension(subjectAltName, []byte{0x30, 0x03, 0x9E, 0x01, 0x2A}), "spec.request", []string{"cannot be read"},
	},
	"an empty list of names": {
		extension(subjectAltName, []byte{0x30, 0x00}), "spec.request", []string{"cannot be read"},
	},
	"CA": {extension(basicConstraints, []byte{0x30, 0x03, 0x01, 0x01, 0xFF}), "spec.isCA", []string{"isCA: false"}},
	"CA with a path length": {
		extension(basicConstraints, []byte{0x30, 0x06, 0x01, 0x01, 0xFF, 0x02, 0x01, 0x00}), "spec.isCA",
		[]string{"isCA: false"},
	},
	"basic constraints that are none": {
		extension(basicConstraints, []byte{0x04, 0x00}), "spec.request", []string{"basic constraints"},
	},
}

func TestARequestThatTheServiceCannotSatisfyIsRefusedWithARemedy(t *testing.T) {
	for claim, test := range unsatisfiable {
		t.Run(claim, func(t *testing.T) {
			request := parseRequest(t, newRequest(t, pkitest.Key("customer"), test.modify))
			mustViolate(t, pki.CheckCertificateRequest(request, customerID), test.field, test.tells...)
		})
	}
}

// mustViolate checks that err is a PolicyError with exactly one violation, of this field, that tells everything.
func mustViolate(t *testing.T, err error, field string, tells ...string) {
	t.Helper()
	var policy *pki.PolicyError
	if !errors.As(err, &policy) {
		t.Fatalf("got %v, want a PolicyError", err)
	}
	if len(policy.Violations) != 1 || policy.Violations[0].Field != field || policy.Violations[0].Remedy == "" {
		t.Fatalf("got %+v, want one violation of %s with a remedy", policy.Violations, field)
	}
	must.Say(t, err, append(tells, field)...)
}

func TestAKeyThatTheServiceDoesNotCertifyIsRefused(t *testing.T) {
	curve := must.Get(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))(t)
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	cases := map[string]struct {
		key   crypto.Signer
		field string
		tells []string
	}{
		"ECDSA":    {curve, "spec.privateKey.algorithm", []string{"ECDSA", "algorithm: RSA", "size: 2048"}},
		"Ed25519":  {edwards, "spec.privateKey.algorithm", []string{"Ed25519", "algorithm: RSA"}},
		"RSA 1024": {smallKey(t), "spec.privateKey.size", []string{"1024", "size: 2048"}},
	}
	for claim, test := range cases {
		t.Run(claim, func(t *testing.T) {
			request := parseRequest(t, newRequest(t, test.key, nil))
			mustViolate(t, pki.CheckCertificateRequest(request, customerID), test.field, test.tells...)
		})
	}
}

func TestAHugeKeyIsRefusedBeforeItsSignatureIsChecked(t *testing.T) {
	request := parseRequest(t, newRequest(t, pkitest.Key("customer"), nil))
	request.PublicKey = &rsa.PublicKey{N: new(big.Int).Lsh(big.NewInt(1), 1<<16), E: 65537}
	mustViolate(t, pki.CheckCertificateRequest(request, customerID), "spec.privateKey.size", "65537 bits")
}

func TestALargerKeyThanTheDocumentedOneIsAcceptedWithAWarning(t *testing.T) {
	request := parseRequest(t, newRequest(t, pkitest.Key("customer"), nil))
	for bits, want := range map[uint]string{2048: "", 2049: "2049 bits", 3072: "write size: 2048", 8192: "quick guide"} {
		request.PublicKey = &rsa.PublicKey{N: new(big.Int).Lsh(big.NewInt(1), bits-1), E: 65537}
		caution := pki.KeyCaution(request)
		if (caution == "") != (want == "") || !strings.Contains(caution, want) {
			t.Errorf("of %d bits it says %q, want %q", bits, caution, want)
		}
	}
	key := must.Get(rsa.GenerateKey(rand.Reader, 3072))(t)
	must.Do(t, pki.CheckCertificateRequest(parseRequest(t, newRequest(t, key, nil)), customerID))
}

func TestARequestWithAWrongSignatureIsRefused(t *testing.T) {
	der := newRequest(t, pkitest.Key("customer"), nil)
	der[len(der)-1] ^= 1
	mustViolate(t, pki.CheckCertificateRequest(parseRequest(t, der), customerID), "spec.request", "signature")
}

func TestARequestThatIsSignedWithPSSIsRefused(t *testing.T) {
	der := newRequest(t, pkitest.Key("customer"), func(request *x509.CertificateRequest) {
		request.SignatureAlgorithm = x509.SHA256WithRSAPSS
	})
	mustViolate(t, pki.CheckCertificateRequest(parseRequest(t, der), customerID), "spec.request", "RSA-PSS")
}

func TestEverythingThatIsWrongIsToldAtOnce(t *testing.T) {
	request := parseRequest(t, newRequest(t, smallKey(t), func(request *x509.CertificateRequest) {
		request.Subject.CommonName = "www.example.fi"
		request.DNSNames = []string{"www.example.fi"}
		request.ExtraExtensions = []pkix.Extension{{Id: basicConstraints, Value: []byte{0x30, 0x03, 0x01, 0x01, 0xFF}}}
	}))
	var policy *pki.PolicyError
	if err := pki.CheckCertificateRequest(request, customerID); !errors.As(err, &policy) || len(policy.Violations) != 4 {
		t.Errorf("got %v, want four violations", err)
	}
}

func TestForeignValuesCannotSpoilAMessage(t *testing.T) {
	name := "a\n\x1b[31m" + strings.Repeat("b", 10_000)
	request := parseRequest(t, newRequest(t, pkitest.Key("customer"), commonName(name)))
	err := pki.CheckCertificateRequest(request, customerID)
	if err == nil || len(err.Error()) > 1000 || strings.ContainsAny(err.Error(), "\n\x1b") {
		t.Errorf("got %.2000q", err)
	}
}

func FuzzCheckCertificateRequest(f *testing.F) {
	f.Add(newRequest(f, pkitest.Key("customer"), nil))
	f.Add(newRequest(f, smallKey(f), nil))
	for _, test := range unsatisfiable {
		f.Add(newRequest(f, pkitest.Key("customer"), test.modify))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		request, err := pki.ParseCertificateRequest(data)
		if err != nil {
			return
		}
		if err := pki.CheckCertificateRequest(request, customerID); err != nil {
			if policy, is := errors.AsType[*pki.PolicyError](err); !is || len(policy.Violations) == 0 {
				t.Fatalf("error of type %T without violations", err)
			}
			return
		}
		key, isRSA := request.PublicKey.(*rsa.PublicKey)
		if !isRSA || key.N.BitLen() < 2048 || request.Subject.CommonName != customerID {
			t.Fatalf("accepted with a key of type %T and common name %q", request.PublicKey, request.Subject.CommonName)
		}
		for _, extension := range request.Extensions {
			if extension.Id.Equal(subjectAltName) {
				t.Fatal("accepted with subject alternative names")
			}
		}
	})
}
