package messages

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// The lengths of a password, in characters.
const (
	shortest = 32
	longest  = 256
)

// symbols that count as such.
const symbols = "^$*.[]{}()?\"!@#%&/,><':;|_~`=+-"

// objection is what the policy has against a new password; empty if nothing.
func objection(password string) string {
	has := func(matches func(rune) bool) bool { return strings.ContainsFunc(password, matches) }
	length := utf8.RuneCountInString(password)
	switch {
	case length < shortest:
		return "Password not long enough"
	case length > longest:
		return "Password too long"
	case has(unicode.IsSpace):
		return "Password must not have white space"
	case strings.Contains(password, `\`):
		return "Password must not have backslashes"
	case !has(func(r rune) bool { return 'a' <= r && r <= 'z' }):
		return "Password must have lowercase characters"
	case !has(func(r rune) bool { return 'A' <= r && r <= 'Z' }):
		return "Password must have uppercase characters"
	case !has(func(r rune) bool { return '0' <= r && r <= '9' }):
		return "Password must have numeric characters"
	case !has(func(r rune) bool { return strings.ContainsRune(symbols, r) }):
		return "Password must have symbol characters"
	default:
		return ""
	}
}
