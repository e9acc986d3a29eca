package xmlsig

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
)

// Sign returns a copy of payload with an enveloped signature as its last child, made with key: exclusive C14N 1.0,
// enveloped-signature and exclusive C14N as transforms, RSA-SHA256, SHA-256 digest, and leaf as X509Certificate
// (docs/protocol.md, XML signatures). payload is not changed.
//
// payload is signed as a document of its own, so it must declare every prefix that it uses; it may not be signed yet,
// nor contain processing instructions, directives or characters that XML does not allow. The result may be put into an
// envelope, but must not be indented, and a carriage return in a value must be written as a reference: a reader takes
// it for a line feed else, and the signature is broken. Sign refuses a key that is not RSA or is not the one in leaf:
// such a signature would be refused by the service, with an error that says much less.
func Sign(payload *etree.Element, key crypto.Signer, leaf *x509.Certificate) (*etree.Element, error) {
	if err := checkKeyPair(key, leaf); err != nil {
		return nil, fmt.Errorf("sign element %s: %w", shown(payload.Tag), err)
	}
	if err := checkSignable(payload); err != nil {
		return nil, fmt.Errorf("sign element %s: %w", shown(payload.Tag), err)
	}
	context, err := dsig.NewSigningContext(key, [][]byte{leaf.Raw})
	if err != nil {
		return nil, fmt.Errorf("sign element %s: %w", shown(payload.Tag), err)
	}
	context.Canonicalizer = exclusiveCanonicalizer{}
	context.IdAttribute = "" // else an attribute ID would turn the reference to the whole document into one to it
	signed := payload.Copy()
	signature, err := context.ConstructSignature(signed, true)
	if err != nil {
		return nil, fmt.Errorf("sign element %s: %w", shown(payload.Tag), err)
	}
	signed.AddChild(signature)
	return signed, nil
}

// exclusiveCanonicalizer gives goxmldsig our exclusive C14N: its own changes the element, and loses xmlns="".
type exclusiveCanonicalizer struct{}

// Canonicalize writes the element, which must be complete in itself, in exclusive canonical form.
func (exclusiveCanonicalizer) Canonicalize(element *etree.Element) ([]byte, error) {
	var written bytes.Buffer
	err := canonicalize(element, surroundings{}, canonicalForm{algorithm: exclusiveC14N}, &written, MaximumBytes)
	return written.Bytes(), err
}

// Algorithm returns the identifier that goes into the signature.
func (exclusiveCanonicalizer) Algorithm() dsig.AlgorithmID { return exclusiveC14N }

// checkKeyPair refuses a key that is not leaf's.
func checkKeyPair(key crypto.Signer, leaf *x509.Certificate) error {
	if key == nil || leaf == nil {
		return errors.New("a private key and its certificate are needed")
	}
	public, isRSA := key.Public().(*rsa.PublicKey)
	if !isRSA {
		return fmt.Errorf("the private key is of type %T, but the service accepts RSA signatures only", key.Public())
	}
	if !public.Equal(leaf.PublicKey) {
		return fmt.Errorf("the private key does not belong to the certificate (%s)", describe(leaf))
	}
	return nil
}

// checkSignable refuses what could be signed but not be read again as it was.
func checkSignable(element *etree.Element) error {
	if isNamed(element, signatureTag) {
		return errors.New("it contains a signature already")
	}
	for index := range element.Attr {
		if !isAllowedText(element.Attr[index].Value) {
			return fmt.Errorf("attribute %s has characters that XML does not allow", shown(element.Attr[index].FullKey()))
		}
	}
	for _, child := range element.Child {
		switch child := child.(type) {
		case *etree.Element:
			if err := checkSignable(child); err != nil {
				return err
			}
		case *etree.CharData:
			if !isAllowedText(child.Data) {
				return fmt.Errorf("the text of element %s has characters that XML does not allow", shown(element.Tag))
			}
		case *etree.Comment:
		default:
			return fmt.Errorf("element %s has a token of type %T, which the service does not read",
				shown(element.Tag), child)
		}
	}
	return nil
}

// isAllowedText reports whether a value can be written in XML; etree would replace what cannot.
func isAllowedText(value string) bool {
	for index, character := range value {
		if character == utf8.RuneError {
			if _, size := utf8.DecodeRuneInString(value[index:]); size == 1 {
				return false
			}
		}
		if !isAllowed(character) {
			return false
		}
	}
	return true
}
