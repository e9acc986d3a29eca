package password

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Problems of a password that a person has brought. None of them shows any part of it.
var (
	errEmpty   = errors.New("is empty: put the password there")
	errLineEnd = errors.New("ends with a line break, as `echo` and editors add one: write it again without " +
		"(`printf %s`, or --from-file of a file without a line break)")
	errSpace     = errors.New("contains white space, which the service takes in no password: write it again without")
	errBackslash = errors.New("contains a backslash, which the service takes in no password: write it again as it was " +
		"received, and look whether something has escaped it")
	errNotText = errors.New("is not printable text: write it again as it was received; in a manifest, base64 belongs " +
		"under data, the password itself under stringData")
	errLong = fmt.Errorf("has more than %d characters, which the service takes in no password", MaxLength)
)

// Check says why a password that a person has brought cannot be right, and nil if it can be: each log-in with a wrong
// one costs. Fewer characters or classes than the service asks of a new password are no reason: the first one came from
// the owner of the service, who may have had other rules.
func Check(p Password) error {
	value := p.Reveal()
	switch {
	case value == "":
		return errEmpty
	case !utf8.ValidString(value):
		return errNotText
	case strings.HasSuffix(value, "\n"):
		return errLineEnd
	case strings.ContainsFunc(value, unicode.IsSpace):
		return errSpace
	case strings.ContainsFunc(value, func(r rune) bool { return !unicode.IsPrint(r) }):
		return errNotText
	case strings.Contains(value, `\`):
		return errBackslash
	case utf8.RuneCountInString(value) > MaxLength:
		return errLong
	}
	return nil
}
