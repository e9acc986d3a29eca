package protocol

import (
	"encoding/asn1"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/varmenne/varmenne-issuer/internal/pasted"
)

// Lengths of the fields in characters (interface description 3).
const (
	maxCustomerID       = 30
	maxCustomerName     = 100
	maxTransferID       = 32
	maxTransferPassword = 16
	maxRetrievalID      = 32
	maxErrorCode        = 10
	maxErrorMessage     = 255
)

// maxRequestBytes bounds a certificate request. One with the largest key that the service may take has 3 kB.
const maxRequestBytes = 64 << 10

// forbidden are the sequences that must not occur anywhere in a message (interface description 1.3).
var forbidden = []string{"--", "/*", "&#"}

// forbiddenInText are those that a text would bring into the message. "&#" is not among them: it is written as
// "&amp;#", and a one-time password that has it cannot be changed by its reader.
var forbiddenInText = []string{"--", "/*"}

// misspelt is a Finnish business id without its hyphen, or with another character in its place: a space, or one of
// the dashes that word processors make of it. The service does not know it (interface description 3.1).
var misspelt = regexp.MustCompile(`^([0-9]{7})[\s\x{00A0}\x{2010}-\x{2015}\x{2212}]?([0-9])$`)

// FieldError says which field of a message breaks which rule. It never carries the value of a secret field.
type FieldError struct {
	// Field is the element's name in the service's schema.
	Field string
	// Problem says what is wrong with the value.
	Problem string
	// Remedy says what to write instead.
	Remedy string
}

func (e *FieldError) Error() string {
	return fmt.Sprintf("%s %s: %s", e.Field, e.Problem, e.Remedy)
}

// FieldErrors is every rule that a message breaks, in the order of its fields.
type FieldErrors []*FieldError

// Error is all of them in one line.
func (e FieldErrors) Error() string {
	texts := make([]string, 0, len(e))
	for _, field := range e {
		texts = append(texts, field.Error())
	}
	return strings.Join(texts, "; ")
}

// Unwrap lets errors.As find the first one.
func (e FieldErrors) Unwrap() []error {
	fields := make([]error, 0, len(e))
	for _, field := range e {
		fields = append(fields, field)
	}
	return fields
}

// together is nil when all checks were passed, FieldErrors otherwise.
func together(checks ...error) error {
	var broken FieldErrors
	for _, err := range checks {
		if field, isField := errors.AsType[*FieldError](err); isField {
			broken = append(broken, field)
		}
	}
	if len(broken) == 0 {
		return nil
	}
	return broken
}

// CheckCustomerID checks a CustomerId: 1 to 30 characters, a business id with its hyphen (interface description 3.1).
// The markers of spec.customerID say the same for the API server; a test of api/v1alpha1 feeds both one table. The
// error is a *FieldError, like those of the other checks.
func CheckCustomerID(value string) error {
	if parts := misspelt.FindStringSubmatch(value); parts != nil {
		return &FieldError{
			Field:   "CustomerId",
			Problem: fmt.Sprintf("%q looks like a business id without its hyphen", value),
			Remedy:  fmt.Sprintf("write %s-%s", parts[1], parts[2]),
		}
	}
	return checkText(text{"CustomerId", value, maxCustomerID, pasted.Identifier, "remove it"})
}

// CheckCustomerName checks a CustomerName: nothing, or 1 to 100 characters (interface description 3.1), as it is sent.
// The markers of spec.customerName say the same, but for what normalizing does to the length, which CEL cannot tell.
func CheckCustomerName(value string) error {
	if value == "" {
		return nil
	}
	return checkText(text{"CustomerName", pasted.Normalize(value), maxCustomerName, pasted.Name, "remove it"})
}

// reorder is what helps against a credential that cannot be sent: nobody can change it.
const reorder = "check that it was copied as it is, else order new transfer credentials"

// CheckTransferID checks a TransferId: 1 to 32 characters (interface description 3.1).
func CheckTransferID(value string) error {
	return checkText(text{"TransferId", value, maxTransferID, pasted.Identifier, reorder})
}

// CheckTransferPassword checks a TransferPassword: 1 to 16 characters (interface description 3.1). The error does not
// show it.
func CheckTransferPassword(password Password) error {
	return checkText(text{"TransferPassword", password.Reveal(), maxTransferPassword, pasted.Identifier, reorder})
}

// CheckRetrievalID checks a RetrievalId: 1 to 32 characters (interface description 3.2).
func CheckRetrievalID(value string) error {
	return checkText(text{"RetrievalId", value, maxRetrievalID, pasted.Identifier, "check that it was copied as it is"})
}

func checkEnvironment(value Environment) error {
	if value == Test || value == Production {
		return nil
	}
	return &FieldError{Field: "Environment", Problem: fmt.Sprintf("%q is unknown", string(value)),
		Remedy: "write TEST or PRODUCTION"}
}

// text is a field that is a text.
type text struct {
	field, value string
	maximum      int
	// foreign tells a character that the field cannot have, and its position; empty if none.
	foreign func(string) string
	// remedy is what helps against a forbidden sequence.
	remedy string
}

// checkText applies the rules of every text: xs:normalizedString of the schema, interface description 1.2 and 1.3, and
// that of package pasted. The value itself is never told.
func checkText(t text) error {
	broken := func(problem, remedy string) error {
		return &FieldError{Field: t.field, Problem: problem, Remedy: remedy}
	}
	if t.value == "" {
		return broken("is empty", fmt.Sprintf("give it 1 to %d characters", t.maximum))
	}
	if foreign := t.foreign(t.value); foreign != "" {
		return broken("contains "+foreign, "remove it, or type the value instead of pasting it "+
			"(what mail programs make of blanks and hyphens is a usual cause)")
	}
	if length := pasted.Length(t.value); length > t.maximum {
		return broken(fmt.Sprintf("has %d characters", length),
			fmt.Sprintf("the certificate service takes at most %d", t.maximum))
	}
	if strings.TrimSpace(t.value) != t.value {
		return broken("begins or ends with white space", "remove it")
	}
	for _, sequence := range forbiddenInText {
		if strings.Contains(t.value, sequence) {
			return broken("contains "+sequence+", with which the certificate service refuses every message", t.remedy)
		}
	}
	return nil
}

// checkCSR checks a CertificateRequest as far as its form goes: one piece of DER. What is in it is for package pki.
func checkCSR(der []byte) error {
	broken := func(problem, remedy string) error {
		return &FieldError{Field: "CertificateRequest", Problem: problem, Remedy: remedy}
	}
	switch {
	case len(der) == 0:
		return broken("is empty", "give it a PKCS#10 request")
	case len(der) > maxRequestBytes:
		return broken(fmt.Sprintf("has %d bytes", len(der)), fmt.Sprintf("at most %d are taken", maxRequestBytes))
	}
	var request asn1.RawValue
	rest, err := asn1.Unmarshal(der, &request)
	if err != nil || len(rest) > 0 || request.Class != asn1.ClassUniversal || request.Tag != asn1.TagSequence {
		return broken("is not DER", "give it the PKCS#10 request in DER, without PEM armour")
	}
	return nil
}
