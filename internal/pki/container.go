package pki

import (
	"bytes"
	"encoding/asn1"
)

// Container is a format that certificates are sent in and that is none of single certificates.
type Container string

const (
	// NoContainer is everything else.
	NoContainer Container = ""
	// SignedData is PKCS#7 with certificates in it (RFC 2315, 9.1), as files .p7b and .p7c are.
	SignedData Container = "SignedData"
	// EncryptedData is PKCS#7 that only the holder of a key or password can read (RFC 2315, 10.1 and 13).
	EncryptedData Container = "EncryptedData"
	// PKCS12 is a file .p12 or .pfx (RFC 7292).
	PKCS12 Container = "PKCS12"
)

var oidPKCS7 = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7}

// How containers begin in BER with indefinite lengths (X.690, 8.1.3.6), which encoding/asn1 does not read: PKCS#7 with
// its OID, of which the last byte tells the kind; PKCS#12 with its version and the OID arc of its content.
const (
	pkcs7InBER  = "\x30\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07"
	pkcs12InBER = "\x30\x80\x02\x01\x03\x30\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07"
)

// ContainerOf tells by its first elements which container DER or BER begins. Nothing else of it is read.
func ContainerOf(ber []byte) Container {
	if kind, ok := bytes.CutPrefix(ber, []byte(pkcs7InBER)); ok && len(kind) > 0 {
		return kindOfPKCS7(int(kind[0]))
	}
	if bytes.HasPrefix(ber, []byte(pkcs12InBER)) {
		return PKCS12
	}
	var outer asn1.RawValue
	if _, err := asn1.Unmarshal(ber, &outer); err != nil || outer.Tag != asn1.TagSequence {
		return NoContainer
	}
	var kind asn1.ObjectIdentifier
	if _, err := asn1.Unmarshal(outer.Bytes, &kind); err == nil && isPKCS7Type(kind) {
		return kindOfPKCS7(kind[len(kind)-1])
	}
	const versionOfPKCS12 = 3
	var version int
	rest, err := asn1.Unmarshal(outer.Bytes, &version)
	if err != nil || version != versionOfPKCS12 {
		return NoContainer
	}
	var content struct {
		Kind asn1.ObjectIdentifier
		Rest asn1.RawValue `asn1:"optional"`
	}
	if _, err := asn1.Unmarshal(rest, &content); err != nil || !isPKCS7Type(content.Kind) {
		return NoContainer
	}
	return PKCS12
}

func isPKCS7Type(kind asn1.ObjectIdentifier) bool {
	return len(kind) == len(oidPKCS7)+1 && kind[:len(oidPKCS7)].Equal(oidPKCS7)
}

// kindOfPKCS7 goes by the last arc of the OID of a content type.
func kindOfPKCS7(arc int) Container {
	const signed, enveloped, signedAndEnveloped, encrypted = 2, 3, 4, 6
	switch arc {
	case signed:
		return SignedData
	case enveloped, signedAndEnveloped, encrypted:
		return EncryptedData
	default:
		return NoContainer
	}
}
