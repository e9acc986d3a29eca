// Package delivery reads what a person has brought back from an authority that has no API, and says what it is: Read
// takes the certificates out of a mail, a file or a paste, and Match finds among them the one that was ordered, and
// everything that is to be known before it is used.
//
// It is pure: it knows neither Kubernetes nor files, and times and trust are handed in. What is wrong is a RefusalError
// that says what to do. A private key that came along is never repeated.
package delivery

import "fmt"

// Reason says why what was brought back is refused.
type Reason string

// Reasons for which Read refuses data.
const (
	// Empty means that there is nothing but white space.
	Empty Reason = "Empty"
	// TooLarge means that it has more bytes than are accepted.
	TooLarge Reason = "TooLarge"
	// TooMany means that it holds more certificates than are accepted.
	TooMany Reason = "TooMany"
	// PrivateKey means that a private key is in it, whatever else is; encrypted ones count.
	PrivateKey Reason = "PrivateKey"
	// Request means that it is a certificate request, mostly the one that the authority was sent.
	Request Reason = "Request"
	// RevocationList means that it is a CRL.
	RevocationList Reason = "RevocationList"
	// Encrypted means that only the holder of a key or password can read it.
	Encrypted Reason = "Encrypted"
	// PKCS12 means that it is a file .p12 or .pfx.
	PKCS12 Reason = "PKCS12"
	// Keystore means that it is a keystore of Java.
	Keystore Reason = "Keystore"
	// Archive means that it is a zip file or another archive.
	Archive Reason = "Archive"
	// Document means that it is a PDF, a page or a mail in a format that is no text.
	Document Reason = "Document"
	// Broken means that there is a certificate, and it is cut off, or cannot be read.
	Broken Reason = "Broken"
	// LongKey means that a certificate's key is longer than is accepted.
	LongKey Reason = "LongKey"
	// NoCertificate means that nothing of all that is in it.
	NoCertificate Reason = "NoCertificate"
)

// Reasons for which Match refuses certificates that can be read.
const (
	// AuthorityOnly means that only certificates of authorities came.
	AuthorityOnly Reason = "AuthorityOnly"
	// BelongsToEarlier means that the certificate belongs to the CSR of an earlier order.
	BelongsToEarlier Reason = "BelongsToEarlier"
	// OtherKey means that no certificate bears the key of the CSR, nor that of an earlier order.
	OtherKey Reason = "OtherKey"
	// IsAuthority means that the certificate for the CSR is one of an authority.
	IsAuthority Reason = "IsAuthority"
	// InUse means that the certificate is the one that the ordered one is to replace.
	InUse Reason = "InUse"
	// Expired means that the certificate, or one above it, has ended.
	Expired Reason = "Expired"
	// TestHierarchy means that the certificate comes from an authority for tests, which is not trusted.
	TestHierarchy Reason = "TestHierarchy"
	// UnknownAuthority means that nothing leads from the certificate to an authority that is trusted.
	UnknownAuthority Reason = "UnknownAuthority"
	// InvalidChain means that the chain breaks another rule of X.509.
	InvalidChain Reason = "InvalidChain"
	// UsageMissing means that the certificate may not be used for what was requested.
	UsageMissing Reason = "UsageMissing"
	// NamesDiffer means that cert-manager would order again, because it compares these names.
	NamesDiffer Reason = "NamesDiffer"
	// SubjectDiffers means that the authority has changed what the policy wants kept.
	SubjectDiffers Reason = "SubjectDiffers"
)

// DependsOnTrust reports whether the same data may be taken once the issuer's bundles are others.
func (r Reason) DependsOnTrust() bool {
	return r == UnknownAuthority || r == TestHierarchy || r == InvalidChain || r == Expired
}

// RefusalError says why what a person brought back cannot be taken, and what to do instead. Nothing of a private key is
// in it.
type RefusalError struct {
	// Reason classifies the refusal.
	Reason Reason
	// Message is one sentence or more for the person.
	Message string
	// Changes are those that the refusal is about; with NamesDiffer they are what the Certificate has to be changed to
	// for the certificate to be taken.
	Changes []Change
}

// Error is the message.
func (e *RefusalError) Error() string { return e.Message }

func refuse(reason Reason, format string, arguments ...any) *RefusalError {
	return &RefusalError{Reason: reason, Message: fmt.Sprintf(format, arguments...)}
}

// What there is to say of each kind of thing that is no certificate.
var messages = map[Reason]string{
	Empty: "nothing is in it: bring the certificate that the authority has sent, as PEM or as the file itself",
	PrivateKey: "it holds a private key, and was not read any further: treat that key as leaked, delete this copy of " +
		"it, and order a new certificate with a new key; a certificate that was issued for the key has to be revoked",
	Request: "it is the CSR itself, not the certificate: send the CSR to the authority, and bring what comes back",
	RevocationList: "it is a revocation list (CRL), not the certificate: bring the certificate that the authority has " +
		"issued for the CSR",
	Encrypted: "it is encrypted: decrypt it where the key or password is, and bring the certificate that is in it",
	PKCS12: "it is a PKCS#12 file: take the certificates out with `openssl pkcs12 -nokeys -in FILE`, and bring those; " +
		"a private key that is in it has to be treated as leaked: then order a new certificate with a new key",
	Keystore: "it is a Java keystore: take the certificate out with `keytool -exportcert -rfc -keystore FILE -alias " +
		"ALIAS`, and bring that; a private key that is in it has to be treated as leaked",
	Archive: "it is an archive (zip or another): unpack it, and bring the certificate that is in it",
	Document: "it is a document or a page, not a certificate: bring the file that is attached to it, or the text from " +
		"-----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----",
	NoCertificate: "no certificate is in it: bring the file that the authority has sent (.pem, .cer, .crt or .p7b), or " +
		"the text from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----",
}

func refuseKind(kind Reason) *RefusalError { return refuse(kind, "%s", messages[kind]) }
