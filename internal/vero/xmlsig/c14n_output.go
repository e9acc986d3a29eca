package xmlsig

import (
	"fmt"
	"io"
	"math"

	"github.com/beevik/etree"
)

// startTag writes the canonical start tag of element, with the declarations and attributes chosen for it.
func (c *canonicalizer) startTag(element *etree.Element) {
	c.output.write("<")
	c.name(element.Space, element.Tag)
	for _, declared := range c.namespaces {
		c.output.write(" ")
		c.name(declarationName(declared.prefix))
		c.value(declared.namespace)
	}
	for _, attribute := range c.attributes {
		c.output.write(" ")
		c.name(attribute.Space, attribute.Key)
		c.value(attribute.Value)
	}
	c.output.write(">")
}

func (c *canonicalizer) name(prefix, local string) {
	if prefix != "" {
		c.output.write(prefix)
		c.output.write(":")
	}
	c.output.write(local)
}

func (c *canonicalizer) value(value string) {
	c.output.write(`="`)
	c.output.escape(value, &attributeEscapes)
	c.output.write(`"`)
}

// escapes are what a canonical form writes in place of special characters, "" for all others.
type escapes [256]string

var (
	textEscapes      = escapes{'&': "&amp;", '<': "&lt;", '>': "&gt;", '\r': "&#xD;"}
	attributeEscapes = escapes{
		'&': "&amp;", '<': "&lt;", '"': "&quot;", '\t': "&#x9;", '\n': "&#xA;", '\r': "&#xD;",
	}
)

// length returns how many bytes a value takes when it is written.
func (e *escapes) length(value string) int {
	length := len(value)
	for index := range len(value) {
		if replacement := e[value[index]]; replacement != "" {
			length += len(replacement) - 1
		}
	}
	return length
}

// output hands a canonical form on in pieces, up to a limit, so that it never stands in memory as a whole.
type output struct {
	to      io.Writer
	pending []byte // what was not handed on yet
	maximum int
	room    int // how many bytes may still come
	err     error
}

// outputPiece is the size of the pieces in bytes. Most of what is canonicalized is smaller.
const outputPiece = 1 << 10

func newOutput(to io.Writer, maximum int) output {
	return output{to: to, pending: make([]byte, 0, outputPiece), maximum: maximum, room: maximum}
}

// write takes a text. After the limit, and after an error, it takes nothing any more.
func (o *output) write(text string) {
	if o.room -= len(text); o.room < 0 && o.err == nil {
		o.err = fmt.Errorf("its canonical form has more than %d bytes", o.maximum)
	}
	for o.err == nil && text != "" {
		taken := copy(o.pending[len(o.pending):cap(o.pending)], text)
		o.pending, text = o.pending[:len(o.pending)+taken], text[taken:]
		if len(o.pending) == cap(o.pending) {
			o.flush()
		}
	}
}

func (o *output) flush() {
	if o.err == nil {
		_, o.err = o.to.Write(o.pending)
	}
	o.pending = o.pending[:0]
}

// end hands on what is left, and returns the first error.
func (o *output) end() error {
	o.flush()
	return o.err
}

// escape writes a value with the special characters in it replaced.
func (o *output) escape(value string, escapes *escapes) {
	done := 0
	for index := range len(value) {
		if replacement := escapes[value[index]]; replacement != "" {
			o.write(value[done:index])
			o.write(replacement)
			done = index + 1
		}
	}
	o.write(value[done:])
}

// fits reports whether an element takes at most maximum bytes when it is written.
func fits(element *etree.Element, maximum int) bool { return roomAfter(maximum, element) >= 0 }

// writtenLength returns how many bytes an element takes when it is written as it is, special characters replaced.
func writtenLength(element *etree.Element) int { return math.MaxInt - roomAfter(math.MaxInt, element) }

// roomAfter returns what is left of a number of bytes when an element was written, something negative when they are too
// few. It then stops early.
func roomAfter(room int, element *etree.Element) int {
	const tags, equalsQuotes = len("<></>"), len(` =""`)
	room -= tags + 2*(len(element.Space)+len(":")+len(element.Tag))
	for index := range element.Attr {
		attribute := &element.Attr[index]
		room -= equalsQuotes + len(attribute.Space) + len(":") + len(attribute.Key)
		room -= attributeEscapes.length(attribute.Value)
	}
	for _, child := range element.Child {
		if room < 0 {
			break
		}
		switch child := child.(type) {
		case *etree.Element:
			room = roomAfter(room, child)
		case *etree.CharData:
			if room -= len(child.Data); room >= 0 {
				room -= textEscapes.length(child.Data) - len(child.Data)
			}
		}
	}
	return room
}
