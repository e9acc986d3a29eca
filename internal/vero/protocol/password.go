package protocol

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
)

const redacted = "[redacted]"

// Password is a one-time TransferPassword. It prints, marshals and logs as [redacted]; only a message reads it. The
// zero value is no password.
type Password struct {
	// Not comparable: == would compare addresses.
	_ [0]func()
	// A pointer, because package fmt does not ask the methods of what it finds in an unexported field of some struct,
	// but prints the fields: of a string its content, of a pointer inside a struct only the address.
	value *string
}

// NewPassword wraps a password.
func NewPassword(value string) Password { return Password{value: &value} }

// Fingerprint is four hexadecimal digits that change when the password does (but for one time in 65,536), salted
// with something that is not secret. So few digits on purpose: nobody finds a password from them.
func (p Password) Fingerprint(salt string) string {
	mac := hmac.New(sha256.New, []byte(salt))
	mac.Write([]byte(p.Reveal()))
	return hex.EncodeToString(mac.Sum(nil)[:2])
}

// Reveal is the password itself, for the one place that compares or sends it.
func (p Password) Reveal() string {
	if p.value == nil {
		return ""
	}
	return *p.value
}

// String is [redacted], for loggers that ask for it themselves.
func (Password) String() string { return redacted }

// Format writes [redacted] whatever the verb: for some, such as %d and %#v, package fmt would not ask String.
func (Password) Format(state fmt.State, _ rune) { _, _ = io.WriteString(state, redacted) }

// MarshalText is [redacted], for encoders of every kind.
func (Password) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue is [redacted].
func (Password) LogValue() slog.Value { return slog.StringValue(redacted) }
