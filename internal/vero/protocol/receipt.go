package protocol

import (
	"bytes"
	"encoding/binary"
	"html"
	"strings"
)

// FindRetrievalID is the only well-formed id that stands in RetrievalId elements of data, whatever is wrong around
// them; empty if there is none, or if there are several that differ. It is a hint to be tried with GetCertificate,
// never a fact.
//
// Anything can be handed to it: cut off, with several documents, in UTF-16, and of any size; it looks at each byte
// once, and gives up on what is nothing but markup. Where data is well-formed it sees the elements that a parser sees:
// nothing in a comment, in a CDATA section, in an attribute or behind the internal subset of a document type
// declaration. A Fault, or a Status FAIL, says that there is no id to expect, and one that stands beside it is not
// taken.
func FindRetrievalID(data []byte) string {
	finder := idFinder{rest: narrow(data)}
	if !bytes.Contains(finder.rest, []byte("RetrievalId")) {
		return ""
	}
	for more := true; more && !finder.ended; {
		more = finder.next()
	}
	if finder.refused || finder.several {
		return ""
	}
	return finder.id
}

// Bounds of the time that a document takes that was made to take it. White space, comments and character references
// make an id longer.
const (
	maximumMarkup     = 1 << 14 // tags, comments and the like; a response has a hundred
	maximumFieldBytes = 1024
	maximumReferences = 4096
)

// idFinder reads markup from the front of rest.
type idFinder struct {
	rest  []byte
	ended bool
	// field is the local name of the element whose text is being read, empty for one that does not matter.
	field string
	text  []byte
	// id is what was found, several that another one was, too, refused that the response is a Fault or a FAIL.
	id                 string
	several, refused   bool
	markup, references int
}

// next reads up to the next markup and the markup itself; it is false at the end.
func (f *idFinder) next() bool {
	start := bytes.IndexByte(f.rest, '<')
	if start < 0 {
		return false
	}
	if f.markup++; f.markup > maximumMarkup {
		f.refused = true
		return false
	}
	if f.field != "" {
		f.keep(f.rest[:start])
	}
	f.rest = f.rest[start:]
	switch kind := f.rest[min(1, len(f.rest)-1)]; {
	case kind != '!' && kind != '?' && kind != '/':
		f.startTag()
	case kind == '/':
		f.endTag()
	case kind == '?':
		f.through("<?", "?>")
	case bytes.HasPrefix(f.rest, []byte("<!--")):
		f.through("<!--", "-->")
	case bytes.HasPrefix(f.rest, []byte("<![CDATA[")):
		f.keep(f.through("<![CDATA[", "]]>"))
	default:
		// An internal subset can declare what means anything later on.
		f.ended = bytes.IndexByte(f.through("<!", ">"), '[') >= 0 || f.ended
	}
	return true
}

// through skips what begins and ends so, and returns what stands between. What does not end ends the search.
func (f *idFinder) through(begin, end string) []byte {
	inside := f.rest[len(begin):]
	length := bytes.Index(inside, []byte(end))
	if length < 0 {
		f.ended = true
		return nil
	}
	f.rest = inside[length+len(end):]
	return inside[:length]
}

func (f *idFinder) keep(text []byte) {
	if f.field != "" && len(f.text) <= maximumFieldBytes {
		f.text = append(f.text, text[:min(len(text), maximumFieldBytes+1)]...)
	}
}

// startTag begins to read the text of an element that matters, and drops that of one with markup inside.
func (f *idFinder) startTag() {
	tag := f.rest[1:]
	end := tagEnd(tag)
	if f.ended = end < 0; f.ended {
		return
	}
	f.rest = tag[end+1:]
	f.field, f.text = "", f.text[:0]
	if end == 0 || tag[end-1] == '/' {
		return
	}
	switch name := localName(tag[:end]); string(name) {
	case "Fault":
		f.refused = true
	case "RetrievalId", "Status":
		f.field = string(name)
	}
}

// endTag judges the text of the element that ends. A tag that is cut off ends the text all the same.
func (f *idFinder) endTag() {
	tag := bytes.TrimLeft(f.rest[1:], "/")
	end := bytes.IndexByte(tag, '>')
	cut := end < 0
	if cut {
		end, f.ended = len(tag), true
	}
	if f.field != "" {
		name := string(localName(tag[:end]))
		if name == f.field || cut && strings.HasPrefix(f.field, name) {
			f.judge()
		}
	}
	f.field, f.text = "", f.text[:0]
	f.rest = tag[min(end+1, len(tag)):]
}

func (f *idFinder) judge() {
	text := string(f.text)
	if references := strings.Count(text, "&"); references > 0 {
		if f.references += references; f.references > maximumReferences {
			f.ended, f.refused = true, true
			return
		}
		text = html.UnescapeString(text)
	}
	text = strings.Trim(text, " \t\r\n")
	switch {
	case f.field == "Status":
		f.refused = f.refused || text == "FAIL"
	case !readableID(text):
	case f.id == "":
		f.id = text
	default:
		f.several = f.several || f.id != text
	}
}

// readableID is narrower than the schema, which allows any 32 characters: what stands in a damaged response can be
// anything.
func readableID(text string) bool {
	for _, character := range []byte(text) {
		letter := character|0x20 >= 'a' && character|0x20 <= 'z'
		if !letter && (character < '0' || character > '9') && character != '-' {
			return false
		}
	}
	return text != "" && len(text) <= maxRetrievalID
}

// tagEnd is where a start tag ends, -1 if it does not: at the first > that stands in no attribute.
func tagEnd(tag []byte) int {
	end := bytes.IndexByte(tag, '>')
	if end < 0 || bytes.IndexByte(tag[:end], '=') < 0 {
		return end
	}
	var quote, before byte
	for i, character := range tag {
		switch {
		case quote != 0:
			if character == quote {
				quote, before = 0, 0
			}
			continue
		case character == '>':
			return i
		case (character == '"' || character == '\'') && before == '=':
			quote = character
		}
		if character > ' ' {
			before = character
		}
	}
	return -1
}

// localName is the name that a tag begins with, without its prefix.
func localName(tag []byte) []byte {
	const longest = 256
	start := 0
	for i, character := range tag[:min(len(tag), longest)] {
		switch character {
		case ' ', '\t', '\r', '\n', '/':
			return tag[start:i]
		case ':':
			start = i + 1
		}
	}
	return tag[start:min(len(tag), longest)]
}

// narrow makes single bytes of UTF-16, which a byte order mark or its first < gives away. What is not ASCII becomes a
// byte that no markup and no id has.
func narrow(data []byte) []byte {
	var order binary.ByteOrder
	switch {
	case bytes.HasPrefix(data, []byte{0xFE, 0xFF}), bytes.HasPrefix(data, []byte{0, '<'}):
		order = binary.BigEndian
	case bytes.HasPrefix(data, []byte{0xFF, 0xFE}), bytes.HasPrefix(data, []byte{'<', 0}):
		order = binary.LittleEndian
	default:
		return data
	}
	const other = 0xFF
	narrowed := make([]byte, len(data)/2)
	for i := range narrowed {
		narrowed[i] = byte(min(order.Uint16(data[2*i:]), other))
	}
	return narrowed
}
