package testkit

import (
	"crypto/x509"
	"errors"
	"fmt"

	"k8s.io/client-go/util/cert"
)

// ParseCertificates returns the certificates in a PEM text, in its order, until one that cannot be read.
func ParseCertificates(text []byte) []*x509.Certificate {
	certificates, _ := cert.ParseCertsPEM(text) // Where there is none, none is returned.
	return certificates
}

// RootOf returns the first self-signed certificate of a PEM bundle: what the other side of a connection trusts. It
// returns nil where there is none.
func RootOf(bundle []byte) *x509.Certificate {
	for _, certificate := range ParseCertificates(bundle) {
		if certificate.CheckSignatureFrom(certificate) == nil {
			return certificate
		}
	}
	return nil
}

// VerifyChain checks what tls.crt of an issued Secret holds, and returns its certificates: the customer's first, which
// is valid now, then what leads to the root of the service's bundle, each followed by its issuer, without the root.
func VerifyChain(chain, bundle []byte, customerID string) ([]*x509.Certificate, error) {
	certificates, root := ParseCertificates(chain), RootOf(bundle)
	if len(certificates) == 0 || root == nil {
		return nil, errors.New("there is no certificate, or no root to verify it with")
	}
	leaf := certificates[0]
	if leaf.IsCA || leaf.Subject.CommonName != customerID {
		return nil, fmt.Errorf("the first certificate is of %s, want the customer's %s", leaf.Subject, customerID)
	}
	options := x509.VerifyOptions{
		Roots: x509.NewCertPool(), Intermediates: x509.NewCertPool(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	}
	options.Roots.AddCert(root)
	for i, certificate := range certificates {
		issuer := root
		if i+1 < len(certificates) {
			issuer = certificates[i+1]
			options.Intermediates.AddCert(issuer)
		}
		if err := certificate.CheckSignatureFrom(issuer); err != nil {
			return nil, fmt.Errorf("certificate %d is not followed by its issuer: %w", i, err)
		}
		if certificate.Equal(root) {
			return nil, fmt.Errorf("certificate %d is the root", i)
		}
	}
	if _, err := leaf.Verify(options); err != nil {
		return nil, fmt.Errorf("the chain does not verify against the root of the service: %w", err)
	}
	return certificates, nil
}
