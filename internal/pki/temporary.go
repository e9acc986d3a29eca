package pki

import "crypto/x509"

// temporaryAuthority is the common name of the authority that cert-manager makes for one temporary certificate, and
// forgets at once.
const temporaryAuthority = "cert-manager.local"

// IsTemporary reports whether a certificate is one that cert-manager puts into a Secret until the issuer has answered,
// where the Certificate has the annotation cert-manager.io/issue-temporary-certificate. Its subject and key are those
// of the certificate that is awaited; nobody trusts it, and nothing is lost with it.
func IsTemporary(certificate *x509.Certificate) bool {
	return certificate.Issuer.CommonName == temporaryAuthority && certificate.Subject.CommonName != temporaryAuthority
}
