package password

import (
	"crypto/subtle"
	"fmt"
	"io"
	"log/slog"
	"strings"
)

const redacted = "[redacted]"

// Password of the service. It prints, marshals and logs as [redacted]. The zero value is no password.
type Password struct {
	// Not comparable: == would compare addresses.
	_ [0]func()
	// A pointer, because package fmt prints the fields of what it finds in an unexported field of some struct: of a
	// pointer inside a struct only the address.
	value *string
}

// New wraps a password.
func New(value string) Password { return Password{value: &value} }

// Reveal is the password itself, for the one place that sends or stores it.
func (p Password) Reveal() string {
	if p.value == nil {
		return ""
	}
	return *p.value
}

// Equal reports whether two passwords are the same, in a time that does not tell where they differ.
func (p Password) Equal(other Password) bool {
	return subtle.ConstantTimeCompare([]byte(p.Reveal()), []byte(other.Reveal())) == 1
}

// String is [redacted], for loggers that ask for it themselves.
func (Password) String() string { return redacted }

// Format writes [redacted] whatever the verb: for some, such as %d and %#v, package fmt would not ask String.
func (Password) Format(state fmt.State, _ rune) { _, _ = io.WriteString(state, redacted) }

// MarshalText is [redacted], for encoders of every kind.
func (Password) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue is [redacted].
func (Password) LogValue() slog.Value { return slog.StringValue(redacted) }

// Redact takes passwords out of a text that the service has sent, before anybody reads it.
func Redact(text string, passwords ...Password) string {
	for _, p := range passwords {
		if value := p.Reveal(); value != "" {
			text = strings.ReplaceAll(text, value, redacted)
		}
	}
	return text
}
