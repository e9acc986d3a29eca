package xmltree

import (
	"slices"
	"strings"
)

// escapes are the replacements of one output form.
type escapes struct{ text, attribute *strings.Replacer }

// wireEscapes are those of a document as it travels: "&#13;" is how real services write the CR of their base64.
// ">" is escaped as the interface description 1.3 recommends.
var wireEscapes = escapes{
	text:      strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "\r", "&#13;"),
	attribute: strings.NewReplacer("&", "&amp;", "<", "&lt;", `"`, "&quot;", "\t", "&#9;", "\n", "&#10;", "\r", "&#13;"),
}

// Write gives the element as a document without an XML declaration, names and declarations as they are in the tree.
func (e *Element) Write() []byte {
	var out strings.Builder
	e.write(&out)
	return []byte(out.String())
}

func (e *Element) write(out *strings.Builder) {
	name := qualified(e.Prefix, e.Local)
	out.WriteString("<" + name)
	for _, declaration := range e.Declarations {
		wireEscapes.writeDeclaration(out, declaration)
	}
	for _, attribute := range e.Attributes {
		wireEscapes.writeAttribute(out, attribute)
	}
	if len(e.Children) == 0 {
		out.WriteString("/>")
		return
	}
	out.WriteString(">")
	for _, child := range e.Children {
		switch child := child.(type) {
		case *Element:
			child.write(out)
		case Text:
			out.WriteString(wireEscapes.text.Replace(string(child)))
		case Comment:
			out.WriteString("<!--" + string(child) + "-->")
		}
	}
	out.WriteString("</" + name + ">")
}

// Copy is a deep copy without a parent.
func (e *Element) Copy() *Element {
	duplicate := &Element{
		Prefix:       e.Prefix,
		Local:        e.Local,
		Declarations: slices.Clone(e.Declarations),
		Attributes:   slices.Clone(e.Attributes),
	}
	for _, child := range e.Children {
		if element, ok := child.(*Element); ok {
			child = element.Copy()
		}
		duplicate.Append(child)
	}
	return duplicate
}

func (s escapes) writeDeclaration(out *strings.Builder, declaration Declaration) {
	name := "xmlns"
	if declaration.Prefix != "" {
		name = "xmlns:" + declaration.Prefix
	}
	out.WriteString(" " + name + `="` + s.attribute.Replace(declaration.URI) + `"`)
}

func (s escapes) writeAttribute(out *strings.Builder, attribute Attribute) {
	out.WriteString(" " + qualified(attribute.Prefix, attribute.Local) + `="` + s.attribute.Replace(attribute.Value) + `"`)
}

func qualified(prefix, local string) string {
	if prefix == "" {
		return local
	}
	return prefix + ":" + local
}
