package xmltree

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// Method is a canonicalization method.
type Method int

// The methods, all without comments.
const (
	// Exclusive is Exclusive XML Canonicalization 1.0: only the namespaces that an element's names use.
	Exclusive Method = iota
	// Inclusive is Canonical XML 1.0: every namespace in scope, inherited xml: attributes at the apex.
	Inclusive
	// Inclusive11 is Canonical XML 1.1; it differs from 1.0 only in the inherited xml:id and xml:base.
	Inclusive11
)

// canonicalEscapes are those of Canonical XML 1.0, 2.3.
var canonicalEscapes = escapes{
	text:      strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "\r", "&#xD;"),
	attribute: strings.NewReplacer("&", "&amp;", "<", "&lt;", `"`, "&quot;", "\t", "&#x9;", "\n", "&#xA;", "\r", "&#xD;"),
}

// Canonical is the canonical form of the element as it stands in its tree, all of it but the element omit (nil:
// nothing is left out), which is what the enveloped-signature transform removes. Comments are left out.
func (e *Element) Canonical(method Method, omit *Element) []byte {
	writer := &canonicalWriter{method: method, omit: omit}
	writer.element(e, map[string]string{}, true)
	return []byte(writer.out.String())
}

// canonicalWriter writes one canonical form.
type canonicalWriter struct {
	out    strings.Builder
	method Method
	omit   *Element
}

// element writes e; rendered are the bindings that its ancestors in the output have declared.
func (w *canonicalWriter) element(e *Element, rendered map[string]string, apex bool) {
	if e == w.omit {
		return
	}
	name := qualified(e.Prefix, e.Local)
	w.out.WriteString("<" + name)
	declarations := w.declarations(e, rendered)
	if len(declarations) > 0 {
		rendered = maps.Clone(rendered)
	}
	for _, declaration := range declarations {
		rendered[declaration.Prefix] = declaration.URI
		canonicalEscapes.writeDeclaration(&w.out, declaration)
	}
	for _, attribute := range w.attributes(e, apex) {
		canonicalEscapes.writeAttribute(&w.out, attribute)
	}
	w.out.WriteString(">")
	for _, child := range e.Children {
		switch child := child.(type) {
		case *Element:
			w.element(child, rendered, false)
		case Text:
			w.out.WriteString(canonicalEscapes.text.Replace(string(child)))
		}
	}
	w.out.WriteString("</" + name + ">")
}

// declarations are those that the element must bear in the output, by prefix.
func (w *canonicalWriter) declarations(e *Element, rendered map[string]string) []Declaration {
	var needed []Declaration
	for _, prefix := range w.prefixes(e) {
		uri, declared := e.Resolve(prefix)
		if previous, done := rendered[prefix]; !declared || prefix == "xml" || done && previous == uri {
			continue
		} else if uri == "" && previous == "" {
			continue
		}
		needed = append(needed, Declaration{Prefix: prefix, URI: uri})
	}
	return needed
}

// prefixes are the candidates for a declaration, sorted: those in use, or all that are in scope.
func (w *canonicalWriter) prefixes(e *Element) []string {
	candidates := map[string]bool{}
	if w.method == Exclusive {
		candidates[e.Prefix] = true
		for _, attribute := range e.Attributes {
			if attribute.Prefix != "" {
				candidates[attribute.Prefix] = true
			}
		}
	} else {
		for at := e; at != nil; at = at.parent {
			for _, declaration := range at.Declarations {
				candidates[declaration.Prefix] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(candidates))
}

// attributes are the element's own, and at the apex of inclusive forms the inherited ones of the prefix xml,
// sorted by namespace and local name. C14N 1.1 inherits xml:lang and xml:space only (xml:base does not occur here).
func (w *canonicalWriter) attributes(e *Element, apex bool) []Attribute {
	attributes := slices.Clone(e.Attributes)
	if apex && w.method != Exclusive {
		seen := map[string]bool{}
		for at := e; at != nil; at = at.parent {
			for _, attribute := range at.Attributes {
				if attribute.Prefix != "xml" || seen[attribute.Local] {
					continue
				}
				seen[attribute.Local] = true
				heritable := w.method == Inclusive || attribute.Local == "lang" || attribute.Local == "space"
				if at != e && heritable {
					attributes = append(attributes, attribute)
				}
			}
		}
	}
	slices.SortFunc(attributes, func(a, b Attribute) int {
		left, _ := e.attributeNamespace(a)
		right, _ := e.attributeNamespace(b)
		return cmp.Or(cmp.Compare(left, right), cmp.Compare(a.Local, b.Local))
	})
	return attributes
}
