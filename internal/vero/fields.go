package vero

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Lengths of the fields in characters (seed 004, 3).
const (
	maxCustomerID       = 30
	maxCustomerName     = 100
	maxTransferID       = 32
	maxTransferPassword = 16
	maxRetrievalID      = 32
	maxErrorCode        = 10
	maxErrorMessage     = 255
)

// forbidden are the sequences that must not occur anywhere in a message (seed 004, 1.3).
var forbidden = []string{"--", "/*", "&#"}

// unhyphenated is a Finnish business id without its hyphen, which the service does not know (seed 004, 3.1).
var unhyphenated = regexp.MustCompile(`^[0-9]{8}$`)

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

// CheckCustomerID checks a CustomerId: 1 to 30 characters, a business id with its hyphen (seed 004, 3.1).
func CheckCustomerID(value string) error {
	if err := checkText("CustomerId", value, maxCustomerID); err != nil {
		return err
	}
	if unhyphenated.MatchString(value) {
		return &FieldError{
			Field:   "CustomerId",
			Problem: fmt.Sprintf("%q looks like a business id without its hyphen", value),
			Remedy:  fmt.Sprintf("write %s-%s", value[:7], value[7:]),
		}
	}
	return nil
}

// CheckCustomerName checks a CustomerName: nothing, or 1 to 100 characters (seed 004, 3.1).
func CheckCustomerName(value string) error {
	if value == "" {
		return nil
	}
	return checkText("CustomerName", value, maxCustomerName)
}

// CheckTransferID checks a TransferId: 1 to 32 characters (seed 004, 3.1).
func CheckTransferID(value string) error {
	return checkText("TransferId", value, maxTransferID)
}

// CheckTransferPassword checks a TransferPassword: 1 to 16 characters (seed 004, 3.1). The error does not show it.
func CheckTransferPassword(password Password) error {
	return checkText("TransferPassword", password.value, maxTransferPassword)
}

// CheckRetrievalID checks a RetrievalId: 1 to 32 characters (seed 004, 3.2).
func CheckRetrievalID(value string) error {
	return checkText("RetrievalId", value, maxRetrievalID)
}

func checkEnvironment(value Environment) error {
	if value == Test || value == Production {
		return nil
	}
	return &FieldError{Field: "Environment", Problem: fmt.Sprintf("%q is unknown", string(value)),
		Remedy: "write TEST or PRODUCTION"}
}

// checkText applies the rules of every text: xs:normalizedString of the schema, and seed 004, 1.2 and 1.3.
func checkText(field, value string, maximum int) error {
	switch length := utf8.RuneCountInString(value); {
	case length == 0:
		return &FieldError{Field: field, Problem: "is empty",
			Remedy: fmt.Sprintf("give it 1 to %d characters", maximum)}
	case length > maximum:
		return &FieldError{Field: field, Problem: fmt.Sprintf("has %d characters", length),
			Remedy: fmt.Sprintf("the certificate service takes at most %d", maximum)}
	}
	if !utf8.ValidString(value) || strings.ContainsFunc(value, unwritable) {
		return &FieldError{Field: field, Problem: "contains a control character, a line break or invalid UTF-8",
			Remedy: "remove it (a line break at the end of a Secret's value is the usual cause)"}
	}
	if strings.TrimSpace(value) != value {
		return &FieldError{Field: field, Problem: "begins or ends with white space", Remedy: "remove it"}
	}
	for _, sequence := range forbidden {
		if strings.Contains(value, sequence) {
			return &FieldError{Field: field, Problem: "contains " + sequence,
				Remedy: "the certificate service refuses messages with it; remove it"}
		}
	}
	return nil
}

// unwritable is a character that XML cannot hold, or only as a character reference, which seed 004, 1.3 forbids.
func unwritable(r rune) bool {
	return unicode.IsControl(r) || r == '\uFFFE' || r == '\uFFFF' || r == '\u2028' || r == '\u2029'
}
