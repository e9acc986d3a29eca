package xmlsig

import (
	"strings"

	"github.com/beevik/etree"
)

// attribute is an attribute of the start tag that is being read.
type attribute struct {
	prefix string
	local  string
	value  string
	offset int
	// namespace is filled in when the whole tag was read: declarations may follow their use.
	namespace string
}

func (a attribute) isDeclaration() bool {
	return a.prefix == xmlnsPrefix || (a.prefix == "" && a.local == xmlnsPrefix)
}

func (a attribute) name() string { return joinName(a.prefix, a.local) }

func joinName(prefix, local string) string {
	if prefix == "" {
		return local
	}
	return prefix + ":" + local
}

// startTag reads a start tag or an empty element and puts the element into the tree.
func (p *parser) startTag() error {
	if err := p.checkRoom(); err != nil {
		return err
	}
	start := p.offset
	p.offset++
	prefix, local, err := p.name()
	if err != nil {
		return err
	}
	empty, err := p.readAttributes()
	if err != nil {
		return err
	}
	p.outer = append(p.outer, len(p.scope))
	if err := p.declareNamespaces(); err != nil {
		return err
	}
	if _, bound := p.scope.lookup(prefix); !bound || prefix == xmlnsPrefix {
		p.offset = start
		return p.fail(UndeclaredPrefix, "element %s has an undeclared prefix", joinName(prefix, local))
	}
	if err := p.resolveAttributes(); err != nil {
		return err
	}
	p.addElement(prefix, local)
	if empty {
		p.closeElement()
	}
	return nil
}

// checkRoom refuses an element at a wrong place or beyond a limit.
func (p *parser) checkRoom() error {
	p.elementCount++
	switch {
	case p.closed:
		return p.fail(MultipleRoots, "an element after the root element")
	case len(p.open) >= MaximumDepth:
		return p.fail(TooDeep, "more than %d elements inside each other", MaximumDepth)
	case p.elementCount > maximumElements:
		return p.fail(TooMany, "more than %d elements", maximumElements)
	}
	return nil
}

// addElement puts the element of the start tag just read into the tree and opens it.
func (p *parser) addElement(prefix, local string) {
	parent := &p.document.Element
	if len(p.open) > 0 {
		p.flushText()
		parent = p.top()
	}
	element := parent.CreateElement(local)
	element.Space = prefix
	if len(p.attributes) > 0 {
		element.Attr = make([]etree.Attr, 0, len(p.attributes))
	}
	for _, attribute := range p.attributes {
		element.CreateAttr(attribute.name(), attribute.value)
	}
	p.open = append(p.open, element)
}

func (p *parser) closeElement() {
	p.flushText()
	last := len(p.open) - 1
	p.scope = p.scope[:p.outer[last]]
	p.open, p.outer = p.open[:last], p.outer[:last]
	p.closed = last == 0
}

// endTag reads an end tag, which must belong to the innermost open element.
func (p *parser) endTag() error {
	start := p.offset
	p.offset += len("</")
	prefix, local, err := p.name()
	if err != nil {
		return err
	}
	p.skipWhiteSpace()
	if !strings.HasPrefix(p.rest(), ">") {
		return p.fail(NotWellFormed, "end tag %s is not closed", joinName(prefix, local))
	}
	if len(p.open) == 0 || p.top().Space != prefix || p.top().Tag != local {
		p.offset = start
		return p.fail(NotWellFormed, "end tag %s does not belong to the open element", joinName(prefix, local))
	}
	p.offset++
	p.closeElement()
	return nil
}

// readAttributes reads the rest of a start tag, and whether it ends an empty element.
func (p *parser) readAttributes() (empty bool, err error) {
	p.attributes = p.attributes[:0]
	for {
		before := p.offset
		p.skipWhiteSpace()
		rest := p.rest()
		switch {
		case strings.HasPrefix(rest, ">"):
			p.offset++
			return false, nil
		case strings.HasPrefix(rest, "/>"):
			p.offset += len("/>")
			return true, nil
		case p.offset == before:
			return false, p.fail(NotWellFormed, "a start tag that is not closed, or attributes without a space between")
		}
		if err := p.readAttribute(); err != nil {
			return false, err
		}
	}
}

