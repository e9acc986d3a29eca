package xmlsig

import (
	"bytes"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"slices"

	"github.com/beevik/etree"

	"github.com/varmenne/varmenne-issuer/internal/pki"
)

// Limits of what is read from a Signature before anything is known about its maker.
const (
	// maximumKeyBits keeps a foreign certificate from costing seconds: the time of a verification grows with the
	// square of the key's length.
	maximumKeyBits = 8192
	// maximumSignatureBytes is what a key of maximumKeyBits makes.
	maximumSignatureBytes = maximumKeyBits / 8
	// maximumCertificateBytes is several times a certificate with the largest key.
	maximumCertificateBytes = 8 << 10
	// maximumCertificates is more than any chain has here: four certificates at most.
	maximumCertificates = 6
)

// readKeyInfo reads the certificates in KeyInfo. Its other content, such as KeyName, KeyValue or X509IssuerSerial, is
// ignored: only a certificate can be traced to the configured trust.
func (s *signature) readKeyInfo(keyInfo *etree.Element) error {
	count := 0
	for data := range keyInfo.ChildElementsSeq() {
		if !isNamed(data, x509DataTag) {
			continue
		}
		for element := range data.ChildElementsSeq() {
			if !isNamed(element, x509CertificateTag) {
				continue
			}
			if count++; count > maximumCertificates {
				return refuse(Shape, "more than %d certificates in the signature", maximumCertificates)
			}
			der, err := binary(element, maximumCertificateBytes)
			if err != nil {
				return err
			}
			s.addCertificate(der)
		}
	}
	switch {
	case count == 0:
		return refuse(Shape, "the signature carries no X509Certificate of its signer")
	case len(s.candidates) == 0:
		return s.withUnfit(refuse(Shape, "no certificate in the signature can be its signer's"))
	}
	return nil
}

// addCertificate makes a certificate a candidate. One that cannot be read, or whose key cannot make the signature, is
// only remembered: it may be that of an old root, which nobody needs.
func (s *signature) addCertificate(der []byte) {
	if slices.ContainsFunc(s.candidates, func(other candidate) bool { return bytes.Equal(other.certificate.Raw, der) }) {
		return
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		s.addUnfit(der, fmt.Sprintf("cannot be read (%v)", pki.Bounded(err)))
		return
	}
	switch key, isRSA := certificate.PublicKey.(*rsa.PublicKey); {
	case !isRSA:
		s.addUnfit(der, fmt.Sprintf("has a key of type %s, not RSA", certificate.PublicKeyAlgorithm))
	case key.N.BitLen() > maximumKeyBits:
		s.addUnfit(der, fmt.Sprintf("has a key of %d bits, more than %d", key.N.BitLen(), maximumKeyBits))
	default:
		s.candidates = append(s.candidates, candidate{certificate: certificate, key: key})
	}
}

// addUnfit remembers the first of the certificates that cannot be the signer's; to name one is enough to make somebody
// look.
func (s *signature) addUnfit(der []byte, problem string) {
	if s.unfit == "" {
		s.unfit = fmt.Sprintf("the certificate with the SHA-256 digest %x %s", sha256.Sum256(der), problem)
	}
}

// withUnfit adds to a refusal that a certificate was passed over, which may be the signer's for whoever can read it.
func (s *signature) withUnfit(refusal *VerifyError) *VerifyError {
	if s.unfit == "" {
		return refusal
	}
	return &VerifyError{
		Reason: refusal.Reason, Signer: refusal.Signer, Err: fmt.Errorf("%w; %s", refusal.Err, s.unfit),
	}
}

// binary decodes an element's base64, which comes wrapped, indented and with carriage returns written as &#13;. It
// decodes at most maximum bytes.
func binary(element *etree.Element, maximum int) ([]byte, error) {
	var text []byte
	for _, child := range element.Child {
		switch child := child.(type) {
		case *etree.CharData:
			for index := range len(child.Data) {
				if isWhiteSpace(child.Data[index]) {
					continue
				}
				if len(text) == base64.StdEncoding.EncodedLen(maximum) {
					return nil, refuse(Shape, "element %s holds more than %d bytes", element.Tag, maximum)
				}
				text = append(text, child.Data[index])
			}
		case *etree.Comment:
		default:
			return nil, refuse(Shape, "element %s holds something else than text", element.Tag)
		}
	}
	decoded := make([]byte, base64.StdEncoding.DecodedLen(len(text)))
	length, err := base64.StdEncoding.Decode(decoded, text)
	if err != nil {
		return nil, refuse(Shape, "element %s holds no base64: %w", element.Tag, err)
	}
	return decoded[:length], nil
}
