// Package sensitive keeps passwords and tokens out of what people read: a Text does not print, and a Search finds one
// in what a service has said.
package sensitive

import (
	"fmt"
	"io"
	"log/slog"
)

const redacted = "[redacted]"

// Text is a password, or a token. It prints, marshals and logs as [redacted]. The zero value is no text.
type Text struct {
	// Not comparable: == would compare addresses.
	_ [0]func()
	// A pointer, because package fmt does not ask the methods of what it finds in an unexported field of some struct,
	// but prints the fields: of a string its content, of a pointer inside a struct only the address.
	value *string
}

// New wraps a text.
func New(value string) Text { return Text{value: &value} }

// Reveal is the text itself, for the one place that compares or sends it.
func (t Text) Reveal() string {
	if t.value == nil {
		return ""
	}
	return *t.value
}

// String is [redacted], for loggers that ask for it themselves.
func (Text) String() string { return redacted }

// Format writes [redacted] whatever the verb: for some, such as %d and %#v, package fmt would not ask String.
func (Text) Format(state fmt.State, _ rune) { _, _ = io.WriteString(state, redacted) }

// MarshalText is [redacted], for encoders of every kind.
func (Text) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue is [redacted].
func (Text) LogValue() slog.Value { return slog.StringValue(redacted) }
