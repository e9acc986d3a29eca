package xmlsig

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/beevik/etree"
)

// Limits of what Parse reads. A response of the service with a certificate and a chain in its signature has some 4 kB,
// 30 elements, 20 attributes and 9 levels, envelope included; WS-Security headers can double that.
const (
	// MaximumBytes is the size of the largest document that is read (docs/protocol.md, XML signatures).
	MaximumBytes = 1 << 20
	// MaximumDepth is how many elements may stand inside each other.
	MaximumDepth = 32
	// MaximumNameBytes is the length of the longest name, prefix or namespace name that is read. Exclusive
	// canonicalization writes a namespace name anew at every element that uses it.
	MaximumNameBytes = 1000

	maximumElements          = 2048 // a response with five hundred ErrorInfo has fewer
	maximumAttributes        = 1024 // of the whole document; namespace declarations count
	maximumElementAttributes = 64   // of one element; keeps the search for equal ones cheap
	maximumDeclarations      = 64   // in force at one element; keeps the search for prefixes cheap
	maximumComments          = 256
)

// xmlDeclaration is the only form of a processing instruction that is accepted. Its first group is the version, its
// second group the encoding; both are quoted.
var xmlDeclaration = regexp.MustCompile(`^<\?xml[ \t\r\n]+version[ \t\r\n]*=[ \t\r\n]*("[^"]*"|'[^']*')` +
	`(?:[ \t\r\n]+encoding[ \t\r\n]*=[ \t\r\n]*("[^"]*"|'[^']*'))?` +
	`(?:[ \t\r\n]+standalone[ \t\r\n]*=[ \t\r\n]*(?:"(?:yes|no)"|'(?:yes|no)'))?[ \t\r\n]*\?>`)

// maximumDeclarationBytes bounds the search for the end of the XML declaration.
const maximumDeclarationBytes = 256

// Parse reads a document strictly: XML 1.0 with namespaces in UTF-8, without byte order mark, document type declaration
// and processing instructions, at most 1 MiB, with short enough names and few enough elements, attributes, comments and
// levels that no later step can be made slow. Namespace names must be absolute. White space and comments around the
// root element are accepted.
//
// Comments are left out of the tree, so that a value with a comment inside reads as one value; no canonical form that
// is accepted here contains them. Errors are of type *ParseError.
func Parse(data []byte) (*etree.Document, error) {
	if err := checkBytes(data); err != nil {
		return nil, err
	}
	parser := parser{source: string(data), document: etree.NewDocument()}
	if err := parser.declaration(); err != nil {
		return nil, err
	}
	for parser.offset < len(parser.source) {
		if err := parser.token(); err != nil {
			return nil, err
		}
	}
	if len(parser.open) > 0 {
		return nil, parser.fail(NotWellFormed, "the document ends inside of element %s", parser.top().FullTag())
	}
	if !parser.closed {
		return nil, parser.fail(NotWellFormed, "the document has no element")
	}
	return parser.document, nil
}

// checkBytes looks at what can be told without reading the document's structure.
func checkBytes(data []byte) error {
	switch {
	case len(data) > MaximumBytes:
		return &ParseError{TooLarge, MaximumBytes, fmt.Sprintf("more than %d bytes", MaximumBytes)}
	case hasByteOrderMark(data):
		return &ParseError{ByteOrderMark, 0, "starts with a byte order mark, which the interface forbids"}
	case !utf8.Valid(data):
		return &ParseError{Encoding, invalidUTF8(data), "not valid UTF-8"}
	}
	if offset := forbiddenCharacter(data); offset >= 0 {
		return &ParseError{NotWellFormed, offset, "a character that XML does not allow"}
	}
	return nil
}

// parser reads a document token by token and builds the tree as it goes, so that the first violation ends it.
type parser struct {
	source   string // names and most values are cut out of it without copying
	offset   int
	document *etree.Document
	closed   bool // the root element was read to its end

	open    []*etree.Element
	scope   scope
	outer   []int  // for every open element the length of scope around it
	pending []byte // see buffer
	text    string // the run of text being read, if it could be cut out of source; else it is in pending

	attributes     []attribute // of the start tag being read; reused
	elementCount   int
	attributeCount int
	commentCount   int
}

func (p *parser) fail(reason ParseReason, format string, arguments ...any) error {
	return &ParseError{reason, p.offset, fmt.Sprintf(format, allShown(arguments)...)}
}

func (p *parser) top() *etree.Element { return p.open[len(p.open)-1] }

func (p *parser) rest() string { return p.source[p.offset:] }

