// Package authority is the certification authorities of the simulator: three hierarchies that share nothing,
// as with the real service: one issues customer certificates, one signs responses, one serves TLS. DVV's two stand
// beside them.
package authority

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"time"
)

// organization is in the subject of every CA, so that nobody takes one of them for real.
const organization = "Certificate service simulator, NOT FOR PRODUCTION"

// keyBits is the size of the RSA keys: what the service owner documents.
const keyBits = 2048

// lifetime of every CA. It has to outlast whatever validity customer certificates are given.
const lifetime = 40 * 365 * 24 * time.Hour

// Pair is a certificate and its private key.
type Pair struct {
	Certificate *x509.Certificate
	Key         crypto.Signer
}

// Authorities are the three hierarchies, and DVV's. Create and Open make them.
type Authorities struct {
	// IssuanceRoot and Issuance stand above customer certificates.
	IssuanceRoot, Issuance Pair
	// ResponseRoot, Responses and Signer sign responses; Signer's key is RSA-2048.
	ResponseRoot, Responses, Signer Pair
	// TLSRoot signs the server certificate.
	TLSRoot Pair
	// StrangerCA is in no bundle: whatever it signs must not be believed.
	StrangerCA Pair

	// dvv is whole once prepareDVV has run.
	dvv        DVV
	prepareDVV func() error
}

// Server makes a TLS server certificate for localhost, 127.0.0.1, ::1 and the names (host names or addresses).
func (a *Authorities) Server(now time.Time, names []string) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("generating the key of the TLS server certificate: %w", err)
	}
	template := &x509.Certificate{
		Subject:     pkix.Name{CommonName: "localhost", Organization: []string{organization}},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		NotBefore:   now.Add(-wallClockMargin),
		NotAfter:    now.Add(wallClockMargin),
	}
	addNames(template, append([]string{"localhost", "127.0.0.1", "::1"}, names...))
	certificate, err := a.TLSRoot.Sign(template, key.Public())
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("signing the TLS server certificate: %w", err)
	}
	return tls.Certificate{
		Certificate: [][]byte{certificate.Raw, a.TLSRoot.Certificate.Raw},
		PrivateKey:  key,
		Leaf:        certificate,
	}, nil
}

// Bundle is the name of one of the PEM bundles that a client has to trust.
type Bundle string

// The bundles.
const (
	// TLSBundle anchors the server certificate.
	TLSBundle Bundle = "tls"
	// ResponsesBundle is the root and the issuing CA of the signer of responses.
	ResponsesBundle Bundle = "responses"
	// IssuanceBundle is the root and the issuing CA of customer certificates.
	IssuanceBundle Bundle = "issuance"
)

// PEM is a bundle, root first; nil for a bundle that does not exist.
func (a *Authorities) PEM(bundle Bundle) []byte {
	switch bundle {
	case TLSBundle:
		return encode(a.TLSRoot.Certificate)
	case ResponsesBundle:
		return encode(a.ResponseRoot.Certificate, a.Responses.Certificate)
	case IssuanceBundle:
		return encode(a.IssuanceRoot.Certificate, a.Issuance.Certificate)
	}
	return nil
}

func encode(certificates ...*x509.Certificate) []byte {
	bundle := make([]byte, 0, 2048*len(certificates))
	for _, certificate := range certificates {
		bundle = append(bundle, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Raw})...)
	}
	return bundle
}

// Sign completes the template and signs it; the serial number is random.
func (p Pair) Sign(template *x509.Certificate, public crypto.PublicKey) (*x509.Certificate, error) {
	der, err := x509.CreateCertificate(rand.Reader, template, p.Certificate, public, p.Key)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

func generateRSA() (crypto.Signer, error) { return rsa.GenerateKey(rand.Reader, keyBits) }

func generateECDSA() (crypto.Signer, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) }
