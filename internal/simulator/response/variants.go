package response

import (
	"crypto"
	_ "crypto/sha256" // the digests that the variants name
	_ "crypto/sha512"

	"github.com/varmenne/varmenne-issuer/internal/simulator/protocol"
	"github.com/varmenne/varmenne-issuer/internal/simulator/xmltree"
)

// Variant is one of the ways in which a correct response may be written. Real services differ in all of them, and
// so does one service after an upgrade of its XML stack: a client that verifies only one way is broken by it. The
// zero value of a field is the plain way.
type Variant struct {
	// Name is how the variant is chosen.
	Name string
	// Explanation is one sentence for a person.
	Explanation string

	// Canonicalization is the method that SignedInfo, and the message unless EnvelopedOnly, is canonicalized with.
	Canonicalization xmltree.Method
	// EnvelopedOnly leaves the canonicalization out of the transforms: the default, inclusive C14N 1.0, applies.
	EnvelopedOnly bool
	// SignatureHash is the hash of the signature method, DigestHash that of the reference; 0 is SHA-256.
	SignatureHash, DigestHash crypto.Hash

	// PayloadPrefix is the prefix of the payload's root; "" is "ser".
	PayloadPrefix string
	// DefaultNamespace declares the payload's namespace as the default one, and undeclares it on the children.
	DefaultNamespace bool
	// HoistedPrefix moves the declaration of the payload's prefix to the envelope, after signing.
	HoistedPrefix bool
	// UnusedDeclarations adds declarations that nothing uses; with inclusive C14N they are signed.
	UnusedDeclarations bool
	// Comments puts comments into the payload; they are not signed. A real service should not: "--" is forbidden.
	Comments bool
	// Indented puts line breaks and spaces between the elements of the payload and of the signature.
	Indented bool

	// DefaultSignatureNamespace writes the signature without a prefix instead of with ds.
	DefaultSignatureNamespace bool
	// KeyName puts a KeyName before X509Data.
	KeyName bool
	// Chain puts the issuing CA beside the signer into X509Data.
	Chain bool

	// LineLength wraps base64 (0: one line), with CRLF when CarriageReturns is set, else with LF. The CR travels
	// as "&#13;".
	LineLength      int
	CarriageReturns bool
	// PEMCertificate makes Certificate the base64 of the PEM form instead of the DER.
	PEMCertificate bool

	// EnvelopePrefix is the prefix of the envelope; "" is "soapenv".
	EnvelopePrefix string
	// EmptyHeader puts an empty Header before the Body.
	EmptyHeader bool
	// Declaration puts an XML declaration before the envelope.
	Declaration bool
}