// declaration reads the XML declaration if there is one.
func (p *parser) declaration() error {
	after, found := strings.CutPrefix(p.source, "<?xml")
	if !found || after == "" || !isWhiteSpace(after[0]) {
		return nil // another processing instruction, such as xml-stylesheet, is refused where it is met
	}
	head := p.source[:min(len(p.source), maximumDeclarationBytes)]
	groups := xmlDeclaration.FindStringSubmatchIndex(head)
	if groups == nil {
		return p.fail(NotWellFormed, "an XML declaration that cannot be read")
	}
	if version := head[groups[2]+1 : groups[3]-1]; version != "1.0" {
		return p.fail(NotWellFormed, "an XML version other than 1.0")
	}
	if groups[4] >= 0 && !strings.EqualFold(head[groups[4]+1:groups[5]-1], "UTF-8") {
		return p.fail(Encoding, "the document declares another encoding than UTF-8")
	}
	p.offset = groups[1]
	return nil
}

// token reads the next piece of markup or text.
func (p *parser) token() error {
	rest := p.rest()
	switch {
	case rest[0] != '<':
		return p.characters()
	case strings.HasPrefix(rest, "</"):
		return p.endTag()
	case strings.HasPrefix(rest, "<!--"):
		return p.comment()
	case strings.HasPrefix(rest, "<![CDATA["):
		return p.characterSection()
	case strings.HasPrefix(rest, "<!DOCTYPE"):
		return p.fail(Doctype, "a document type declaration, which is never accepted")
	case strings.HasPrefix(rest, "<!"):
		return p.fail(NotWellFormed, "markup that starts with <! and is neither comment nor CDATA")
	case strings.HasPrefix(rest, "<?"):
		return p.fail(ProcessingInstruction, "a processing instruction, which is never accepted")
	}
	return p.startTag()
}

// characters reads text up to the next markup.
func (p *parser) characters() error {
	end := strings.IndexByte(p.rest(), '<')
	if end < 0 {
		end = len(p.rest())
	}
	raw := p.rest()[:end]
	if len(p.open) == 0 {
		return p.outside(raw)
	}
	if index := strings.Index(raw, "]]>"); index >= 0 {
		p.offset += index
		return p.fail(NotWellFormed, "]]> in text")
	}
	if strings.IndexByte(raw, '&') < 0 && strings.IndexByte(raw, '\r') < 0 {
		p.addText(raw)
	} else if err := p.expandText(raw, inContent); err != nil {
		return err
	}
	p.offset += end
	return nil
}

// outside accepts white space before and after the root element.
func (p *parser) outside(raw string) error {
	trimmed := strings.TrimLeft(raw, whiteSpace)
	p.offset += len(raw) - len(trimmed)
	switch {
	case trimmed == "":
		return nil
	case p.closed:
		return p.fail(TrailingText, "text after the root element")
	}
	return p.fail(NotWellFormed, "text before the root element")
}

// addText appends to the current run of text.
func (p *parser) addText(text string) {
	switch {
	case len(p.pending) > 0:
		p.pending = append(p.pending, text...)
	case p.text == "":
		p.text = text
	default:
		p.pending = append(append(p.buffer(), p.text...), text...)
		p.text = ""
	}
}

// buffer returns pending with room for everything that can still come: what is read is never longer than its source.
// It is made once for a document, and never grows.
func (p *parser) buffer() []byte {
	if p.pending == nil {
		p.pending = make([]byte, 0, len(p.source))
	}
	return p.pending
}

// expandText is addText for a raw text that holds references or carriage returns.
func (p *parser) expandText(raw string, place place) (err error) {
	p.pending = append(p.buffer(), p.text...)
	p.text = ""
	p.pending, err = p.expand(p.pending, raw, place)
	return err
}

// flushText puts the current run of text into the tree: always one token, whatever it was put together from.
func (p *parser) flushText() {
	if len(p.pending) > 0 {
		p.text, p.pending = string(p.pending), p.pending[:0]
	}
	if p.text != "" {
		p.top().CreateText(p.text)
		p.text = ""
	}
}

// characterSection reads a CDATA section, which is text like any other (C14N replaces it by its content).
func (p *parser) characterSection() error {
	const opening, closing = "<![CDATA[", "]]>"
	if len(p.open) == 0 {
		return p.fail(NotWellFormed, "a CDATA section outside of the root element")
	}
	content := p.rest()[len(opening):]
	end := strings.Index(content, closing)
	if end < 0 {
		return p.fail(NotWellFormed, "a CDATA section without end")
	}
	content = content[:end]
	if strings.IndexByte(content, '\r') < 0 {
		p.addText(content)
	} else if err := p.expandText(content, inSection); err != nil {
		return err
	}
	p.offset += len(opening) + end + len(closing)
	return nil
}

// comment skips a comment.
func (p *parser) comment() error {
	const opening, closing = "<!--", "-->"
	if p.commentCount++; p.commentCount > maximumComments {
		return p.fail(TooMany, "more than %d comments", maximumComments)
	}
	content := p.rest()[len(opening):]
	end := strings.Index(content, "--")
	if end < 0 || !strings.HasPrefix(content[end:], closing) {
		return p.fail(NotWellFormed, "a comment without end, or with -- inside")
	}
	p.offset += len(opening) + end + len(closing)
	return nil
}
