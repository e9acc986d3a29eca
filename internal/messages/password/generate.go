package password

import (
	"errors"
	"fmt"
	"io"
	"strings"
)

// Lengths of a password, in characters. The service asks for 32 at least; 256 is the most that its directory takes.
const (
	MinLength     = 32
	MaxLength     = 256
	DefaultLength = 48
)

// The characters of a new password are those that RFC 3986, 2.3 calls unreserved. They stand for themselves in JSON, in
// a URL, in the values of YAML and properties files, and in a shell, also without quotes. The first one is a letter, so
// that no program takes the password for an option, a comment, a number, or a home directory. The service refuses a
// backslash.
const (
	lower   = "abcdefghijklmnopqrstuvwxyz"
	upper   = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	digits  = "0123456789"
	symbols = "-._~"

	letters  = lower + upper
	alphabet = letters + digits + symbols
)

// provenSymbol is in every password: the one of the symbols that public clients of the service are known to use.
const provenSymbol = "~"

// required are the classes of which a password has at least one character each.
var required = []string{lower, upper, digits, provenSymbol}

// mostDraws bounds how often a password is drawn until it has a character of each class. One of 32 characters has at
// least one time in three, so that a source of randomness that needs more is broken.
const mostDraws = 1000

// ErrRandomness says that the source of randomness is broken: it repeats itself.
var ErrRandomness = errors.New("no password with a character of each class comes out of the source of randomness")

// Generate draws a password of so many characters, MinLength to MaxLength. Every password that keeps the rules is as
// likely as any other. The random bytes are those of crypto/rand.Reader, except in tests.
func Generate(random io.Reader, length int) (Password, error) {
	if length < MinLength || length > MaxLength {
		return Password{}, fmt.Errorf("a password has %d to %d characters, not %d", MinLength, MaxLength, length)
	}
	for range mostDraws {
		text, err := draw(random, length)
		if err != nil {
			return Password{}, fmt.Errorf("draw a password: %w", err)
		}
		if hasEachClass(text) {
			return New(text), nil
		}
	}
	return Password{}, ErrRandomness
}

// draw takes each character for itself. What lacks a class is drawn anew as a whole: to mend it would make some
// passwords likelier than others.
func draw(random io.Reader, length int) (string, error) {
	text := make([]byte, 0, length)
	first, err := pick(random, letters)
	if err != nil {
		return "", err
	}
	text = append(text, first)
	for len(text) < length {
		next, err := pick(random, alphabet)
		if err != nil {
			return "", err
		}
		text = append(text, next)
	}
	return string(text), nil
}

// pick is one of the characters, each as likely as any other: a byte that would favor some is thrown away.
func pick(random io.Reader, from string) (byte, error) {
	const mask = 0x7f // the alphabet has more than 64 characters and fewer than 128
	var octet [1]byte
	for range mostDraws {
		if _, err := io.ReadFull(random, octet[:]); err != nil {
			return 0, err
		}
		if i := int(octet[0] & mask); i < len(from) {
			return from[i], nil
		}
	}
	return 0, ErrRandomness
}

func hasEachClass(text string) bool {
	for _, class := range required {
		if !strings.ContainsAny(text, class) {
			return false
		}
	}
	return true
}
