package xmlsig

import (
	"bytes"
	"strconv"
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
	local = p.rest()[:first]
	p.offset += first
	if !strings.HasPrefix(p.rest(), ":") {
		return "", local, nil
	}
	second := nameLength(p.rest()[1:])
	if second == 0 || strings.HasPrefix(p.rest()[1+second:], ":") {
		return "", "", p.fail(NotWellFormed, "a name with a colon at a wrong place")
	}
	prefix, local = local, p.rest()[1:1+second]
	p.offset += 1 + second
	return prefix, local, nil
}

// nameLength returns how many bytes at the beginning of text are a name without colon.
func nameLength(text string) int {
	for index, character := range text {
		if !isNameStart(character) && (index == 0 || !isNamePart(character)) {
			return index
		}
	}
	return len(text)
}

func isNameStart(character rune) bool {
	if character < utf8.RuneSelf {
		return 'a' <= character|0x20 && character|0x20 <= 'z' || character == '_'
	}
	return unicode.Is(nameStart, character)
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

// attributeValue reads a quoted value and normalises it: white space becomes spaces, references their characters.
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
		expanded, err := p.expand(make([]byte, 0, len(raw)), raw, inAttribute)
		if err != nil {
			return "", err
		}
		value = string(expanded)
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

// expand appends raw to a text with everything replaced that a reader of XML does not see as it was written. The
// parser stands at the beginning of raw.
func (p *parser) expand(to []byte, raw string, place place) ([]byte, error) {
	lineEnd := byte('\n')
	if place == inAttribute {
		lineEnd = ' '
	}
	done := 0 // everything before is in to
	for index := 0; index < len(raw); {
		character := raw[index]
		switch {
		case character == '&' && place != inSection:
			value, length := reference(raw[index:])
			if length == 0 {
				p.offset += index
				return nil, p.fail(NotWellFormed, "a reference that is neither predefined nor to an allowed character")
			}
			to = utf8.AppendRune(append(to, raw[done:index]...), value)
			index += length
			done = index
		case character == '\r' || (place == inAttribute && isWhiteSpace(character)):
			to = append(append(to, raw[done:index]...), lineEnd)
			if strings.HasPrefix(raw[index:], "\r\n") {
				index++
			}
			index++
			done = index
		default:
			index++
		}
	}
	return append(to, raw[done:]...), nil
}

// longestReference leaves room for some leading zeros.
const longestReference = len("&#x10FFFF;") + 4

// reference returns the character that the reference at the beginning of text stands for, and the reference's length:
// 0 if it is not well-formed.
func reference(text string) (character rune, length int) {
	name, _, found := strings.Cut(text[1:min(len(text), longestReference)], ";")
	if !found {
		return 0, 0
	}
	length = len("&;") + len(name)
	switch name {
	case "amp":
		return '&', length
	case "lt":
		return '<', length
	case "gt":
		return '>', length
	case "quot":
		return '"', length
	case "apos":
		return '\'', length
	}
	digits, isCharacter := strings.CutPrefix(name, "#")
	base := 10
	if hexadecimal, isHexadecimal := strings.CutPrefix(digits, "x"); isHexadecimal {
		digits, base = hexadecimal, 16
	}
	number, err := strconv.ParseUint(digits, base, 32)
	if !isCharacter || err != nil || number > unicode.MaxRune || !isAllowed(rune(number)) {
		return 0, 0
	}
	return rune(number), length
}
