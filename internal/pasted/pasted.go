// Package pasted judges the values that people paste: ids and passwords from a letter or a mail, names from a register.
// Mail programs, PDF and chats bring characters along that nobody sees, or that look like others, and the certificate
// service only says that the credentials are wrong. It is pure, and the same for whatever takes a value.
package pasted

import (
	"fmt"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
	"golang.org/x/text/unicode/runenames"
)

// Identifier says which character of an id or a password cannot belong to it, such as "U+200B ZERO WIDTH SPACE at 4",
// counted in characters from 1; empty if none. They are printable ASCII without blanks.
func Identifier(value string) string {
	return first(value, func(r rune) bool { return r > ' ' && r <= '~' })
}

// Name is Identifier for a name: that has characters of every script, and none that is invisible. Blanks are taken.
func Name(value string) string {
	return first(value, func(r rune) bool {
		return unicode.IsGraphic(r) && !unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
	})
}

// first tells the first character of a value that is not allowed, and its position.
func first(value string, allowed func(rune) bool) string {
	position := 0
	for index, r := range value {
		position++
		if _, size := utf8.DecodeRuneInString(value[index:]); r == utf8.RuneError && size == 1 {
			return fmt.Sprintf("a byte that is not UTF-8 at %d", position)
		}
		if !allowed(r) {
			return fmt.Sprintf("U+%04X %s at %d", r, name(r), position)
		}
	}
	return ""
}

// controls are the names of those that people meet; Unicode gives control characters none.
var controls = map[rune]string{
	'\t': "TAB", '\n': "LINE FEED", '\r': "CARRIAGE RETURN", 0: "NULL", '\u0085': "NEXT LINE", '\x7f': "DELETE",
}

func name(r rune) string {
	if known, ok := controls[r]; ok {
		return known
	}
	if known := runenames.Name(r); known != "" {
		return known
	}
	return "(unassigned)"
}

// Normalize puts a name into NFC, the form in which keyboards write it: files of macOS write ä as two characters.
func Normalize(name string) string { return norm.NFC.String(name) }

// Length counts as the strictest reader does: in UTF-16 units, of which characters beyond the first 64k take two.
func Length(value string) int { return len(utf16.Encode([]rune(value))) }
