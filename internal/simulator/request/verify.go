package request

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/varmenne/varmenne-issuer/internal/simulator/protocol"
	"github.com/varmenne/varmenne-issuer/internal/simulator/xmltree"
)

// Algorithms that a renewal must be signed with: SHA-256 and exclusive canonicalization are what the service's
// owner demands (protocol: "XML signatures").
const (
	exclusiveAlgorithm = "http://www.w3.org/2001/10/xml-exc-c14n#"
	envelopedAlgorithm = protocol.SignatureNamespace + "enveloped-signature"
	rsaSHA256Algorithm = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
	sha256Algorithm    = "http://www.w3.org/2001/04/xmlenc#sha256"
)

// ErrSignerUnreadable means that the signature names a certificate that cannot be used at all; unlike the other
// errors of VerifySignature it concerns the certificate to be renewed, not the signature.
var ErrSignerUnreadable = errors.New("the signing certificate is unreadable")

// VerifySignature checks the signature of a renewal and returns the certificate that made it. It proves that the
// message was signed with the certificate's key, and nothing about the certificate.
func (r *Request) VerifySignature() (*x509.Certificate, error) {
	element := r.payload.Child(protocol.SignatureNamespace, "Signature")
	if element == nil {
		return nil, errors.New("the message has no signature")
	}
	info := element.Child(protocol.SignatureNamespace, "SignedInfo")
	if err := checkAlgorithms(info); err != nil {
		return nil, err
	}
	if err := checkDigest(r.payload, element, info); err != nil {
		return nil, err
	}
	signer, err := signerOf(element)
	if err != nil {
		return nil, err
	}
	key, ok := signer.PublicKey.(*rsa.PublicKey)
	if !ok {
		return nil, fmt.Errorf("%w: its key is %s, not RSA", ErrSignerUnreadable, signer.PublicKeyAlgorithm)
	}
	value, err := decodeBase64(element.Child(protocol.SignatureNamespace, "SignatureValue").Text())
	if err != nil {
		return nil, errors.New("the signature value is not base64")
	}
	hashed := sha256.Sum256(info.Canonical(xmltree.Exclusive, nil))
	if err := rsa.VerifyPKCS1v15(key, crypto.SHA256, hashed[:], value); err != nil {
		return nil, errors.New("the signature value does not fit the signing certificate")
	}
	return signer, nil
}

// checkAlgorithms wants the one form of signature that the service's owner describes.
func checkAlgorithms(info *xmltree.Element) error {
	if err := wantAlgorithm(info, "CanonicalizationMethod", exclusiveAlgorithm); err != nil {
		return err
	}
	if err := wantAlgorithm(info, "SignatureMethod", rsaSHA256Algorithm); err != nil {
		return err
	}
	references := childrenNamed(info, "Reference")
	if len(references) != 1 {
		return fmt.Errorf("the signature has %d references instead of one", len(references))
	}
	reference := references[0]
	if uri, given := reference.Attribute("URI"); !given || uri != "" {
		return fmt.Errorf("the reference is to %q instead of the whole message (URI=\"\")", uri)
	}
	if err := wantAlgorithm(reference, "DigestMethod", sha256Algorithm); err != nil {
		return err
	}
	transforms := reference.Child(protocol.SignatureNamespace, "Transforms")
	if transforms == nil {
		return errors.New("the reference has no transforms")
	}
	steps := transforms.Elements()
	if len(steps) != 2 || !plainAlgorithm(steps[0], envelopedAlgorithm) || !plainAlgorithm(steps[1], exclusiveAlgorithm) {
		return errors.New("the transforms are not enveloped-signature followed by exclusive canonicalization")
	}
	return nil
}

func wantAlgorithm(parent *xmltree.Element, local, algorithm string) error {
	child := parent.Child(protocol.SignatureNamespace, local)
	if child == nil || !plainAlgorithm(child, algorithm) {
		return fmt.Errorf("%s is not plain %s", local, algorithm)
	}
	return nil
}

// plainAlgorithm refuses parameters, such as a prefix list: they would change what is signed.
func plainAlgorithm(element *xmltree.Element, algorithm string) bool {
	given, _ := element.Attribute("Algorithm")
	return given == algorithm && len(element.Elements()) == 0
}

// checkDigest compares the digest of the message without its signature with the one that was signed.
func checkDigest(payload, signature, info *xmltree.Element) error {
	reference := info.Child(protocol.SignatureNamespace, "Reference")
	stated, err := decodeBase64(reference.Child(protocol.SignatureNamespace, "DigestValue").Text())
	if err != nil {
		return errors.New("the digest value is not base64")
	}
	actual := sha256.Sum256(payload.Canonical(xmltree.Exclusive, signature))
	if subtle.ConstantTimeCompare(stated, actual[:]) != 1 {
		return errors.New("the digest value does not fit the message")
	}
	return nil
}

// signerOf reads the first certificate of KeyInfo; others may follow it.
func signerOf(signature *xmltree.Element) (*x509.Certificate, error) {
	element := signature
	for _, local := range []string{"KeyInfo", "X509Data", "X509Certificate"} {
		element = element.Child(protocol.SignatureNamespace, local)
		if element == nil {
			return nil, fmt.Errorf("the signature lacks %s, so the signing certificate is unknown", local)
		}
	}
	der, err := decodeBase64(element.Text())
	if err != nil {
		return nil, fmt.Errorf("%w: it is not base64", ErrSignerUnreadable)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSignerUnreadable, err)
	}
	return certificate, nil
}

func childrenNamed(parent *xmltree.Element, local string) []*xmltree.Element {
	var named []*xmltree.Element
	for _, child := range parent.Elements() {
		if child.Is(protocol.SignatureNamespace, local) {
			named = append(named, child)
		}
	}
	return named
}
