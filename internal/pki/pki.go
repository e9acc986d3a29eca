// Package pki holds everything this product knows about X.509 itself: decoding requests, certificates and bundles
// within limits, the policy that a request must meet before anything is spent on it, building chains from configured
// certificates only, and the arithmetic of the renewal window.
//
// It knows neither Kubernetes nor the certificate service's protocol. Nothing here reads the clock or the system's
// root certificates: times and trust are always handed in.
package pki

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
)

// PublicKeyDigest returns the SHA-256 of the key's DER SubjectPublicKeyInfo in lower-case hexadecimal. It is how an
// order is bound to the key it was made for: the certificate service certifies nothing but the public key of a
// request. The key is encoded anew, so that two encodings of the same key have the same digest.
// It fails for key types that crypto/x509 cannot encode.
func PublicKeyDigest(publicKey any) (string, error) {
	der, err := x509.MarshalPKIXPublicKey(publicKey)
	if err != nil {
		return "", fmt.Errorf("encode public key of type %T: %w", publicKey, err)
	}
	digest := sha256.Sum256(der)
	return hex.EncodeToString(digest[:]), nil
}

// WindowOpens returns the moment from which a certificate that ends at notAfter may be renewed, when renewal is
// possible during the last window of its life (60 days at the certificate service, see PKI080).
func WindowOpens(notAfter time.Time, window time.Duration) time.Time {
	return notAfter.Add(-window)
}

// maximumQuoted bounds what an error repeats of a value that somebody else wrote, in characters.
const maximumQuoted = 128

// quote makes a foreign value fit for an error message: quoted, without control characters, cut when it is long.
func quote(value string) string {
	if runes := []rune(value); len(runes) > maximumQuoted {
		value = string(runes[:maximumQuoted]) + "…"
	}
	return fmt.Sprintf("%q", strings.ToValidUTF8(value, "\uFFFD"))
}

// date writes a moment the way all messages of this package do: UTC, to the second.
func date(moment time.Time) string {
	return moment.UTC().Format(time.RFC3339)
}
