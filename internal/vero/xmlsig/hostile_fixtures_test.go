package xmlsig_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
	"github.com/varmenne/varmenne-issuer/internal/vero/xmlsig"
)

// upTo repeats a piece up to a number of bytes, and at most so many times.
func upTo(size int, piece string, most int) string {
	return strings.Repeat(piece, max(0, min(size/len(piece), most)))
}

func largestKey(template *x509.Certificate, index int) any {
	modulus := new(big.Int).Lsh(big.NewInt(1), 8191)
	modulus.SetBit(modulus, 0, 1)
	modulus.SetBit(modulus, 10+index, 1)
	return &rsa.PublicKey{N: modulus, E: 1<<31 - 1}
}

// hostileCertificates are almost as many as are read, of an authority that has the name of the genuine one.
func hostileCertificates(t testing.TB, change func(template *x509.Certificate, index int) any) [][]byte {
	t.Helper()
	h := newHierarchy(t)
	issuing := *h.issuing.Certificate // its name, with another key
	issuing.PublicKey = nil
	certificates := make([][]byte, 5)
	for index := range certificates {
		template := *h.signer
		template.PublicKey, template.SerialNumber = nil, big.NewInt(int64(index+1))
		key := change(&template, index)
		der := must.Get(x509.CreateCertificate(rand.Reader, &template, &issuing, key, pkitest.Key("forger")))(t)
		if len(der) > 8<<10 {
			t.Fatalf("the certificate has %d bytes", len(der))
		}
		certificates[index] = der
	}
	return certificates
}

// write signs the response with a key and puts certificates into it, its own first.
func (a hostileResponse) write(t testing.TB, key *rsa.PrivateKey, certificates ...*x509.Certificate) []byte {
	t.Helper()
	transforms := a.transforms
	if transforms == "" {
		transforms = exclusiveAfter
	}
	info := `<ds:SignedInfo>` + a.signedInfo +
		empty("CanonicalizationMethod", exclusive) + empty("SignatureMethod", rsaSHA256) +
		`<ds:Reference URI=""><ds:Transforms>` + transforms + `</ds:Transforms>` + empty("DigestMethod", digestSHA256) +
		`<ds:DigestValue>` + base64.StdEncoding.EncodeToString(make([]byte, 32)) + `</ds:DigestValue></ds:Reference>` +
		`</ds:SignedInfo>`
	canonical, err := xmlsig.Canonicalize(parse(t, strings.Replace(info, "<ds:SignedInfo", "<ds:SignedInfo"+declareDS, 1)),
		exclusive)
	if err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256(canonical)
	signature := must.Get(rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, digest[:]))(t)
	if a.signature != nil {
		signature = a.signature
	}
	ders := slices.Clone(a.certificates)
	for _, certificate := range certificates {
		ders = append(ders, certificate.Raw)
	}
	var keyInfo strings.Builder
	blanks := a.certificate // in the first only
	for _, der := range ders[max(0, len(ders)-6):] {
		keyInfo.WriteString(`<ds:X509Certificate>` + blanks + base64.StdEncoding.EncodeToString(der) +
			`</ds:X509Certificate>`)
		blanks = ""
	}
	onSignature, onEnvelope := declareDS, ""
	if a.undeclaredDS {
		onSignature, onEnvelope = "", declareDS
	}
	return []byte(soapWith(soapDeclaration+onEnvelope+a.envelope, "S:", "<S:Header>"+a.header+"</S:Header>",
		`<cer:GetCertificateResponse`+declareService+a.attributes+`>`+a.content+`<ds:Signature`+onSignature+`>`+info+
			`<ds:SignatureValue>`+a.value+base64.StdEncoding.EncodeToString(signature)+`</ds:SignatureValue><ds:KeyInfo>`+
			`<ds:X509Data>`+keyInfo.String()+`</ds:X509Data></ds:KeyInfo></ds:Signature></cer:GetCertificateResponse>`))
}

func empty(name, algorithm string) string {
	return `<ds:` + name + ` Algorithm="` + algorithm + `"></ds:` + name + `>`
}
