package pki

import (
	"bytes"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
)

const (
	// maximumBundleBytes is what a ConfigMap or a Secret can hold.
	maximumBundleBytes = 1 << 20
	// maximumBundleCertificates leaves room for a whole distribution's roots (about 150) three times over: someone may
	// well configure that for the TLS connection.
	maximumBundleCertificates = 500
)

// Bundle is a set of certificates as somebody has configured it.
type Bundle struct {
	// Certificates are in the order of the bundle, without duplicates, and at least one.
	Certificates []*x509.Certificate
	// Skipped says of each certificate that crypto/x509 cannot read, such as one with a negative serial number, or whose
	// RSA key is longer than 8,192 bits, which block it is and why; nothing is verified with it. It is empty mostly.
	Skipped []string
}

// ParseBundle decodes a bundle of certificates in PEM (see Readable), or in DER, at most 1 MiB and 500 certificates.
// Blocks that are no certificates are refused, private keys with a warning that does not repeat them. Comments and
// explanatory text between blocks are skipped; anything that looks like a broken block is an error, because a
// certificate that is silently left out is found much later. A certificate that is whole, but that crypto/x509 refuses,
// or whose key takes long to check a signature with, is left out and named: it is no reason to do without the others.
// Errors count blocks from 1.
func ParseBundle(data []byte) (Bundle, error) {
	bundle, err := parseBundle(data)
	if err != nil {
		return Bundle{}, fmt.Errorf("certificate bundle: %w", err)
	}
	return bundle, nil
}

func parseBundle(data []byte) (Bundle, error) {
	if len(data) > maximumBundleBytes {
		return Bundle{}, fmt.Errorf("it has %d bytes, more than the %d that are accepted", len(data), maximumBundleBytes)
	}
	data = armored(Readable(data))
	if remedy := containerRemedies[ContainerOf(data)]; remedy != "" {
		return Bundle{}, errors.New("it " + remedy)
	}
	blocks, err := pemBlocks(data, maximumBundleCertificates)
	if err != nil {
		return Bundle{}, err
	}
	if len(blocks) == 0 {
		return Bundle{}, errors.New("it holds no PEM certificate")
	}
	return certificatesOf(blocks)
}

func certificatesOf(blocks []*pem.Block) (Bundle, error) {
	var bundle Bundle
	seen := make(map[string]bool, len(blocks))
	for index, block := range blocks {
		if err := checkBundleBlock(block); err != nil {
			return Bundle{}, fmt.Errorf("block %d %w", index+1, err)
		}
		if seen[string(block.Bytes)] {
			continue
		}
		seen[string(block.Bytes)] = true
		certificate, err := x509.ParseCertificate(block.Bytes)
		switch {
		case err == nil && KeyBits(certificate) <= MaximumKeyBits:
			bundle.Certificates = append(bundle.Certificates, certificate)
		case err == nil:
			bundle.skip(index, block, fmt.Sprintf("has an RSA key of %d bits, more than the %d that are accepted",
				KeyBits(certificate), MaximumKeyBits))
		case IsCertificateShaped(block.Bytes):
			bundle.skip(index, block, fmt.Sprintf("cannot be read: %v", Bounded(err)))
		default:
			return Bundle{}, fmt.Errorf("block %d is not an X.509 certificate: %w", index+1, Bounded(err))
		}
	}
	if len(bundle.Certificates) == 0 {
		return Bundle{}, errors.New(bundle.Skipped[0])
	}
	return bundle, nil
}

func (b *Bundle) skip(index int, block *pem.Block, problem string) {
	b.Skipped = append(b.Skipped, fmt.Sprintf("block %d, the certificate with the SHA-256 fingerprint %s, %s",
		index+1, fingerprint(sha256.Sum256(block.Bytes)), problem))
}

// KeyBits is the length of a certificate's RSA key, 0 for other keys, which all are short. The time to check a
// signature grows with its square: with a key of half a megabyte, which a ConfigMap has room for, it is many minutes.
func KeyBits(certificate *x509.Certificate) int {
	if key, isRSA := certificate.PublicKey.(*rsa.PublicKey); isRSA {
		return key.N.BitLen()
	}
	return 0
}

func checkBundleBlock(block *pem.Block) error {
	switch block.Type {
	case "PKCS7", "PKCS #7 SIGNED DATA":
		return errors.New(isPKCS7)
	case "CMS": // RFC 7468, 9; openssl pkcs7 does not take that name
		return errors.New(isCMS)
	default:
		return checkBlockType(block.Type, certificateBlock)
	}
}

// IsCertificateShaped reports whether DER is one whole object of the outer form of a certificate (RFC 5280, 4.1). A
// certificate request has that form, too.
func IsCertificateShaped(der []byte) bool {
	if _, err := x509.ParseCertificateRequest(der); err == nil {
		return false
	}
	var certificate struct {
		Content, Algorithm asn1.RawValue
		Signature          asn1.BitString
	}
	rest, err := asn1.Unmarshal(der, &certificate)
	return err == nil && len(rest) == 0 && certificate.Content.Tag == asn1.TagSequence &&
		certificate.Algorithm.Tag == asn1.TagSequence
}

// armored makes PEM of certificates in DER, one behind the other, with or without base64 around; everything else comes
// back as it is.
func armored(data []byte) []byte {
	if bytes.Contains(data, []byte(encapsulationBoundary)) {
		return data
	}
	for _, der := range [][]byte{data, unarmored(data)} {
		if text := armor(der); len(text) > 0 {
			return text
		}
		if containerRemedies[ContainerOf(der)] != "" {
			return der
		}
	}
	return data
}

// armor returns nothing for what is not certificates alone. It ends with the first that is too many, for pemBlocks to
// refuse: a megabyte holds a hundred thousand tiny objects of that form.
func armor(der []byte) []byte {
	var text bytes.Buffer
	for count := 0; len(der) > 0 && count <= maximumBundleCertificates; count++ {
		var object asn1.RawValue
		rest, err := asn1.Unmarshal(der, &object)
		if err != nil || !IsCertificateShaped(object.FullBytes) {
			return nil
		}
		text.Write(pem.EncodeToMemory(&pem.Block{Type: certificateBlock, Bytes: object.FullBytes}))
		der = rest
	}
	return text.Bytes()
}

// What is said of containers that hold certificates, and how these are taken out.
const (
	isPKCS7 = "is a PKCS#7 container: take the certificates out with `openssl pkcs7 -print_certs -in FILE` " +
		"(with -inform DER where it is binary), and put those here"
	isCMS = "is a PKCS#7 container: take the certificates out with " +
		"`sed 's/ CMS-/ PKCS7-/' FILE | openssl pkcs7 -print_certs`, and put those here"
	isPKCS12 = "is a PKCS#12 container: take the certificates out with `openssl pkcs12 -nokeys -in FILE`, and " +
		"put those here; if it holds a private key, others can read that here: replace it"
)

var containerRemedies = map[Container]string{SignedData: isPKCS7, PKCS12: isPKCS12}
