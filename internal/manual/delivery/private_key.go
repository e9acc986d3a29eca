package delivery

import (
	"bytes"
	"regexp"
	"slices"
)

// plainKeys stand in private keys that are text without armor: those of PuTTY, as certtool and openssl print them, and
// those of BIND.
var plainKeys = []string{"PuTTY-User-Key-File-", "private exponent:", "privateExponent:", "Private-key-format:"}

// textKeys are private keys in formats that have everything else in common with what may come: a word that is looked
// for first, because it is rare and costs less, and what there is beside it.
var textKeys = []struct {
	word    string
	pattern *regexp.Regexp
}{
	// The armor of any format, OpenSSH's and PGP's among them, also where a mail program has broken the line, or an
	// editor has made one dash of several.
	{"PRIVATE", regexp.MustCompile(`\p{Pd}\s*BEGIN[A-Z0-9>\s]*PRIVATE[>\s]+KEY`)},
	// A JSON Web Key (RFC 7517) that is private or symmetric has the member d or k (RFC 7518, 6).
	{"kty", regexp.MustCompile(`["\x{201C}\x{201D}][dk]\\?["\x{201C}\x{201D}]\s*:`)},
	// XML has a public key in the same element (XML Signature, 4.5.2.2); a private one has D.
	{"RSAKeyValue", regexp.MustCompile(`<([A-Za-z0-9]+:)?D>`)},
}

// holdsPrivateKey reports whether a private key stands in a text.
func holdsPrivateKey(text []byte) bool {
	contains := func(word string) bool { return bytes.Contains(text, []byte(word)) }
	if slices.ContainsFunc(plainKeys, contains) {
		return true
	}
	for _, key := range textKeys {
		if contains(key.word) && key.pattern.Match(text) {
			return true
		}
	}
	return false
}
