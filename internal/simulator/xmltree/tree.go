// Package xmltree is XML as the simulator needs it: a strict parser, a tree that remembers prefixes and
// namespace declarations as they were written, a writer, and canonicalization (C14N 1.0, 1.1 and exclusive).
//
// It exists beside the libraries that the issuer uses so that a mistake in either implementation shows.
package xmltree

import "strings"

// xmlNamespace is bound to the prefix xml without being declared.
const xmlNamespace = "http://www.w3.org/XML/1998/namespace"

// Node is a child of an element: *Element, Text or Comment.
type Node interface{ node() }

// Text is character data, unescaped.
type Text string

// Comment is the inside of a comment.
type Comment string

// Declaration binds a prefix to a namespace; the prefix "" is the default namespace, and the URI "" undeclares it.
type Declaration struct {
	Prefix string
	URI    string
}

// Attribute is an attribute that is not a namespace declaration; Value is unescaped.
type Attribute struct {
	Prefix string
	Local  string
	Value  string
}

// Element is an element with its declarations and attributes in document order.
type Element struct {
	Prefix       string
	Local        string
	Declarations []Declaration
	Attributes   []Attribute
	Children     []Node

	parent *Element
}

func (Text) node()     {}
func (Comment) node()  {}
func (*Element) node() {}

// New makes an element with the given children.
func New(prefix, local string, children ...Node) *Element {
	element := &Element{Prefix: prefix, Local: local}
	element.Append(children...)
	return element
}

// NewText makes an element that holds text only.
func NewText(prefix, local, text string) *Element { return New(prefix, local, Text(text)) }

// Append adds children and becomes the parent of those that are elements.
func (e *Element) Append(children ...Node) {
	for _, child := range children {
		if element, ok := child.(*Element); ok {
			element.parent = e
		}
		e.Children = append(e.Children, child)
	}
}

// Declare adds a namespace declaration and returns the element.
func (e *Element) Declare(prefix, uri string) *Element {
	e.Declarations = append(e.Declarations, Declaration{Prefix: prefix, URI: uri})
	return e
}

// Set adds an attribute without a prefix and returns the element.
func (e *Element) Set(name, value string) *Element {
	e.Attributes = append(e.Attributes, Attribute{Local: name, Value: value})
	return e
}

// Resolve finds the namespace that a prefix is bound to here; false means that it is not declared. An
// undeclared default namespace resolves to "".
func (e *Element) Resolve(prefix string) (string, bool) {
	if prefix == "xml" {
		return xmlNamespace, true
	}
	for at := e; at != nil; at = at.parent {
		for _, declaration := range at.Declarations {
			if declaration.Prefix == prefix {
				return declaration.URI, true
			}
		}
	}
	return "", prefix == ""
}

// Namespace is the namespace of the element's own name, "" when it has none.
func (e *Element) Namespace() string {
	uri, _ := e.Resolve(e.Prefix)
	return uri
}

// Is compares the element's expanded name.
func (e *Element) Is(namespace, local string) bool {
	return e.Local == local && e.Namespace() == namespace
}

// Attribute is the value of an attribute without a prefix; false means that it is absent.
func (e *Element) Attribute(local string) (string, bool) {
	for _, attribute := range e.Attributes {
		if attribute.Prefix == "" && attribute.Local == local {
			return attribute.Value, true
		}
	}
	return "", false
}

// Elements are the children that are elements.
func (e *Element) Elements() []*Element {
	var elements []*Element
	for _, child := range e.Children {
		if element, ok := child.(*Element); ok {
			elements = append(elements, element)
		}
	}
	return elements
}

// Child is the first child element of that name, nil when there is none.
func (e *Element) Child(namespace, local string) *Element {
	for _, child := range e.Elements() {
		if child.Is(namespace, local) {
			return child
		}
	}
	return nil
}

// Text is the element's own character data, that of its children left out.
func (e *Element) Text() string {
	var text strings.Builder
	for _, child := range e.Children {
		if data, ok := child.(Text); ok {
			text.WriteString(string(data))
		}
	}
	return text.String()
}
