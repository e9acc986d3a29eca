package pki

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"strings"
)

const (
	// minimumKeyBits is what the service's owner documents, and supports at present; of more, nobody knows
	// (docs/protocol.md, Lifecycle facts).
	minimumKeyBits = 2048
	// MaximumKeyBits is only a guard: checking a signature with a key of a hundred thousand bits takes seconds.
	MaximumKeyBits = 8192
)

// Fields of cert-manager's Certificate that violations name, because that is what the reader can change.
const (
	fieldAlgorithm  = "spec.privateKey.algorithm"
	fieldSize       = "spec.privateKey.size"
	fieldCommonName = "spec.commonName"
	fieldCA         = "spec.isCA"
	fieldRequest    = "spec.request" // of the CertificateRequest: no field of a Certificate causes it
)

var (
	oidCommonName       = asn1.ObjectIdentifier{2, 5, 4, 3}
	oidBasicConstraints = asn1.ObjectIdentifier{2, 5, 29, 19}
	oidSubjectAltName   = asn1.ObjectIdentifier{2, 5, 29, 17}
)

// Violation is one reason why a certificate request can never be satisfied by the certificate service.
type Violation struct {
	// Field is the field of cert-manager's Certificate that causes it, such as spec.commonName.
	Field string
	// Problem says what is wrong, with the value that was found.
	Problem string
	// Remedy says what to write instead.
	Remedy string
}

// String returns the violation as one sentence for people.
func (v Violation) String() string {
	return fmt.Sprintf("%s: %s; %s", v.Field, v.Problem, v.Remedy)
}

// PolicyError tells everything that is wrong with a certificate request, so that it can be repaired in one go.
type PolicyError struct {
	// Violations has at least one element.
	Violations []Violation
}

// Error lists all violations with their remedies.
func (e *PolicyError) Error() string {
	texts := make([]string, len(e.Violations))
	for index, violation := range e.Violations {
		texts[index] = violation.String()
	}
	return "the certificate service can never satisfy this request: " + strings.Join(texts, " | ")
}

// CheckCertificateRequest returns nil when the certificate service can satisfy the request of the customer, else a
// *PolicyError that lists every violation. The service takes only the public key out of a request and writes the rest
// of the certificate itself: the common name is the customer id, and there are no subject alternative names
// (docs/protocol.md, Lifecycle facts). A Certificate that asks for something else would never match what comes back,
// and cert-manager would order it again and again; so it is refused before anything is spent.
//
// Subject fields other than the common name are accepted: the service ignores them, and cert-manager does not compare
// them with what was issued.
func CheckCertificateRequest(csr *x509.CertificateRequest, customerID string) error {
	violations := checkKey(csr)
	if len(violations) == 0 {
		violations = checkSignature(csr)
	}
	violations = append(violations, checkCommonName(csr, customerID)...)
	violations = append(violations, checkAlternativeNames(csr)...)
	violations = append(violations, checkBasicConstraints(csr)...)
	if len(violations) > 0 {
		return &PolicyError{Violations: violations}
	}
	return nil
}

func checkKey(csr *x509.CertificateRequest) []Violation {
	key, isRSA := csr.PublicKey.(*rsa.PublicKey)
	if !isRSA {
		return []Violation{{
			Field:   fieldAlgorithm,
			Problem: fmt.Sprintf("the request has a key of type %s, but the service certifies RSA keys only", keyType(csr)),
			Remedy:  "write algorithm: RSA and size: 2048",
		}}
	}
	bits := key.N.BitLen()
	if bits < minimumKeyBits || bits > MaximumKeyBits {
		return []Violation{{
			Field: fieldSize,
			Problem: fmt.Sprintf("the request has an RSA key of %d bits, but keys from %d to %d bits are accepted",
				bits, minimumKeyBits, MaximumKeyBits),
			Remedy: "write size: 2048",
		}}
	}
	return nil
}

// KeyCaution says what is uncertain about the key of a certificate request that CheckCertificateRequest accepts, and
// what to write instead; empty if nothing is. The owner's quick guide says that only 2048 bits are supported at
// present; one client makes larger keys, which nobody has proved in production (docs/protocol.md, Lifecycle facts).
func KeyCaution(csr *x509.CertificateRequest) string {
	key, isRSA := csr.PublicKey.(*rsa.PublicKey)
	if !isRSA || key.N.BitLen() <= minimumKeyBits {
		return ""
	}
	return fmt.Sprintf("the key has %d bits, and the quick guide of the service's owner says that only %d are supported "+
		"at present: the request is sent all the same; to be sure, write size: %d into spec.privateKey of the Certificate",
		key.N.BitLen(), minimumKeyBits, minimumKeyBits)
}

func keyType(csr *x509.CertificateRequest) string {
	if csr.PublicKeyAlgorithm == x509.UnknownPublicKeyAlgorithm {
		return "unknown"
	}
	return csr.PublicKeyAlgorithm.String()
}

func checkSignature(csr *x509.CertificateRequest) []Violation {
	switch csr.SignatureAlgorithm {
	case x509.SHA256WithRSAPSS, x509.SHA384WithRSAPSS, x509.SHA512WithRSAPSS:
		return []Violation{{
			Field: fieldRequest,
			Problem: fmt.Sprintf("the request is signed with RSA-PSS (%s), which nobody knows the service to take",
				csr.SignatureAlgorithm),
			Remedy: "sign it with sha256WithRSAEncryption; " +
				"of a Certificate, leave spec.signatureAlgorithm out or write SHA256WithRSA",
		}}
	default:
	}
	err := csr.CheckSignature()
	if err == nil {
		return nil
	}
	return []Violation{{
		Field: fieldRequest,
		Problem: fmt.Sprintf("the request's own signature (%s) does not prove the possession of its key: %v",
			csr.SignatureAlgorithm, err),
		Remedy: "make a new request, signed with its own key and SHA-256",
	}}
}

func checkCommonName(csr *x509.CertificateRequest, customerID string) []Violation {
	var names []string
	for _, attribute := range csr.Subject.Names {
		if attribute.Type.Equal(oidCommonName) {
			name, _ := attribute.Value.(string) // anything but text is as good as none
			names = append(names, name)
		}
	}
	var problem string
	switch {
	case len(names) == 0 || (len(names) == 1 && names[0] == ""):
		problem = "the request has no common name"
	case len(names) > 1:
		problem = fmt.Sprintf("the request has %d common names", len(names))
	case names[0] != customerID:
		problem = "the request has the common name " + Quote(names[0])
	default:
		return nil
	}
	return []Violation{{
		Field:   fieldCommonName,
		Problem: problem + ", but the service certifies the issuer's customerID " + Quote(customerID) + " only",
		Remedy:  "write commonName: " + customerID,
	}}
}

func checkBasicConstraints(csr *x509.CertificateRequest) []Violation {
	for _, extension := range csr.Extensions {
		if !extension.Id.Equal(oidBasicConstraints) {
			continue
		}
		var constraints struct {
			IsCA       bool `asn1:"optional"`
			PathLength int  `asn1:"optional,default:-1"`
		}
		rest, err := asn1.Unmarshal(extension.Value, &constraints)
		switch {
		case err != nil || len(rest) > 0:
			return []Violation{{
				Field:   fieldRequest,
				Problem: "the request's basic constraints cannot be read",
				Remedy:  "make a new request without basic constraints",
			}}
		case constraints.IsCA:
			return []Violation{{
				Field:   fieldCA,
				Problem: "the request asks for a CA certificate, but the service issues end entity certificates only",
				Remedy:  "leave isCA out, or write isCA: false",
			}}
		}
	}
	return nil
}
