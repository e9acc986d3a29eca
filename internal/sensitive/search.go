package sensitive

import (
	"html"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Search looks for a secret in texts that may be wrapped and quoted, in a time that depends on their length only
// (Knuth, Morris and Pratt), and without copies.
type Search struct {
	// secret is bare.
	secret string
	// back is how much of the secret is still matched when the byte behind so much of it does not follow.
	back []int
}

// NewSearch prepares a search for a secret that is not empty.
func NewSearch(secret string) Search {
	made := Search{secret: bare(secret)}
	made.back = make([]int, len(made.secret)+1)
	for i, length := 1, 0; i < len(made.secret); i++ {
		length = made.follow(length, made.secret[i])
		made.back[i+1] = length
	}
	return made
}

// maximumReferences is how many character references a response can have and still be searched for what is behind
// them. The responses of services have a handful.
const maximumReferences = 4096

// Behind reports whether a text holds the secret, as it is or escaped up to twice, or has so many references that it is
// not searched.
func (s Search) Behind(text string) bool {
	switch references := strings.Count(text, "&"); {
	case s.In(text):
		return true
	case references == 0:
		return false
	case references > maximumReferences:
		return true
	}
	once := html.UnescapeString(text)
	return s.In(once) || strings.Contains(once, "&") && s.In(html.UnescapeString(once))
}

// follow is how much of the secret is matched with one more byte.
func (s Search) follow(matched int, next byte) int {
	for matched > 0 && s.secret[matched] != next {
		matched = s.back[matched]
	}
	if s.secret[matched] == next {
		matched++
	}
	return matched
}

// In reports whether a text holds the secret, whatever white space and backslashes stand in between.
func (s Search) In(text string) bool {
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
