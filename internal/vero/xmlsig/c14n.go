package xmlsig

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/beevik/etree"
)

// Identifiers of the canonical forms that are accepted, all without comments.
const (
	exclusiveC14N   = "http://www.w3.org/2001/10/xml-exc-c14n#"
	inclusiveC14N10 = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
	inclusiveC14N11 = "http://www.w3.org/2006/12/xml-c14n11"
)

// defaultPrefixToken stands for the default namespace in the PrefixList of an InclusiveNamespaces element.
const defaultPrefixToken = "#default"

// canonicalForm is one of the canonical forms with its parameter.
type canonicalForm struct {
	algorithm string
	// inclusivePrefixes are those that exclusive C14N treats as inclusive C14N does; the default namespace is "".
	inclusivePrefixes []string
}

func (f canonicalForm) exclusive() bool { return f.algorithm == exclusiveC14N }

// surroundings is what an element that is canonicalized for itself takes over from its ancestors.
type surroundings struct {
	scope scope
	// attributes are the ancestors' xml:… attributes, which the inclusive forms take over.
	attributes []etree.Attr
}

// around returns the surroundings of children of element.
func (s surroundings) around(element *etree.Element) surroundings {
	s.scope = slices.Clip(s.scope).declarations(element)
	for _, attribute := range element.Attr {
		if attribute.Space == xmlPrefix {
			s.attributes = append(slices.DeleteFunc(slices.Clone(s.attributes), func(outer etree.Attr) bool {
				return outer.Key == attribute.Key
			}), attribute)
		}
	}
	return s
}

// canonicalize writes an element and everything in it to a writer, in a canonical form without comments. It does not
// change the element, and ignores its parents: what they contribute is in the surroundings. It fails when there would
// be more than maximum bytes: exclusive forms write a declaration anew at each sibling that uses it, so the result can
// be a thousand times as long as the element. It takes time linear in what it writes.
func canonicalize(apex *etree.Element, outer surroundings, form canonicalForm, to io.Writer, maximum int) error {
	canonicalizer := canonicalizer{
		form:   form,
		scope:  slices.Clip(outer.scope),
		output: newOutput(to, maximum),
	}
	if !form.exclusive() {
		inherited, err := inheritedAttributes(apex, outer.attributes, form)
		if err != nil {
			return err
		}
		canonicalizer.inherited = inherited
	}
	if err := canonicalizer.element(apex, true); err != nil {
		return err
	}
	return canonicalizer.output.end()
}

// inheritedAttributes returns the xml:… attributes that an inclusive form lets the apex take over: C14N 1.0 all that
// it does not have itself, C14N 1.1 no xml:id. C14N 1.1 would also compute a new xml:base; nobody writes one here, so
// that is refused instead.
func inheritedAttributes(apex *etree.Element, outer []etree.Attr, form canonicalForm) ([]etree.Attr, error) {
	var inherited []etree.Attr
	for _, attribute := range outer {
		own := slices.ContainsFunc(apex.Attr, func(own etree.Attr) bool {
			return own.Space == xmlPrefix && own.Key == attribute.Key
		})
		switch {
		case form.algorithm == inclusiveC14N11 && attribute.Key == "base":
			return nil, errors.New("xml:base around an element in canonical XML 1.1 is not supported")
		case own || (form.algorithm == inclusiveC14N11 && attribute.Key == "id"):
		default:
			inherited = append(inherited, attribute)
		}
	}
	return inherited, nil
}

type canonicalizer struct {
	form      canonicalForm
	inherited []etree.Attr
	scope     scope // in force at the current element
	written   scope // declarations that the output has so far, at the current element
	output    output

	namespaces []binding // of the start tag being written; reused
	attributes []sortableAttribute
}

// sortableAttribute is an attribute with the namespace that it is sorted by.
type sortableAttribute struct {
	namespace string
	*etree.Attr
}

