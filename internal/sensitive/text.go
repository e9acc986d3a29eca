// Package sensitive keeps passwords and tokens out of what people read: a Text does not print, and a Search finds one
// in what a service has said.
package sensitive

import "crypto/subtle"

// Text is a password, or a token. It prints, marshals and logs as [redacted]. The zero value is no text.
type Text struct {
	Redaction

	// Not comparable: == would compare addresses.
	_ [0]func()
	// A pointer, because package fmt does not ask the methods of what it finds in an unexported field of some struct,
	// but prints the fields: of a string its content, of a pointer inside a struct only the address.
	value *string
}

// New wraps a text.
func New(value string) Text { return Text{value: &value} }

// Reveal is the text itself, for the one place that compares, stores or sends it.
func (t Text) Reveal() string {
	if t.value == nil {
		return ""
	}
	return *t.value
}

// Equal reports whether two texts are the same, in a time that does not tell where they differ.
func (t Text) Equal(other Text) bool {
	return subtle.ConstantTimeCompare([]byte(t.Reveal()), []byte(other.Reveal())) == 1
}
