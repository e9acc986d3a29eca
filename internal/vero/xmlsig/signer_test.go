package xmlsig_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"math/big"
	"strings"
	"testing"

	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
	"github.com/varmenne/varmenne-issuer/internal/vero/xmlsig"
)

// signedBy is an envelope with the plain payload, signed with a key and carrying these certificates, as DER.
func signedBy(t testing.TB, key *rsa.PrivateKey, leaf *x509.Certificate, others ...[]byte) string {
	t.Helper()
	signed := must.Get(xmlsig.Sign(parse(t, strings.Replace(payloads["plain"], "@SIGNATURE@", "", 1)), key, leaf))(t)
	var certificates strings.Builder
	for _, der := range append(others, leaf.Raw) {
		certificates.WriteString("<ds:X509Certificate>" + base64.StdEncoding.EncodeToString(der) + "</ds:X509Certificate>")
	}
	return soap(keyInfoElement.ReplaceAllString(written(t, signed),
		"<ds:KeyInfo><ds:X509Data>"+certificates.String()+"</ds:X509Data></ds:KeyInfo>"))
}

// mustRefuseSigner checks the reason, and that the error carries the signer.
func (h hierarchy) mustRefuseSigner(t *testing.T, envelope string, want xmlsig.Reason, signer *x509.Certificate) {
	t.Helper()
	verified, err := h.verify(t, envelope)
	refusal, isRefusal := errors.AsType[*xmlsig.VerifyError](err)
	if verified != nil || !isRefusal || refusal.Reason != want {
		t.Fatalf("got %v, want reason %s", err, want)
	}
	if !signer.Equal(refusal.Signer) {
		t.Errorf("the error is about another certificate: %v", err)
	}
}

func TestACertificateThatMustNotSignResponsesIsRefusedAlthoughItIsTrusted(t *testing.T) {
	h := newHierarchy(t)
	weak := must.Get(rsa.GenerateKey(rand.Reader, 1024))(t)
	key := pkitest.Key("customer")
	second := func(template *x509.Certificate) {
		template.Subject.ExtraNames = []pkix.AttributeTypeAndValue{
			{Type: asn1.ObjectIdentifier{2, 5, 4, 3}, Value: "7654321-0"},
			{Type: asn1.ObjectIdentifier{2, 5, 4, 3}, Value: "Certificate Service"},
		}
	}
	authority := func(template *x509.Certificate) { template.KeyUsage |= x509.KeyUsageCertSign }
	for claim, test := range map[string]struct {
		key    *rsa.PrivateKey
		signer *x509.Certificate
		want   xmlsig.Reason
	}{
		"a key that is too short":      {weak, h.issuing.Issue(t, weak, "Service"), xmlsig.WeakSigner},
		"the issuing CA itself":        {h.issuing.Key.(*rsa.PrivateKey), h.issuing.Certificate, xmlsig.SignerIsAuthority},
		"the root itself":              {h.root.Key.(*rsa.PrivateKey), h.root.Certificate, xmlsig.SignerIsAuthority},
		"one that may sign others":     {key, h.issuing.Issue(t, key, "Service", authority), xmlsig.SignerIsAuthority},
		"a business id":                {key, h.issuing.Issue(t, key, "7654321-0"), xmlsig.SignerIsCustomer},
		"a business id among others":   {key, h.issuing.Issue(t, key, "Service", second), xmlsig.SignerIsCustomer},
		"a business id, and blanks":    {key, h.issuing.Issue(t, key, " 7654321-0 "), xmlsig.SignerIsCustomer},
		"the customer who is answered": {key, h.issuing.Issue(t, key, customerID), xmlsig.SignerIsCustomer},
	} {
		t.Run(claim, func(t *testing.T) {
			h.mustRefuseSigner(t, signedBy(t, test.key, test.signer), test.want, test.signer)
			h.mustRefuseSigner(t, signedBy(t, test.key, test.signer, h.signer.Raw), test.want, test.signer)
		})
	}
	h.mustVerify(t, signedBy(t, pkitest.Key(signerKey), h.signer))
}

