// Package pkitest makes keys and certificate hierarchies for tests. Everything is valid at Now, and at every time at
// which the tests can reasonably run: some give certificates to programs that look at the real clock.
package pkitest

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Now is the moment that tests take for the present.
var Now = time.Date(2026, time.June, 1, 12, 0, 0, 0, time.UTC)

// NotBefore and NotAfter are the dates of all certificates that do not ask for others.
var (
	NotBefore = time.Date(2020, time.January, 1, 0, 0, 0, 0, time.UTC)
	NotAfter  = time.Date(2060, time.January, 1, 0, 0, 0, 0, time.UTC)
)

var (
	keys         sync.Map // name → func() *rsa.PrivateKey
	serialNumber atomic.Int64
)

// Key returns the RSA-2048 key with this name: always the same in one process, because making one takes long.
func Key(name string) *rsa.PrivateKey {
	generate := sync.OnceValue(func() *rsa.PrivateKey {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err) // no randomness: nothing can go on
		}
		return key
	})
	stored, _ := keys.LoadOrStore(name, generate)
	return stored.(func() *rsa.PrivateKey)()
}

// Authority is a CA whose key is known.
type Authority struct {
	// Certificate is the CA's own.
	Certificate *x509.Certificate
	// Key is the CA's private key.
	Key crypto.Signer
}

// Modifier changes a certificate before it is signed.
type Modifier func(*x509.Certificate)

// Dates sets the dates of a certificate.
func Dates(notBefore, notAfter time.Time) Modifier {
	return func(template *x509.Certificate) { template.NotBefore, template.NotAfter = notBefore, notAfter }
}

// Root makes a self-signed CA. Its common name also names its key.
func Root(t testing.TB, commonName string, modifiers ...Modifier) *Authority {
	t.Helper()
	key := Key(commonName)
	return &Authority{Certificate: sign(t, authorityTemplate(commonName), nil, key, key, modifiers), Key: key}
}

// Intermediate makes a CA below this one. Its common name also names its key.
func (a *Authority) Intermediate(t testing.TB, commonName string, modifiers ...Modifier) *Authority {
	t.Helper()
	key := Key(commonName)
	certificate := sign(t, authorityTemplate(commonName), a.Certificate, key, a.Key, modifiers)
	return &Authority{Certificate: certificate, Key: key}
}

// Issue makes an end entity certificate for key, with the subject that the service writes: CN = commonName, C = FI.
func (a *Authority) Issue(t testing.TB, key crypto.Signer, commonName string, modifiers ...Modifier) *x509.Certificate {
	t.Helper()
	template := &x509.Certificate{
		Subject:  pkix.Name{CommonName: commonName, Country: []string{"FI"}},
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageContentCommitment,
	}
	return sign(t, template, a.Certificate, key, a.Key, modifiers)
}

func authorityTemplate(commonName string) *x509.Certificate {
	return &x509.Certificate{
		Subject:               pkix.Name{CommonName: commonName, Organization: []string{"Test"}, Country: []string{"FI"}},
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
}

// sign completes the template and signs it; without parent it signs itself.
func sign(
	t testing.TB, template, parent *x509.Certificate, key, by crypto.Signer, modifiers []Modifier,
) *x509.Certificate {
	t.Helper()
	template.SerialNumber = big.NewInt(serialNumber.Add(1))
	template.NotBefore, template.NotAfter = NotBefore, NotAfter
	for _, modify := range modifiers {
		modify(template)
	}
	if parent == nil {
		parent = template
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), by)
	if err != nil {
		t.Fatalf("sign certificate %s: %v", template.Subject, err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatalf("parse certificate %s: %v", template.Subject, err)
	}
	return certificate
}

// Unreadable returns the DER of a root that crypto/x509 does not parse, because its serial number is negative. Some old
// ones are like that.
func Unreadable(t testing.TB) []byte {
	t.Helper()
	serial := []byte{0x7F, 1, 2, 3, 4, 5, 6, 7}
	der := Root(t, "Old Root CA", func(template *x509.Certificate) {
		template.SerialNumber = new(big.Int).SetBytes(serial)
	}).Certificate.Raw
	changed := bytes.Replace(der, serial, append([]byte{0xFF}, serial[1:]...), 1)
	if _, err := x509.ParseCertificate(changed); err == nil {
		t.Fatal("the certificate with a negative serial number can be read")
	}
	return changed
}

// PEM writes certificates one after the other.
func PEM(certificates ...*x509.Certificate) []byte {
	var text bytes.Buffer
	for _, certificate := range certificates {
		text.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Raw}))
	}
	return text.Bytes()
}

// KeyPEM is the key with a name in PEM, as cert-manager writes it.
func KeyPEM(t testing.TB, name string) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(Key(name))
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}