func (p *parser) readAttribute() error {
	p.attributeCount++
	if p.attributeCount > maximumAttributes || len(p.attributes) >= maximumElementAttributes {
		return p.fail(TooMany, "more than %d attributes, or %d on one element",
			maximumAttributes, maximumElementAttributes)
	}
	offset := p.offset
	prefix, local, err := p.name()
	if err != nil {
		return err
	}
	p.skipWhiteSpace()
	if !strings.HasPrefix(p.rest(), "=") {
		return p.fail(NotWellFormed, "attribute %s has no value", joinName(prefix, local))
	}
	p.offset++
	p.skipWhiteSpace()
	value, err := p.attributeValue()
	if err != nil {
		return err
	}
	p.attributes = append(p.attributes, attribute{prefix: prefix, local: local, value: value, offset: offset})
	return nil
}

// declareNamespaces adds the declarations of the start tag to the scope, within the rules of Namespaces in XML 1.0.
func (p *parser) declareNamespaces() error {
	for _, attribute := range p.attributes {
		if !attribute.isDeclaration() {
			continue
		}
		prefix := attribute.local
		if attribute.prefix == "" {
			prefix = ""
		}
		reserved := prefix == xmlnsPrefix || attribute.value == xmlnsNamespace ||
			(prefix == xmlPrefix) != (attribute.value == xmlNamespace)
		if reserved || (prefix != "" && attribute.value == "") {
			p.offset = attribute.offset
			return p.fail(UndeclaredPrefix, "%s declares a prefix against the rules", attribute.name())
		}
		if err := p.checkNamespaceName(attribute); err != nil {
			return err
		}
		p.scope = append(p.scope, binding{prefix, attribute.value})
	}
	if len(p.scope) > maximumDeclarations {
		return p.fail(TooMany, "more than %d namespace declarations in force at one element", maximumDeclarations)
	}
	return nil
}

// isAbsolute reports whether a URI begins with a scheme: a letter, then letters, digits, +, - and . (RFC 3986, 3.1).
func isAbsolute(uri string) bool {
	scheme, _, found := strings.Cut(uri, ":")
	rest := strings.TrimLeft(scheme, schemeLetters)
	return found && rest != scheme && strings.Trim(rest, schemeLetters+"0123456789+-.") == ""
}

const schemeLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

// checkNamespaceName refuses namespace names that no canonical form can write, or only at a high cost.
func (p *parser) checkNamespaceName(declaration attribute) error {
	switch name := declaration.value; {
	case len(name) > MaximumNameBytes:
		p.offset = declaration.offset
		return p.failTooLong("namespace name")
	case name != "" && !isAbsolute(name):
		p.offset = declaration.offset
		return p.fail(RelativeNamespace, "%s declares a relative namespace name", declaration.name())
	}
	return nil
}

// resolveAttributes finds the namespaces of the attributes and refuses equal ones, also when they are equal only by
// namespace and local name.
func (p *parser) resolveAttributes() error {
	for index := range p.attributes {
		current := &p.attributes[index]
		switch {
		case current.isDeclaration():
			current.namespace = xmlnsNamespace
		case current.prefix != "": // the default namespace does not apply to attributes
			namespace, bound := p.scope.lookup(current.prefix)
			if !bound {
				p.offset = current.offset
				return p.fail(UndeclaredPrefix, "attribute %s has an undeclared prefix", current.name())
			}
			current.namespace = namespace
		}
		for _, other := range p.attributes[:index] {
			if other.local == current.local && other.namespace == current.namespace {
				p.offset = current.offset
				return p.fail(DuplicateAttribute, "attribute %s stands twice", current.name())
			}
		}
	}
	return nil
}
