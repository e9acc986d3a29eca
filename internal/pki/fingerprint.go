package pki

import (
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"strings"
)

// maximumKeyIdentifierBytes is more than any hash that makes a key identifier has; a longer one is not repeated.
const maximumKeyIdentifierBytes = 32

// Fingerprint returns the SHA-256 of a certificate as authorities publish it and as `openssl x509 -fingerprint -sha256`
// writes it: bytes in upper-case hexadecimal with colons between them.
func Fingerprint(certificate *x509.Certificate) string {
	return fingerprint(sha256.Sum256(certificate.Raw))
}

func fingerprint(digest [sha256.Size]byte) string { return colons(digest[:]) }

// DescribeIssuer names the authority that a certificate says to come from: by its name and, where the certificate has
// one, by its key identifier, which the authority's own certificate repeats as its subject key identifier.
func DescribeIssuer(certificate *x509.Certificate) string {
	name, identifier := QuoteName(certificate.Issuer), certificate.AuthorityKeyId
	if len(identifier) == 0 || len(identifier) > maximumKeyIdentifierBytes {
		return name
	}
	return name + " (key identifier " + colons(identifier) + ")"
}

func colons(value []byte) string {
	return strings.ReplaceAll(fmt.Sprintf("% X", value), " ", ":")
}