// table holds every variant. Each but the last departs from the first in one respect.
var table = []Variant{
	{Name: "exclusive", Explanation: "exclusive C14N, RSA-SHA256, ds and ser prefixes"},
	{Name: "inclusive", Explanation: "inclusive C14N 1.0", Canonicalization: xmltree.Inclusive},
	{Name: "inclusive-11", Explanation: "inclusive C14N 1.1", Canonicalization: xmltree.Inclusive11},
	{Name: "enveloped-only", Explanation: "no canonicalization among the transforms", EnvelopedOnly: true},
	{Name: "enveloped-only-inclusive", Explanation: "the same, with SignedInfo in inclusive C14N",
		EnvelopedOnly: true, Canonicalization: xmltree.Inclusive},
	{Name: "default-signature-namespace", Explanation: "the signature has no prefix", DefaultSignatureNamespace: true},
	{Name: "payload-prefix", Explanation: "the payload's prefix is ns2", PayloadPrefix: "ns2"},
	{Name: "default-namespace", Explanation: `default namespace on the payload, xmlns="" on its children`,
		DefaultNamespace: true},
	{Name: "default-namespace-inclusive", Explanation: "the same with inclusive C14N",
		DefaultNamespace: true, Canonicalization: xmltree.Inclusive},
	{Name: "hoisted-prefix", Explanation: "the envelope declares the payload's prefix", HoistedPrefix: true},
	{Name: "unused-declarations", Explanation: "unused namespace declarations, exclusive C14N", UnusedDeclarations: true},
	{Name: "unused-declarations-inclusive", Explanation: "unused namespace declarations, signed by inclusive C14N",
		UnusedDeclarations: true, Canonicalization: xmltree.Inclusive},
	{Name: "comments", Explanation: "comments between the fields", Comments: true},
	{Name: "comments-enveloped-only", Explanation: "comments, and no canonicalization among the transforms",
		Comments: true, EnvelopedOnly: true},
	{Name: "indented", Explanation: "white space between the elements", Indented: true},
	{Name: "key-name", Explanation: "KeyName before X509Data", KeyName: true},
	{Name: "certificate-chain", Explanation: "signer and issuing CA in X509Data", Chain: true},
	{Name: "rsa-sha384", Explanation: "RSA-SHA384", SignatureHash: crypto.SHA384, DigestHash: crypto.SHA384},
	{Name: "rsa-sha512", Explanation: "RSA-SHA512", SignatureHash: crypto.SHA512, DigestHash: crypto.SHA512},
	{Name: "wrapped-base64", Explanation: "base64 in lines of 64 characters", LineLength: 64},
	{Name: "crlf-base64", Explanation: "base64 in lines that end with &#13; and a line feed",
		LineLength: 76, CarriageReturns: true},
	{Name: "pem-certificate", Explanation: "Certificate is the base64 of PEM", PEMCertificate: true},
	{Name: "soap-header", Explanation: "SOAP-ENV prefix, empty Header, XML declaration",
		EnvelopePrefix: "SOAP-ENV", EmptyHeader: true, Declaration: true},
	{Name: "seen-in-the-wild", Explanation: "what clients have met: only the enveloped transform, CRLF, SOAP-ENV:Header",
		Canonicalization: xmltree.Inclusive, EnvelopedOnly: true, LineLength: 76, CarriageReturns: true,
		EnvelopePrefix: "SOAP-ENV", EmptyHeader: true, DefaultSignatureNamespace: true, PayloadPrefix: "tns"},
}

// Variants lists every variant.
func Variants() []Variant { return append([]Variant(nil), table...) }

// VariantNamed finds a variant by its name.
func VariantNamed(name string) (Variant, bool) {
	for _, variant := range table {
		if variant.Name == name {
			return variant, true
		}
	}
	return Variant{}, false
}

// payloadPrefix is the prefix of the payload's root, "" for the default namespace.
func (v Variant) payloadPrefix() string {
	switch {
	case v.DefaultNamespace:
		return ""
	case v.PayloadPrefix != "":
		return v.PayloadPrefix
	}
	return "ser"
}

func (v Variant) envelopePrefix() string {
	if v.EnvelopePrefix != "" {
		return v.EnvelopePrefix
	}
	return "soapenv"
}

func (v Variant) signaturePrefix() string {
	if v.DefaultSignatureNamespace {
		return ""
	}
	return "ds"
}

// messageMethod is the canonicalization of the message itself.
func (v Variant) messageMethod() xmltree.Method {
	if v.EnvelopedOnly {
		return xmltree.Inclusive
	}
	return v.Canonicalization
}

func (v Variant) signatureHash() crypto.Hash { return orSHA256(v.SignatureHash) }

func (v Variant) digestHash() crypto.Hash { return orSHA256(v.DigestHash) }

func orSHA256(hash crypto.Hash) crypto.Hash {
	if hash == 0 {
		return crypto.SHA256
	}
	return hash
}

// methodAlgorithms are the identifiers of the canonicalization methods.
var methodAlgorithms = map[xmltree.Method]string{
	xmltree.Exclusive:   "http://www.w3.org/2001/10/xml-exc-c14n#",
	xmltree.Inclusive:   "http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
	xmltree.Inclusive11: "http://www.w3.org/2006/12/xml-c14n11",
}

// signatureAlgorithms are the identifiers of RSA PKCS#1 v1.5 with each hash.
var signatureAlgorithms = map[crypto.Hash]string{
	crypto.SHA256: "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
	crypto.SHA384: "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384",
	crypto.SHA512: "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512",
}

// digestAlgorithms are the identifiers of the digests.
var digestAlgorithms = map[crypto.Hash]string{
	crypto.SHA256: "http://www.w3.org/2001/04/xmlenc#sha256",
	crypto.SHA384: "http://www.w3.org/2001/04/xmldsig-more#sha384",
	crypto.SHA512: "http://www.w3.org/2001/04/xmlenc#sha512",
}

// envelopedAlgorithm is the transform that every signature starts with.
const envelopedAlgorithm = protocol.SignatureNamespace + "enveloped-signature"