func (c *canonicalizer) element(element *etree.Element, isApex bool) error {
	scope, written := len(c.scope), len(c.written)
	c.scope = c.scope.declarations(element)
	newDeclarations := c.scope[scope:]
	if isApex { // what is in force around it was not written either
		newDeclarations = c.scope
	}
	if err := c.chooseNamespaces(element, newDeclarations); err != nil {
		return err
	}
	if err := c.sortAttributes(element, isApex); err != nil {
		return err
	}
	c.startTag(element)
	for _, child := range element.Child {
		if err := c.child(child); err != nil {
			return err
		}
	}
	c.output.write("</")
	c.name(element.Space, element.Tag)
	c.output.write(">")
	c.scope, c.written = c.scope[:scope], c.written[:written]
	return nil
}

func (c *canonicalizer) child(child etree.Token) error {
	if err := c.output.err; err != nil {
		return err
	}
	switch child := child.(type) {
	case *etree.Element:
		return c.element(child, false)
	case *etree.CharData:
		c.output.escape(child.Data, &textEscapes)
	case *etree.Comment: // left out by every form that is accepted
	default:
		return fmt.Errorf("an XML token of type %T cannot be signed", child)
	}
	return nil
}

// chooseNamespaces collects the declarations that the canonical start tag of element gets, sorted. The new declarations
// are those that the output cannot have yet: an inclusive form writes all of them, the exclusive form those of its
// inclusive prefixes, besides everything that is used.
func (c *canonicalizer) chooseNamespaces(element *etree.Element, newDeclarations scope) error {
	c.namespaces = c.namespaces[:0]
	for _, declared := range newDeclarations {
		if !c.form.exclusive() || slices.Contains(c.form.inclusivePrefixes, declared.prefix) {
			c.declare(declared.prefix)
		}
	}
	if c.form.exclusive() {
		if err := c.declareUsed(element.Space); err != nil {
			return err
		}
		for index := range element.Attr {
			attribute := &element.Attr[index]
			if _, isDeclaration := declaration(attribute); isDeclaration || attribute.Space == "" {
				continue
			}
			if err := c.declareUsed(attribute.Space); err != nil {
				return err
			}
		}
	}
	slices.SortFunc(c.namespaces, func(one, other binding) int { return strings.Compare(one.prefix, other.prefix) })
	c.written = append(c.written, c.namespaces...)
	return nil
}

func undeclaredError(prefix string) error {
	return fmt.Errorf("the namespace prefix %s is not declared on the element or in it", shown(prefix))
}

// declareUsed is declare for a prefix that the element uses and that therefore must be declared.
func (c *canonicalizer) declareUsed(prefix string) error {
	if _, bound := c.scope.lookup(prefix); !bound {
		return undeclaredError(prefix)
	}
	c.declare(prefix)
	return nil
}

// declare adds the declaration of a prefix to the start tag unless the output has the same already. A default namespace
// of "" is written only where it undoes another one.
func (c *canonicalizer) declare(prefix string) {
	if prefix == xmlPrefix {
		return
	}
	namespace, _ := c.scope.lookup(prefix)
	if written, _ := c.written.lookup(prefix); written == namespace {
		return
	}
	for _, chosen := range c.namespaces {
		if chosen.prefix == prefix {
			return
		}
	}
	c.namespaces = append(c.namespaces, binding{prefix, namespace})
}

// sortAttributes collects the attributes of the canonical start tag by namespace, then by local name.
func (c *canonicalizer) sortAttributes(element *etree.Element, isApex bool) error {
	c.attributes = c.attributes[:0]
	if isApex {
		for index := range c.inherited {
			c.attributes = append(c.attributes, sortableAttribute{xmlNamespace, &c.inherited[index]})
		}
	}
	for index := range element.Attr {
		attribute := &element.Attr[index]
		if _, isDeclaration := declaration(attribute); isDeclaration {
			continue
		}
		namespace := ""
		if attribute.Space != "" {
			var bound bool
			if namespace, bound = c.scope.lookup(attribute.Space); !bound {
				return undeclaredError(attribute.Space)
			}
		}
		c.attributes = append(c.attributes, sortableAttribute{namespace, attribute})
	}
	slices.SortFunc(c.attributes, func(one, other sortableAttribute) int {
		if order := strings.Compare(one.namespace, other.namespace); order != 0 {
			return order
		}
		return strings.Compare(one.Key, other.Key)
	})
	return nil
}
