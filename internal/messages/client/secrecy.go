package client

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/varmenne/varmenne-issuer/internal/sensitive"
)

const (
	// longestReason is how much of a reason is shown, in characters, and longestSearched how much of it is looked at.
	longestReason, longestSearched = 256, 4096
	// withheld stands for what the service said.
	withheld = "not shown, because it repeats a password or a token, or cannot be searched for one"
)

// withoutSecrets is a result that can be shown: none of its texts repeats a secret, or a part of one.
func withoutSecrets(result Result, secrets []string) Result {
	if result.Reason != "" && repeats(result.Reason, secrets) {
		result.Reason = withheld
	}
	result.Reason = printable(result.Reason)
	// Words of ours repeat a name of the server's certificate, which the server may have chosen since it heard the secret.
	if repeats(result.Detail, secrets) {
		result.Detail = withheld
	}
	if repeats(result.TraceID, secrets) {
		result.TraceID = ""
	}
	return result
}

// partLength is how long the parts are that a secret is looked for in, in characters: a text that holds twice as much
// of it, less one, holds one of them.
const partLength = 8

// parts of a secret; the end, which is too short to be a sign of it, is none, unless it is all there is.
func parts(secret string) []string {
	characters := []rune(strings.ToLower(secret))
	if len(characters) == 0 {
		return nil
	}
	made := []string{string(characters[:min(partLength, len(characters))])}
	for begin := partLength; begin+partLength <= len(characters); begin += partLength {
		made = append(made, string(characters[begin:begin+partLength]))
	}
	return made
}

// repeats reports whether a text holds a secret, or a part of one, as it is or escaped.
func repeats(text string, secrets []string) bool {
	if len(text) > longestSearched {
		return true
	}
	texts := []string{strings.ToLower(strings.Map(visible, text))}
	if decoded, err := url.PathUnescape(texts[0]); err == nil && decoded != texts[0] {
		texts = append(texts, decoded)
	}
	for _, secret := range secrets {
		for _, part := range parts(secret) {
			if slices.ContainsFunc(texts, sensitive.NewSearch(part).Behind) {
				return true
			}
		}
	}
	return false
}

// visible drops what cannot be seen, and could stand between the characters of a secret.
func visible(r rune) rune {
	if unicode.IsPrint(r) || unicode.IsSpace(r) {
		return r
	}
	return -1
}

// cipher is what may be a secret in another form: hexadecimal, base64, or a kind of escapes. Sentences have no such
// words.
var cipher = regexp.MustCompile(`[A-Za-z0-9+/=_%&#;\\-]{24,}`)

// printable is a text of one line that can be shown, no longer than a reason may be.
func printable(text string) string {
	text = strings.Join(strings.Fields(strings.Map(visible, text)), " ")
	text = cipher.ReplaceAllStringFunc(text, func(word string) string {
		if strings.ContainsAny(word, "0123456789") {
			return "[…]"
		}
		return word
	})
	if characters := []rune(text); len(characters) > longestReason {
		return string(characters[:longestReason]) + "…"
	}
	return text
}
