package client

import (
	"errors"
	"html"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/varmenne/varmenne-issuer/internal/vero/protocol"
)

// withoutSecret is an error of a submission that shows nothing of the password. What stands where a RetrievalId should,
// and holds the password, is none.
func (a *received) withoutSecret(err error, password protocol.Password) error {
	if a.repeats(password) {
		err = withoutWords(err)
	}
	unverified, isUnverified := errors.AsType[*protocol.UnverifiedError](err)
	if !isUnverified || !strings.Contains(unverified.RetrievalID, password.Reveal()) {
		return err
	}
	return unverified.WithoutRetrievalID()
}

// maximumReferences is how many character references a response can have and still be searched for the password behind
// them. The responses of the service have a handful.
const maximumReferences = 4096

// repeats reports whether the response repeats the password anywhere, as it is or escaped up to twice, or has so many
// references that it is not searched. Then none of its words may be shown: they may have been shortened in the middle
// of the password, or quoted.
func (a *received) repeats(password protocol.Password) bool {
	search := newSearch(password.Reveal())
	for _, text := range []string{a.contentType, string(a.body)} {
		switch references := strings.Count(text, "&"); {
		case search.in(text):
			return true
		case references == 0:
			continue
		case references > maximumReferences:
			return true
		}
		once := html.UnescapeString(text)
		if search.in(once) || strings.Contains(once, "&") && search.in(html.UnescapeString(once)) {
			return true
		}
	}
	return false
}

// search looks for a secret in texts that may be wrapped and quoted, in a time that depends on their length only
// (Knuth, Morris and Pratt), and without copies.
type search struct {
	// secret is bare.
	secret string
	// back is how much of the secret is still matched when the byte behind so much of it does not follow.
	back []int
}

func newSearch(secret string) search {
	made := search{secret: bare(secret)}
	made.back = make([]int, len(made.secret)+1)
	for i, length := 1, 0; i < len(made.secret); i++ {
		length = made.follow(length, made.secret[i])
		made.back[i+1] = length
	}
	return made
}

// follow is how much of the secret is matched with one more byte.
func (s search) follow(matched int, next byte) int {
	for matched > 0 && s.secret[matched] != next {
		matched = s.back[matched]
	}
	if s.secret[matched] == next {
		matched++
	}
	return matched
}

// in reports whether a text holds the secret, whatever white space and backslashes stand in between.
func (s search) in(text string) bool {
	matched := 0
	for matched < len(s.secret) {
		if matched == 0 {
			start := strings.IndexByte(text, s.secret[0])
			if start < 0 {
				return false
			}
			text = text[start:]
		}
		if text == "" {
			return false
		}
		next, size := utf8.DecodeRuneInString(text)
		for i := 0; i < size && !ignored(next) && matched < len(s.secret); i++ {
			matched = s.follow(matched, text[i])
		}
		text = text[size:]
	}
	return true
}

// bare is a text without what wrapping and quoting change.
func bare(text string) string {
	return strings.Map(func(r rune) rune {
		if ignored(r) {
			return -1
		}
		return r
	}, text)
}

func ignored(r rune) bool { return r == '\\' || unicode.IsSpace(r) }
