package delivery

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"

	"github.com/smallstep/pkcs7"

	"github.com/varmenne/varmenne-issuer/internal/pki"
)

// isBinary reports whether data begins as DER or BER of a SEQUENCE does, and no text in UTF-8.
func isBinary(data []byte) bool {
	const sequence, indefinite, fourBytes = 0x30, 0x80, 0x84 // lengths
	return len(data) > 1 && data[0] == sequence && (data[1] >= indefinite && data[1] <= fourBytes || isShortSequence(data))
}

// isShortSequence reports whether data is one SEQUENCE of less than 128 bytes that begins with a number, as a private
// key on a curve does.
func isShortSequence(data []byte) bool {
	const header = 2
	return len(data) > header && len(data) == header+int(data[1]) && data[header] == asn1.TagInteger
}

// maximumObjects leaves room for as many other things as certificates, and for duplicates.
const maximumObjects = 2 * MaximumCertificates

// addBinary takes DER and BER, one object behind the other.
func (c *collector) addBinary(data []byte) error {
	for len(data) > 0 {
		if c.objects++; c.objects > maximumObjects {
			return refuse(TooMany, "it holds more than %d things: bring the certificate that was issued for the CSR, and its "+
				"chain alone", maximumObjects)
		}
		switch pki.ContainerOf(data) {
		case pki.SignedData:
			return c.addSignedData(data)
		case pki.EncryptedData:
			c.note(Encrypted)
			return nil
		case pki.PKCS12:
			c.note(PKCS12)
			return nil
		default:
		}
		var object asn1.RawValue
		rest, err := asn1.Unmarshal(data, &object)
		if err != nil || object.Tag != asn1.TagSequence {
			return refuse(Broken, "it begins as a binary file (DER) and is cut off, or was changed on its way: bring the file "+
				"as the authority has sent it")
		}
		if err := c.addObject(object); err != nil {
			return err
		}
		data = bytes.TrimLeft(rest, "\x00\r\n\t ")
	}
	return nil
}

// addObject takes one object in DER.
func (c *collector) addObject(object asn1.RawValue) error {
	certificate, err := x509.ParseCertificate(object.FullBytes)
	if err == nil {
		return c.add(certificate)
	}
	if isPrivateKey(object.Bytes) {
		return refuseKind(PrivateKey)
	}
	if _, requestErr := x509.ParseCertificateRequest(object.FullBytes); requestErr == nil {
		c.note(Request)
		return nil
	}
	if _, listErr := x509.ParseRevocationList(object.FullBytes); listErr == nil {
		c.note(RevocationList)
		return nil
	}
	if pki.IsCertificateShaped(object.FullBytes) {
		return refuse(Broken, "a certificate in it cannot be read (%v): bring it as the authority has sent it, or the "+
			"others without it", pki.Bounded(err))
	}
	return nil
}

// isPrivateKey reports whether the content of a SEQUENCE begins as a private key does: in PKCS#8 (RFC 5958), PKCS#1
// (RFC 8017, A.1.2), SEC 1 (RFC 5915), and encrypted in PKCS#8. The key itself is not read.
func isPrivateKey(content []byte) bool {
	var first, second, third asn1.RawValue
	rest, err := asn1.Unmarshal(content, &first)
	if err != nil {
		return false
	}
	if rest, err = asn1.Unmarshal(rest, &second); err != nil {
		return false
	}
	third.Tag = -1
	if len(rest) > 0 {
		_, _ = asn1.Unmarshal(rest, &third) // a tag that cannot be read is none of those below
	}
	switch {
	case first.Tag == asn1.TagSequence: // encrypted: how, and what; a certificate ends with a bit string
		return second.Tag == asn1.TagOctetString && len(rest) == 0
	case first.Tag != asn1.TagInteger:
		return false
	case second.Tag == asn1.TagOctetString:
		return true // SEC 1
	case second.Tag == asn1.TagSequence:
		return third.Tag == asn1.TagOctetString // PKCS#8
	default:
		return second.Tag == asn1.TagInteger && third.Tag == asn1.TagInteger // PKCS#1
	}
}

// addSignedData takes the certificates out of PKCS#7. Nobody looks at its signature: what is in it is trusted no more
// than a certificate that came alone.
func (c *collector) addSignedData(ber []byte) error {
	broken := refuse(Broken, "the PKCS#7 file (.p7b) cannot be read: bring it as the authority has sent it, or what "+
		"`openssl pkcs7 -print_certs -in FILE` takes out of it (with -inform DER where it is binary)")
	if !isCheap(ber) {
		return broken
	}
	message, err := pkcs7.Parse(ber)
	if err != nil {
		return broken
	}
	return c.add(message.Certificates...)
}
