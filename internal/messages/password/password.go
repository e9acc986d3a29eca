package password

import "github.com/varmenne/varmenne-issuer/internal/sensitive"

// Password of an account of the service. It prints, marshals and logs as [redacted]. The zero value is no password.
type Password struct{ sensitive.Text }

// New wraps a password.
func New(value string) Password { return Password{sensitive.New(value)} }
