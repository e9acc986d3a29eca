package xmlsig

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"
)

// whiteSpace is what XML calls white space.
const whiteSpace = " \t\r\n"

func isWhiteSpace(character byte) bool {
	return character == ' ' || character == '\t' || character == '\r' || character == '\n'
}

func hasByteOrderMark(data []byte) bool {
	for _, mark := range []string{"\xEF\xBB\xBF", "\xFE\xFF", "\xFF\xFE"} {
		if bytes.HasPrefix(data, []byte(mark)) {
			return true
		}
	}
	return false
}

// invalidUTF8 returns the offset of the first byte that is not valid UTF-8.
func invalidUTF8(data []byte) int {
	offset := 0
	for offset < len(data) {
		character, size := utf8.DecodeRune(data[offset:])
		if character == utf8.RuneError && size == 1 {
			break
		}
		offset += size
	}
	return offset
}

// forbiddenCharacter returns the offset of the first character in valid UTF-8 that XML does not allow, or -1.
func forbiddenCharacter(data []byte) int {
	for offset, value := range data {
		if value < 0x20 && !isWhiteSpace(value) {
			return offset
		}
	}
	// Of the others, only U+FFFE and U+FFFF remain: surrogates are no valid UTF-8.
	for _, character := range []string{"\uFFFE", "\uFFFF"} {
		if offset := bytes.Index(data, []byte(character)); offset >= 0 {
			return offset
		}
	}
	return -1
}

// isAllowed reports whether XML 1.0 allows a character.
func isAllowed(character rune) bool {
	switch {
	case character == '\t' || character == '\n' || character == '\r':
		return true
	case character < 0x20 || character == 0xFFFE || character == 0xFFFF:
		return false
	}
	return utf8.ValidRune(character)
}

func (p *parser) skipWhiteSpace() {
	for p.offset < len(p.source) && isWhiteSpace(p.source[p.offset]) {
		p.offset++
	}
}

// name reads a qualified name. It has at most one colon, with a name on both sides.
func (p *parser) name() (prefix, local string, err error) {
	first := nameLength(p.rest())
	if first == 0 {
		return "", "", p.fail(NotWellFormed, "a name was expected")
	}
	if first > MaximumNameBytes {
		return "", "", p.failTooLong("name")
	}
	local = p.rest()[:first]
	p.offset += first
	if !strings.HasPrefix(p.rest(), ":") {
		return "", local, nil
	}
	second := nameLength(p.rest()[1:])
	if second == 0 || strings.HasPrefix(p.rest()[1+second:], ":") {
		return "", "", p.fail(NotWellFormed, "a name with a colon at a wrong place")
	}
	if second > MaximumNameBytes {
		return "", "", p.failTooLong("name")
	}
	prefix, local = local, p.rest()[1:1+second]
	p.offset += 1 + second
	return prefix, local, nil
}

func (p *parser) failTooLong(what string) error {
	return p.fail(TooLong, "a %s of more than %d bytes", what, MaximumNameBytes)
}

// nameLength returns how many bytes at the beginning of text are a name without colon. It reads on no further than it
// takes to see that they are more than MaximumNameBytes.
func nameLength(text string) int {
	for index := 0; index < len(text) && index <= MaximumNameBytes; {
		if isLetter(text[index]) {
			index++
			continue
		}
		character, size := utf8.DecodeRuneInString(text[index:])
		if !unicode.Is(nameStart, character) && (index == 0 || !isNamePart(character)) {
			return index
		}
		index += size
	}
	return min(len(text), MaximumNameBytes+1)
}

// isLetter reports whether a character of ASCII can start a name.
func isLetter(character byte) bool {
	letter := character | 0x20
	return ('a' <= letter && letter <= 'z') || character == '_'
}

// isNamePart reports whether a character that cannot start a name can continue it.
func isNamePart(character rune) bool {
	if character < utf8.RuneSelf {
		return '0' <= character && character <= '9' || character == '-' || character == '.'
	}
	return character == 0xB7 || (0x300 <= character && character <= 0x36F) ||
		character == 0x203F || character == 0x2040
}

// nameStart holds the characters beyond ASCII that can start a name, XML 1.0 fifth edition, production 4.
var nameStart = &unicode.RangeTable{
	R16: []unicode.Range16{
		{Lo: 0x00C0, Hi: 0x00D6, Stride: 1},
		{Lo: 0x00D8, Hi: 0x00F6, Stride: 1},
		{Lo: 0x00F8, Hi: 0x02FF, Stride: 1},
		{Lo: 0x0370, Hi: 0x037D, Stride: 1},
		{Lo: 0x037F, Hi: 0x1FFF, Stride: 1},
		{Lo: 0x200C, Hi: 0x200D, Stride: 1},
		{Lo: 0x2070, Hi: 0x218F, Stride: 1},
		{Lo: 0x2C00, Hi: 0x2FEF, Stride: 1},
		{Lo: 0x3001, Hi: 0xD7FF, Stride: 1},
		{Lo: 0xF900, Hi: 0xFDCF, Stride: 1},
		{Lo: 0xFDF0, Hi: 0xFFFD, Stride: 1},
	},
	R32: []unicode.Range32{{Lo: 0x10000, Hi: 0xEFFFF, Stride: 1}},
}