func TestAGenuineSignerPassesWhereOneBundleLeadsToCustomersToo(t *testing.T) {
	root := pkitest.Root(t, "Shared Root CA")
	responses, customers := root.Intermediate(t, "Shared Responses CA"), root.Intermediate(t, "Shared Customers CA")
	key := pkitest.Key(signerKey)
	for claim, issuing := range map[string]*pkitest.Authority{
		"two authorities under a root": responses, "one authority for both": customers,
	} {
		t.Run(claim, func(t *testing.T) {
			h := hierarchy{
				trust:  newTrust(t, root.Certificate, responses.Certificate, customers.Certificate),
				signer: issuing.Issue(t, key, "Certificate Service"), now: pkitest.Now,
			}
			h.mustVerify(t, signedBy(t, key, h.signer))
			customer := customers.Issue(t, key, "0123456-7")
			h.mustRefuseSigner(t, signedBy(t, key, customer), xmlsig.SignerIsCustomer, customer)
		})
	}
}

// unfit are certificates that cannot be the signer's.
func unfit(t testing.TB) map[string][]byte {
	t.Helper()
	elliptical := must.Get(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))(t)
	h := newHierarchy(t)
	return map[string][]byte{
		"negative serial number": pkitest.Unreadable(t),
		"elliptic curve":         h.issuing.Issue(t, elliptical, "Certificate Service").Raw,
		"not a certificate":      []byte("certificate"),
		"too long a key":         hugeKey(t, h),
	}
}

func hugeKey(t testing.TB, h hierarchy) []byte {
	t.Helper()
	template := *h.signer
	template.PublicKey = nil
	modulus := new(big.Int).SetBit(big.NewInt(1), 16_383, 1)
	return must.Get(x509.CreateCertificate(rand.Reader, &template, h.issuing.Certificate,
		&rsa.PublicKey{N: modulus, E: 1<<16 + 1}, h.issuing.Key))(t)
}

func TestACertificateThatCannotBeTheSignersDoesNotSpoilAResponse(t *testing.T) {
	h := newHierarchy(t)
	key, strangerKey := pkitest.Key(signerKey), pkitest.Key("stranger")
	stranger := pkitest.Root(t, "Stranger CA").Issue(t, strangerKey, "Stranger")
	for claim, der := range unfit(t) {
		t.Run(claim, func(t *testing.T) {
			h.mustVerify(t, signedBy(t, key, h.signer, der))
			digest := sha256.Sum256(der)
			alone := "<ds:X509Certificate>" + base64.StdEncoding.EncodeToString(der) + "</ds:X509Certificate>"
			alone = keyInfoElement.ReplaceAllString(signedBy(t, key, h.signer),
				"<ds:KeyInfo><ds:X509Data>"+alone+"</ds:X509Data></ds:KeyInfo>")
			for envelope, want := range map[string]xmlsig.Reason{
				alone:                                   xmlsig.Shape,
				signedBy(t, strangerKey, stranger, der): xmlsig.UntrustedSigner,
			} {
				h.mustRefuse(t, envelope, want)
				_, err := h.verify(t, envelope)
				if !strings.Contains(err.Error(), hex.EncodeToString(digest[:])) {
					t.Errorf("%v does not name the certificate", err)
				}
			}
		})
	}
}

func TestTheSignerOfAStrangersResponseIsNamedWhateverElseIsWrong(t *testing.T) {
	h := newHierarchy(t)
	root := pkitest.Root(t, "Stranger CA")
	key := pkitest.Key("stranger")
	stranger := root.Issue(t, key, "Stranger")
	envelope := signedBy(t, key, stranger, root.Certificate.Raw, h.issuing.Certificate.Raw)
	h.mustRefuseSigner(t, envelope, xmlsig.UntrustedSigner, stranger)
	tampered := replace(t, envelope, ">TUlJQ2VydA==<", ">Rk9SR0VE<")
	h.mustRefuseSigner(t, tampered, xmlsig.UntrustedSigner, stranger)
}
