package xmlsig

import (
	"crypto/x509"
	"fmt"
	"strings"
)

// ParseReason says why a document was refused unread.
type ParseReason string

const (
	// TooLarge means more than MaximumBytes.
	TooLarge ParseReason = "TooLarge"
	// TooDeep means more than MaximumDepth elements inside each other.
	TooDeep ParseReason = "TooDeep"
	// TooMany means more elements, attributes or comments than any response of the service has.
	TooMany ParseReason = "TooMany"
	// TooLong means that a name, a prefix or a namespace name has more than MaximumNameBytes.
	TooLong ParseReason = "TooLong"
	// ByteOrderMark means that the document starts with one; the interface forbids it (interface description 1.3).
	ByteOrderMark ParseReason = "ByteOrderMark"
	// Encoding means that the document declares another encoding than UTF-8, or is not valid UTF-8 (interface description
	// 1.3).
	Encoding ParseReason = "Encoding"
	// Doctype means that there is a document type declaration.
	Doctype ParseReason = "Doctype"
	// ProcessingInstruction means that there is one besides the XML declaration.
	ProcessingInstruction ParseReason = "ProcessingInstruction"
	// MultipleRoots means that there is an element after the root element.
	MultipleRoots ParseReason = "MultipleRoots"
	// TrailingText means that there is text, not just white space, after the root element.
	TrailingText ParseReason = "TrailingText"
	// DuplicateAttribute means that an element has the same attribute twice, by name or by namespace and local name.
	DuplicateAttribute ParseReason = "DuplicateAttribute"
	// UndeclaredPrefix means a namespace prefix that is not declared, or is declared against the rules.
	UndeclaredPrefix ParseReason = "UndeclaredPrefix"
	// RelativeNamespace means that a declared namespace name is no absolute URI. Canonicalization fails on such a
	// document (Canonical XML 1.0, 2.4), so nobody can have signed it.
	RelativeNamespace ParseReason = "RelativeNamespace"
	// NotWellFormed means any other violation of XML 1.0, an empty document included.
	NotWellFormed ParseReason = "NotWellFormed"
)

// ParseError says why Parse refused a document.
type ParseError struct {
	// Reason classifies the error.
	Reason ParseReason
	// Offset is the place in the document where it was noticed, in bytes from its beginning.
	Offset int
	// Problem says in words what was found there. It repeats names, never values, of the document, and at most
	// the beginning of a long one.
	Problem string
}

// Error says what was found and where.
func (e *ParseError) Error() string {
	return fmt.Sprintf("XML document refused at byte %d (%s): %s", e.Offset, e.Reason, e.Problem)
}

// Reason says which step of a verification failed.
type Reason string

const (
	// MissingSignature means that there is no Signature in the element.
	MissingSignature Reason = "MissingSignature"
	// Shape means that the Signature is not the one form that is accepted: the last child, one Reference to the whole
	// document, a certificate of the signer. Or that the payload, or its canonical form, is larger than any of the
	// service can be.
	Shape Reason = "Shape"
	// Algorithm means an algorithm, or a transform, that is not accepted.
	Algorithm Reason = "Algorithm"
	// DigestMismatch means that the element is not the one that was signed.
	DigestMismatch Reason = "DigestMismatch"
	// SignatureMismatch means that the signature was not made with the key of any certificate that came with it.
	SignatureMismatch Reason = "SignatureMismatch"
	// UntrustedSigner means that the configured certificates do not lead to the signer's. This and all reasons below
	// say nothing about the rest: a signer who is refused could have signed anything, so nothing else is looked at.
	UntrustedSigner Reason = "UntrustedSigner"
	// SignerExpired means that the signer's certificate, or its issuer's, is past its end.
	SignerExpired Reason = "SignerExpired"
	// SignerNotYetValid means that the time of the signer's certificate, or of its issuer's, has not come.
	SignerNotYetValid Reason = "SignerNotYetValid"
	// WeakSigner means that the trust leads to the signer, but its RSA key is shorter than minimumSignerBits.
	WeakSigner Reason = "WeakSigner"
	// SignerIsAuthority means that the trust leads to the signer, but it is a certificate authority: one of those that
	// issue certificates, not one that signs responses.
	SignerIsAuthority Reason = "SignerIsAuthority"
	// SignerIsCustomer means that the trust leads to the signer, but it is recognizably a customer: its common name is
	// the CustomerId of the message, or has the form of a Finnish business id. The configured trust then leads to the
	// certificates of customers too, and would let each of them sign responses for all others.
	SignerIsCustomer Reason = "SignerIsCustomer"
)

// VerifyError says why Verify refused a signature.
type VerifyError struct {
	// Reason classifies the error.
	Reason Reason
	// Signer is the certificate in the signature that the reason is about, for the reasons that are about one:
	// UntrustedSigner, SignerExpired, SignerNotYetValid, WeakSigner, SignerIsAuthority and SignerIsCustomer. It is nil
	// for all others. Of several certificates it is the one that most likely made the signature: the first that is no
	// authority. Nothing is known about it but that somebody has sent it.
	Signer *x509.Certificate
	// Err says what was found. For UntrustedSigner, SignerExpired and SignerNotYetValid it wraps a *pki.ChainError.
	Err error
}

// Error says what was found; for an untrusted signer it names the signer and the issuer that must be configured.
func (e *VerifyError) Error() string {
	return fmt.Sprintf("XML signature refused (%s): %v", e.Reason, e.Err)
}

// Unwrap returns the detailed error.
func (e *VerifyError) Unwrap() error { return e.Err }

// refuse makes a *VerifyError. Of strings among the arguments, no more is repeated than shown allows.
func refuse(reason Reason, format string, arguments ...any) *VerifyError {
	return &VerifyError{Reason: reason, Err: fmt.Errorf(format, allShown(arguments)...)}
}

// maximumShown bounds what an error repeats of a name or a value of the document, in bytes.
const maximumShown = 100

// shown is what an error may repeat of a name or a value of the document.
func shown(value string) string {
	if len(value) <= maximumShown {
		return value
	}
	return strings.ToValidUTF8(value[:maximumShown], "") + "…"
}

// allShown applies shown to the strings among the arguments of a message.
func allShown(arguments []any) []any {
	for index, argument := range arguments {
		if text, isText := argument.(string); isText {
			arguments[index] = shown(text)
		}
	}
	return arguments
}
