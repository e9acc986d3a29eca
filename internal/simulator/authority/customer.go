package authority

import (
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"time"
)

// Customer is what a customer certificate says: the subject is the service's own, only the public key comes from
// the certificate request (protocol: "Lifecycle facts").
type Customer struct {
	// ID becomes the common name.
	ID string
	// Name becomes the organization.
	Name string
	// PublicKey is the key to certify.
	PublicKey crypto.PublicKey
	// NotBefore and NotAfter bound the validity; seconds count.
	NotBefore, NotAfter time.Time
}

// Issue makes a customer certificate: C=FI, O=name, CN=id, client authentication, no subject alternative names.
func (a *Authorities) Issue(customer Customer) (*x509.Certificate, error) {
	return a.Issuance.issue(customer)
}

// IssueStranger makes the same certificate from a CA that nobody trusts.
func (a *Authorities) IssueStranger(customer Customer) (*x509.Certificate, error) {
	return a.StrangerCA.issue(customer)
}

func (p Pair) issue(customer Customer) (*x509.Certificate, error) {
	certificate, err := p.Sign(&x509.Certificate{
		Subject: pkix.Name{
			Country:      []string{"FI"},
			Organization: []string{customer.Name},
			CommonName:   customer.ID,
		},
		NotBefore:             customer.NotBefore,
		NotAfter:              customer.NotAfter,
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		BasicConstraintsValid: true,
	}, customer.PublicKey)
	if err != nil {
		return nil, fmt.Errorf("signing the certificate of customer %s: %w", customer.ID, err)
	}
	return certificate, nil
}

// IssuedHere says whether the certificate is one that Issue made, whatever the time is.
func (a *Authorities) IssuedHere(certificate *x509.Certificate) bool {
	return certificate.CheckSignatureFrom(a.Issuance.Certificate) == nil && !certificate.IsCA
}

// minimumBits is the smallest RSA key that is certified; 2048 is what the service owner documents.
const minimumBits = 2048

// maximumBits bounds the work of one certificate request.
const maximumBits = 8192

// ParseRequest reads a PKCS#10 certificate request and gives its public key. It refuses requests whose own
// signature is wrong, and keys that are not RSA of 2048 to 8192 bits.
func ParseRequest(der []byte) (*rsa.PublicKey, error) {
	request, err := x509.ParseCertificateRequest(der)
	if err != nil {
		return nil, fmt.Errorf("the certificate request is not PKCS#10: %w", err)
	}
	key, ok := request.PublicKey.(*rsa.PublicKey)
	if !ok {
		return nil, fmt.Errorf("the key of the certificate request is %s, not RSA", request.PublicKeyAlgorithm)
	}
	if bits := key.N.BitLen(); bits < minimumBits || bits > maximumBits {
		return nil, fmt.Errorf("the RSA key has %d bits; %d to %d are accepted", bits, minimumBits, maximumBits)
	}
	if err := request.CheckSignature(); err != nil {
		return nil, errors.New("the certificate request is not signed with its own key")
	}
	return key, nil
}
