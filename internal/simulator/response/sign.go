package response

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"fmt"

	"github.com/varmenne/varmenne-issuer/internal/simulator/protocol"
	"github.com/varmenne/varmenne-issuer/internal/simulator/xmltree"
)

// Signer is the certificate that responses are signed with.
type Signer struct {
	// Key is the RSA key of Certificate.
	Key crypto.Signer
	// Certificate is the signer's own; Issuer is the CA above it, for the variants that send both.
	Certificate, Issuer *x509.Certificate
}

// sign appends an enveloped signature to the payload, which must not be in an envelope yet.
func (s *Signer) sign(payload *xmltree.Element, variant Variant) error {
	signature := s.signatureOf(payload, variant)
	// SignedInfo is canonicalized where it stands: inclusive forms see the declarations of the payload.
	payload.Append(signature)
	info := signature.Child(protocol.SignatureNamespace, "SignedInfo")
	hash := variant.signatureHash()
	value, err := s.Key.Sign(rand.Reader, digest(hash, info.Canonical(variant.Canonicalization, nil)), hash)
	if err != nil {
		return fmt.Errorf("using the key of %s: %w", s.Certificate.Subject.CommonName, err)
	}
	target := signature.Child(protocol.SignatureNamespace, "SignatureValue")
	target.Append(xmltree.Text(variant.base64(value)))
	return nil
}

// signatureOf builds the whole signature but its value.
func (s *Signer) signatureOf(payload *xmltree.Element, variant Variant) *xmltree.Element {
	prefix := variant.signaturePrefix()
	element := func(local string, children ...xmltree.Node) *xmltree.Element {
		return xmltree.New(prefix, local, children...)
	}
	algorithm := func(local, identifier string) *xmltree.Element {
		return element(local).Set("Algorithm", identifier)
	}
	transforms := element("Transforms", algorithm("Transform", envelopedAlgorithm))
	if !variant.EnvelopedOnly {
		transforms.Append(algorithm("Transform", methodAlgorithms[variant.Canonicalization]))
	}
	sum := digest(variant.digestHash(), payload.Canonical(variant.messageMethod(), nil))
	reference := element("Reference",
		transforms,
		algorithm("DigestMethod", digestAlgorithms[variant.digestHash()]),
		element("DigestValue", xmltree.Text(variant.base64(sum)))).Set("URI", "")
	signature := element("Signature",
		element("SignedInfo",
			algorithm("CanonicalizationMethod", methodAlgorithms[variant.Canonicalization]),
			algorithm("SignatureMethod", signatureAlgorithms[variant.signatureHash()]),
			reference),
		element("SignatureValue"),
		s.keyInfo(element, variant))
	signature.Declare(prefix, protocol.SignatureNamespace)
	if variant.Indented {
		indent(signature, 1)
	}
	return signature
}

func (s *Signer) keyInfo(element func(string, ...xmltree.Node) *xmltree.Element, variant Variant) *xmltree.Element {
	data := element("X509Data", element("X509Certificate", xmltree.Text(variant.base64(s.Certificate.Raw))))
	if variant.Chain && s.Issuer != nil {
		data.Append(element("X509Certificate", xmltree.Text(variant.base64(s.Issuer.Raw))))
	}
	if variant.KeyName {
		return element("KeyInfo", element("KeyName", xmltree.Text(s.Certificate.Subject.CommonName)), data)
	}
	return element("KeyInfo", data)
}

func digest(hash crypto.Hash, data []byte) []byte {
	hasher := hash.New()
	hasher.Write(data)
	return hasher.Sum(nil)
}
