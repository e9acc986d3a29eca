package protocol

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"

	"github.com/varmenne/varmenne-issuer/internal/sensitive"
)

// Password is a one-time TransferPassword. It prints, marshals and logs as [redacted]; only a message reads it. The
// zero value is no password.
type Password struct{ sensitive.Text }

// NewPassword wraps a password.
func NewPassword(value string) Password { return Password{sensitive.New(value)} }

// Fingerprint is four hexadecimal digits that change when the password does (but for one time in 65,536), salted
// with something that is not secret. So few digits on purpose: nobody finds a password from them.
func (p Password) Fingerprint(salt string) string {
	mac := hmac.New(sha256.New, []byte(salt))
	mac.Write([]byte(p.Reveal()))
	return hex.EncodeToString(mac.Sum(nil)[:2])
}
