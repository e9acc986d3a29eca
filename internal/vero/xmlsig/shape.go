package xmlsig

import (
	"crypto"
	"strings"

	"github.com/beevik/etree"
)

// Elements and attributes of XML-DSig.
const (
	signatureTag              = "Signature"
	signedInfoTag             = "SignedInfo"
	canonicalizationMethodTag = "CanonicalizationMethod"
	signatureMethodTag        = "SignatureMethod"
	referenceTag              = "Reference"
	transformsTag             = "Transforms"
	transformTag              = "Transform"
	digestMethodTag           = "DigestMethod"
	digestValueTag            = "DigestValue"
	signatureValueTag         = "SignatureValue"
	keyInfoTag                = "KeyInfo"
	x509DataTag               = "X509Data"
	x509CertificateTag        = "X509Certificate"
	inclusiveNamespacesTag    = "InclusiveNamespaces"

	algorithmAttribute  = "Algorithm"
	uriAttribute        = "URI"
	prefixListAttribute = "PrefixList"
)

// maximumInclusivePrefixes bounds a PrefixList: every prefix in it costs time at every element.
const maximumInclusivePrefixes = 16

// envelopedSignature is the transform that leaves the Signature out of what is digested.
const envelopedSignature = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"

// signature is a Signature of the accepted shape, read but not verified.
type signature struct {
	element    *etree.Element
	signedInfo *etree.Element

	signedInfoForm canonicalForm // of the SignedInfo
	hash           crypto.Hash
	value          []byte

	payloadForm canonicalForm // of the payload
	digestHash  crypto.Hash
	digest      []byte

	candidates []candidate // at least one
	unfit      string      // what is wrong with a certificate that is no candidate; "" if there is none
}

// readSignature finds the only Signature of a payload and reads it. What is not expected is refused: a part that is not
// understood may change the meaning of the others.
func readSignature(payload *etree.Element) (*signature, error) {
	element, err := findSignature(payload)
	if err != nil {
		return nil, err
	}
	parts, err := sequence(element, signedInfoTag, signatureValueTag, keyInfoTag)
	if err != nil {
		return nil, err
	}
	if !fits(parts[0], maximumSignedInfoBytes) {
		return nil, refuse(Shape, "element %s has more than %d bytes", parts[0].Tag, maximumSignedInfoBytes)
	}
	signature := &signature{element: element, signedInfo: parts[0]}
	if err := signature.readSignedInfo(); err != nil {
		return nil, err
	}
	if signature.value, err = binary(parts[1], maximumSignatureBytes); err != nil {
		return nil, err
	}
	if err := signature.readKeyInfo(parts[2]); err != nil {
		return nil, err
	}
	return signature, nil
}

// findSignature returns the Signature, which must be the only one at any depth and the last child of the payload.
func findSignature(payload *etree.Element) (*etree.Element, error) {
	found := appendSignatures(nil, payload, scopeIn(payload))
	switch {
	case len(found) == 0:
		return nil, refuse(MissingSignature, "element %s is not signed", payload.Tag)
	case len(found) > 1:
		return nil, refuse(Shape, "element %s contains more than one signature", payload.Tag)
	case found[0].Parent() != payload:
		return nil, refuse(Shape, "the signature is not a child of element %s", payload.Tag)
	}
	for index := len(payload.Child) - 1; payload.Child[index] != etree.Token(found[0]); index-- {
		if !isIgnorable(payload.Child[index]) {
			return nil, refuse(Shape, "the signature is not the last child of element %s", payload.Tag)
		}
	}
	return found[0], nil
}

// appendSignatures appends the Signatures in an element, but no more than it takes to see that there are several.
// around is what is in force in the element: to look that up for every element anew can take long.
func appendSignatures(found []*etree.Element, element *etree.Element, around scope) []*etree.Element {
	for _, child := range element.Child {
		inner, isElement := child.(*etree.Element)
		if !isElement {
			continue
		}
		scope := around.declarations(inner)
		if namespace, _ := scope.lookup(inner.Space); inner.Tag == signatureTag && namespace == Namespace {
			found = append(found, inner)
		}
		if found = appendSignatures(found, inner, scope); len(found) > 1 {
			break
		}
	}
	return found
}

func isNamed(element *etree.Element, tag string) bool {
	return element.Tag == tag && element.NamespaceURI() == Namespace
}

// isIgnorable reports whether a token has no meaning between elements.
func isIgnorable(token etree.Token) bool {
	switch token := token.(type) {
	case *etree.Comment:
		return true
	case *etree.CharData:
		return strings.Trim(token.Data, whiteSpace) == ""
	}
	return false
}

