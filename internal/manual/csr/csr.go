// Package csr says what a certificate signing request asks for, as far as an order that a person carries depends on it:
// its key, and the names that cert-manager compares once a certificate was issued.
package csr

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/pki"
)

// Key is the algorithm of a public key and its size in bits; the size of an Ed25519 key is 256.
func Key(request *x509.CertificateRequest) (v1alpha1.KeyAlgorithm, int32) {
	switch key := request.PublicKey.(type) {
	case *rsa.PublicKey:
		return v1alpha1.KeyAlgorithmRSA, int32(min(key.N.BitLen(), 1<<20)) //nolint:gosec,mnd // bounded
	case *ecdsa.PublicKey:
		return v1alpha1.KeyAlgorithmECDSA, int32(min(key.Params().BitSize, 1<<20)) //nolint:gosec,mnd // bounded
	case ed25519.PublicKey:
		return v1alpha1.KeyAlgorithmEd25519, 8 * ed25519.PublicKeySize
	default:
		return "", 0
	}
}

// Names are common name and subject alternative names in one text that is the same for the same names, whatever their
// order. A request with the same key and names can use the certificate that was ordered for another one.
func Names(request *x509.CertificateRequest) string {
	var names []string //nolint:prealloc // there is one name, mostly
	for _, name := range request.DNSNames {
		names = append(names, "dns:"+strings.ToLower(name))
	}
	for _, address := range request.IPAddresses {
		names = append(names, "ip:"+address.String())
	}
	for _, uri := range request.URIs {
		names = append(names, "uri:"+uri.String())
	}
	for _, address := range request.EmailAddresses {
		names = append(names, "email:"+address)
	}
	names = append(names, pki.OtherAlternativeNames(request.Extensions)...)
	slices.Sort(names)
	return fmt.Sprintf("cn:%q %q", request.Subject.CommonName, slices.Compact(names))
}

// Same reports whether two requests are for the same key and names. What cannot be read is the same as nothing.
func Same(one, other []byte) bool {
	first, err := pki.ParseCertificateRequest(one)
	if err != nil {
		return false
	}
	second, err := pki.ParseCertificateRequest(other)
	if err != nil {
		return false
	}
	firstKey, firstErr := pki.PublicKeyDigest(first.PublicKey)
	secondKey, secondErr := pki.PublicKeyDigest(second.PublicKey)
	return firstErr == nil && secondErr == nil && firstKey == secondKey && Names(first) == Names(second)
}

// OrderName is the name of the order for a request that is to replace a certificate with a serial number, empty if it
// is to replace none: two of them for the same are refused by the API server.
func OrderName(publicKeyDigest string, request *x509.CertificateRequest, replaces string) string {
	const digits = 20
	digest := sha256.Sum256([]byte(publicKeyDigest + "\n" + Names(request) + "\n" + replaces))
	return "manual-" + hex.EncodeToString(digest[:])[:digits]
}
