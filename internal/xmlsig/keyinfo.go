package xmlsig

import (
	"crypto/x509"
	"encoding/base64"
	"strings"

	"github.com/beevik/etree"
)

// Limits of what is read from a Signature before anything is known about its maker.
const (
	// maximumKeyBits keeps a foreign certificate from costing seconds: the time of a verification grows with the
	// square of the key's length.
	maximumKeyBits = 8192
	// maximumSignatureBytes is what a key of maximumKeyBits makes.
	maximumSignatureBytes = maximumKeyBits / 8
	// maximumCertificateBytes is several times a certificate with the largest key.
	maximumCertificateBytes = 16 << 10
	// maximumCertificates is more than any chain has here: four certificates at most.
	maximumCertificates = 6
)

// readKeyInfo returns the certificates in KeyInfo. Its other content, such as KeyName, KeyValue or X509IssuerSerial, is
// ignored: only a certificate can be traced to the configured trust.
func readKeyInfo(keyInfo *etree.Element) ([]*x509.Certificate, error) {
	var certificates []*x509.Certificate
	for data := range keyInfo.ChildElementsSeq() {
		if !isNamed(data, x509DataTag) {
			continue
		}
		for element := range data.ChildElementsSeq() {
			if !isNamed(element, x509CertificateTag) {
				continue
			}
			if len(certificates) == maximumCertificates {
				return nil, refuse(Shape, "more than %d certificates in the signature", maximumCertificates)
			}
			certificate, err := readCertificate(element)
			if err != nil {
				return nil, err
			}
			certificates = append(certificates, certificate)
		}
	}
	if len(certificates) == 0 {
		return nil, refuse(Shape, "the signature carries no X509Certificate of its signer")
	}
	return certificates, nil
}

func readCertificate(element *etree.Element) (*x509.Certificate, error) {
	der, err := binary(element, maximumCertificateBytes)
	if err != nil {
		return nil, err
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, refuse(Shape, "element %s holds no X.509 certificate: %w", element.Tag, err)
	}
	return certificate, nil
}

// binary decodes an element's base64, which comes wrapped, indented and with carriage returns written as &#13;. It
// decodes at most maximum bytes.
func binary(element *etree.Element, maximum int) ([]byte, error) {
	var text strings.Builder
	for _, child := range element.Child {
		switch child := child.(type) {
		case *etree.CharData:
			for field := range strings.FieldsFuncSeq(child.Data, isWhiteSpaceRune) {
				if text.Len()+len(field) > base64.StdEncoding.EncodedLen(maximum) {
					return nil, refuse(Shape, "element %s holds more than %d bytes", element.Tag, maximum)
				}
				text.WriteString(field)
			}
		case *etree.Comment:
		default:
			return nil, refuse(Shape, "element %s holds something else than text", element.Tag)
		}
	}
	decoded, err := base64.StdEncoding.DecodeString(text.String())
	if err != nil {
		return nil, refuse(Shape, "element %s holds no base64: %w", element.Tag, err)
	}
	return decoded, nil
}

func isWhiteSpaceRune(character rune) bool {
	return strings.ContainsRune(whiteSpace, character)
}