// sequence returns the children of element, which must be exactly those XML-DSig elements, and no text between them.
func sequence(element *etree.Element, tags ...string) ([]*etree.Element, error) {
	parts := make([]*etree.Element, 0, len(tags))
	for _, child := range element.Child {
		inner, isElement := child.(*etree.Element)
		switch {
		case !isElement && isIgnorable(child):
		case isElement && len(parts) < len(tags) && isNamed(inner, tags[len(parts)]):
			parts = append(parts, inner)
		case isElement:
			return nil, refuse(Shape, "an unexpected element %s in element %s", inner.Tag, element.Tag)
		default:
			return nil, refuse(Shape, "text between the elements of element %s", element.Tag)
		}
	}
	if len(parts) < len(tags) {
		return nil, refuse(Shape, "element %s without element %s", element.Tag, tags[len(parts)])
	}
	return parts, nil
}

// readSignedInfo reads what was signed: how, and the one Reference to the payload.
func (s *signature) readSignedInfo() error {
	parts, err := sequence(s.signedInfo, canonicalizationMethodTag, signatureMethodTag, referenceTag)
	if err != nil {
		return err
	}
	if s.signedInfoForm, err = readCanonicalForm(parts[0]); err != nil {
		return err
	}
	if s.hash, err = readHash(parts[1], signatureMethods); err != nil {
		return err
	}
	return s.readReference(parts[2])
}

func (s *signature) readReference(reference *etree.Element) error {
	uri, hasURI := attributeValue(reference, uriAttribute)
	if !hasURI || uri != "" {
		return refuse(Shape, "the signature refers to something else than the whole element, whose URI is empty")
	}
	parts, err := sequence(reference, transformsTag, digestMethodTag, digestValueTag)
	if err != nil {
		return err
	}
	if s.payloadForm, err = readTransforms(parts[0]); err != nil {
		return err
	}
	if s.digestHash, err = readHash(parts[1], digestMethods); err != nil {
		return err
	}
	s.digest, err = binary(parts[2], s.digestHash.Size())
	return err
}

// readTransforms accepts the enveloped-signature transform, and one canonical form after it. Without one, inclusive
// C14N 1.0 applies.
func readTransforms(transforms *etree.Element) (canonicalForm, error) {
	children := transforms.ChildElements()
	tags := []string{transformTag, transformTag}
	parts, err := sequence(transforms, tags[:min(max(len(children), 1), len(tags))]...)
	if err != nil {
		return canonicalForm{}, err
	}
	first, err := readAlgorithm(parts[0])
	if err != nil {
		return canonicalForm{}, err
	}
	if first != envelopedSignature || len(parts[0].ChildElements()) > 0 {
		return canonicalForm{}, refuse(Algorithm, "the first transform is %q, want enveloped-signature alone", first)
	}
	if len(parts) == 1 {
		return canonicalForm{algorithm: inclusiveC14N10}, nil
	}
	return readCanonicalForm(parts[1])
}

// readCanonicalForm reads a CanonicalizationMethod, or a Transform that must be one.
func readCanonicalForm(element *etree.Element) (canonicalForm, error) {
	algorithm, err := readAlgorithm(element)
	if err != nil {
		return canonicalForm{}, err
	}
	form := canonicalForm{algorithm: algorithm}
	children := element.ChildElements()
	switch {
	case algorithm != exclusiveC14N && algorithm != inclusiveC14N10 && algorithm != inclusiveC14N11:
		return form, refuse(Algorithm, "%s %q is not accepted", element.Tag, algorithm)
	case len(children) == 0:
		return form, nil
	case len(children) > 1 || !form.exclusive() || children[0].Tag != inclusiveNamespacesTag ||
		children[0].NamespaceURI() != exclusiveC14N:
		return form, refuse(Algorithm, "%s %q has parameters that are not accepted", element.Tag, algorithm)
	}
	list, _ := attributeValue(children[0], prefixListAttribute)
	for prefix := range strings.FieldsSeq(list) {
		if len(form.inclusivePrefixes) == maximumInclusivePrefixes {
			return form, refuse(Algorithm, "%s lists more than %d prefixes", element.Tag, maximumInclusivePrefixes)
		}
		if prefix == defaultPrefixToken {
			prefix = ""
		}
		form.inclusivePrefixes = append(form.inclusivePrefixes, prefix)
	}
	return form, nil
}

func readAlgorithm(element *etree.Element) (string, error) {
	algorithm, found := attributeValue(element, algorithmAttribute)
	if !found {
		return "", refuse(Shape, "element %s without attribute %s", element.Tag, algorithmAttribute)
	}
	return algorithm, nil
}

// attributeValue returns the value of the attribute without prefix; etree's own search would take any prefix.
func attributeValue(element *etree.Element, key string) (value string, found bool) {
	for index := range element.Attr {
		if attribute := &element.Attr[index]; attribute.Space == "" && attribute.Key == key {
			return attribute.Value, true
		}
	}
	return "", false
}
