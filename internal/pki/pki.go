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
	"crypto/x509/pkix"
	"encoding/hex"
	"fmt"
	"strconv"
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

// maximumSerialDigits is what a status takes of a serial number. RFC 5280 allows 40 digits (4.1.2.2); who issues more,
// or puts such a certificate into a Secret, is not to keep an order from being written.
const maximumSerialDigits = 128

// SerialNumber is that of a certificate in lower-case hexadecimal, cut after 128 digits.
func SerialNumber(certificate *x509.Certificate) string {
	const hexadecimal = 16
	serial := certificate.SerialNumber.Text(hexadecimal)
	return serial[:min(len(serial), maximumSerialDigits)]
}

// WindowOpens returns the moment from which a certificate that ends at notAfter may be renewed, when renewal is
// possible during the last window of its life (60 days at the certificate service, see PKI080).
func WindowOpens(notAfter time.Time, window time.Duration) time.Time {
	return notAfter.Add(-window)
}

const (
	// maximumQuoted bounds what an error repeats of a value that somebody else wrote, in characters.
	maximumQuoted = 128
	// maximumQuotedBytes bounds the same as it is written: a character that cannot be shown takes up to ten bytes.
	maximumQuotedBytes = 300
	// maximumNameBytes is what a status takes of a distinguished name: 1,024 characters, less what marks a cut.
	maximumNameBytes = 1000
	// maximumErrorBytes bounds what an error repeats of the text of another one.
	maximumErrorBytes = 300
)

// Quote makes a foreign value fit for an error message: quoted, without control characters, and cut after 128
// characters, or sooner when they are written with more than 300 bytes.
func Quote(value string) string {
	return shortened(value, maximumQuoted, maximumQuotedBytes, strconv.Quote)
}

// shortened is a foreign value as it is written, cut after some characters, or sooner to keep within some bytes.
func shortened(value string, characters, bytes int, written func(string) string) string {
	for ; ; characters /= 2 {
		text := written(strings.ToValidUTF8(clip(value, characters), "\uFFFD"))
		if len(text) <= bytes {
			return text
		}
	}
}

// maximumNameAttributes bounds what an error repeats of a distinguished name. pkix takes time that grows with the
// square of their count.
const maximumNameAttributes = 16

// QuoteName is Quote for a distinguished name, the way RFC 4514 writes it, of which it reads at most 16 attributes.
func QuoteName(name pkix.Name) string { return Quote(nameText(name)) }

// WriteName is a distinguished name of up to 1,000 bytes for a field that holds nothing else, without quotes: what
// cannot be seen is escaped byte by byte, as RFC 4514 has it (2.4). It is empty for an empty name.
func WriteName(name pkix.Name) string {
	return shortened(nameText(name), maximumNameBytes, maximumNameBytes, escapeInvisible)
}

func nameText(name pkix.Name) string {
	if len(name.Names) <= maximumNameAttributes {
		return name.String()
	}
	var sequence pkix.RDNSequence
	for _, attribute := range name.Names[:maximumNameAttributes] {
		sequence = append(sequence, pkix.RelativeDistinguishedNameSET{attribute})
	}
	return sequence.String()
}

func escapeInvisible(text string) string {
	var escaped strings.Builder
	for _, r := range text {
		if strconv.IsPrint(r) {
			escaped.WriteRune(r)
			continue
		}
		for _, octet := range []byte(string(r)) {
			fmt.Fprintf(&escaped, `\%02X`, octet)
		}
	}
	return escaped.String()
}

// clip cuts a text that has more than a number of characters. It reads no more of the text than that.
func clip(text string, longest int) string {
	count := 0
	for index := range text {
		if count == longest {
			return text[:index] + "…"
		}
		count++
	}
	return text
}

// Bounded returns an error that says what err says, cut after 300 bytes, and that wraps err. The errors of crypto/x509
// repeat names of the certificate that they are about, at any length. It returns nil for nil.
func Bounded(err error) error {
	if err == nil || len(err.Error()) <= maximumErrorBytes {
		return err
	}
	return &boundedError{err}
}

type boundedError struct{ err error }

func (e *boundedError) Error() string {
	return strings.ToValidUTF8(e.err.Error()[:maximumErrorBytes], "") + "…"
}

func (e *boundedError) Unwrap() error { return e.err }

// date writes a moment the way all messages of this package do: UTC, to the second.
func date(moment time.Time) string {
	return moment.UTC().Format(time.RFC3339)
}