// attributeValue reads a quoted value and normalizes it: white space becomes spaces, references their characters.
func (p *parser) attributeValue() (string, error) {
	rest := p.rest()
	if rest == "" || (rest[0] != '"' && rest[0] != '\'') {
		return "", p.fail(NotWellFormed, "an attribute value without quotes")
	}
	end := strings.IndexByte(rest[1:], rest[0])
	if end < 0 {
		return "", p.fail(NotWellFormed, "an attribute value without end")
	}
	p.offset++
	raw := rest[1 : 1+end]
	if index := strings.IndexByte(raw, '<'); index >= 0 {
		p.offset += index
		return "", p.fail(NotWellFormed, "a < in an attribute value")
	}
	value := raw
	if strings.ContainsAny(raw, "&\r\n\t") {
		before := len(p.pending) // the text in front of the tag
		expanded, err := p.expand(p.buffer(), raw, inAttribute)
		if err != nil {
			return "", err
		}
		value = string(expanded[before:])
	}
	p.offset += end + 1
	return value, nil
}

// place is where a raw text stands; it decides what is replaced in it.
type place int

const (
	inContent   place = iota // references, and line ends become line feeds
	inSection                // line ends only
	inAttribute              // references, and white space becomes spaces
)

// mayReplace reports whether something that begins with this character may have to be replaced.
func (p place) mayReplace(character byte) bool {
	return character == '&' || character == '\r' || (p == inAttribute && (character == '\n' || character == '\t'))
}

// expand appends raw to a text with everything replaced that a reader of XML does not see as it was written. The
// parser stands at the beginning of raw.
func (p *parser) expand(to []byte, raw string, place place) ([]byte, error) {
	lineEnd := byte('\n')
	if place == inAttribute {
		lineEnd = ' '
	}
	for index := 0; index < len(raw); {
		switch character := raw[index]; {
		case character == '&' && place != inSection:
			value, length := reference(raw[index:])
			if length == 0 {
				p.offset += index
				return nil, p.fail(NotWellFormed, "a reference that is neither predefined nor to an allowed character")
			}
			to = utf8.AppendRune(to, value)
			index += length
		case character == '\r' || (place == inAttribute && isWhiteSpace(character)):
			to = append(to, lineEnd)
			index++
			if character == '\r' && index < len(raw) && raw[index] == '\n' {
				index++
			}
		default:
			end := index + 1
			for end < len(raw) && !place.mayReplace(raw[end]) {
				end++
			}
			to = append(to, raw[index:end]...)
			index = end
		}
	}
	return to, nil
}

// reference returns the character that the reference at the beginning of text stands for, and the reference's length:
// 0 if it is not well-formed.
func reference(text string) (character rune, length int) {
	switch {
	case strings.HasPrefix(text, "&#"):
		if character, length = characterReference(text[len("&#"):]); length > 0 {
			length += len("&#")
		}
		return character, length
	case strings.HasPrefix(text, "&amp;"):
		return '&', len("&amp;")
	case strings.HasPrefix(text, "&lt;"):
		return '<', len("&lt;")
	case strings.HasPrefix(text, "&gt;"):
		return '>', len("&gt;")
	case strings.HasPrefix(text, "&quot;"):
		return '"', len("&quot;")
	case strings.HasPrefix(text, "&apos;"):
		return '\'', len("&apos;")
	}
	return 0, 0
}

// characterReference is reference for what follows &#: a number, with any count of leading zeros, and a semicolon.
func characterReference(digits string) (character rune, length int) {
	base := rune(10)
	if strings.HasPrefix(digits, "x") {
		base, length = 16, 1
	}
	first := length
	for ; length < len(digits); length++ {
		value := digitValue(digits[length])
		if value >= base || character > unicode.MaxRune {
			break
		}
		character = character*base + value
	}
	if length == first || !strings.HasPrefix(digits[length:], ";") || !isAllowed(character) {
		return 0, 0
	}
	return character, length + len(";")
}

// digitValue returns the value of a hexadecimal digit, and 16 for everything else.
func digitValue(character byte) rune {
	switch {
	case '0' <= character && character <= '9':
		return rune(character - '0')
	case 'a' <= character|0x20 && character|0x20 <= 'f':
		return rune(character|0x20-'a') + 10
	}
	return 16
}
