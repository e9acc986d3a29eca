package xmltree

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Limits bound what Parse accepts, so that a hostile document costs little.
type Limits struct {
	// Bytes is the size of the document.
	Bytes int
	// Depth is the number of elements inside each other.
	Depth int
	// Nodes is the number of elements, attributes and comments together.
	Nodes int
}

// DefaultLimits are far above every message of the service: 1 MiB, 32 levels, 4,096 nodes.
func DefaultLimits() Limits { return Limits{Bytes: 1 << 20, Depth: 32, Nodes: 4096} }

// Parse reads one document and returns its root. It refuses what a SOAP 1.1 message must not hold (a document
// type, processing instructions), what XML or its namespaces forbid (a second root, text outside it, repeated
// attributes, undeclared prefixes), what is not UTF-8 without a byte order mark, and what exceeds the limits.
func Parse(document []byte, limits Limits) (*Element, error) {
	if len(document) > limits.Bytes {
		return nil, fmt.Errorf("the document is larger than %d bytes", limits.Bytes)
	}
	if bytes.HasPrefix(document, []byte("\xef\xbb\xbf")) {
		return nil, errors.New("the document starts with a byte order mark")
	}
	if !utf8.Valid(document) {
		return nil, errors.New("the document is not UTF-8")
	}
	reader := &reader{decoder: xml.NewDecoder(bytes.NewReader(document)), limits: limits}
	return reader.read()
}

// reader is the state of one Parse.
type reader struct {
	decoder *xml.Decoder
	limits  Limits
	root    *Element
	current *Element
	depth   int
	nodes   int
	begun   bool
}

func (r *reader) read() (*Element, error) {
	for {
		token, err := r.decoder.RawToken()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("the document is not well-formed: %w", err)
		}
		if err := r.take(token); err != nil {
			return nil, err
		}
		r.begun = true
	}
	if r.root == nil {
		return nil, errors.New("the document has no root element")
	}
	if r.current != nil {
		return nil, fmt.Errorf("the document ends inside the element %s", r.current.Local)
	}
	return r.root, nil
}

func (r *reader) take(token xml.Token) error {
	switch token := token.(type) {
	case xml.StartElement:
		return r.open(token)
	case xml.EndElement:
		return r.close(token)
	case xml.CharData:
		return r.text(string(token))
	case xml.Comment:
		return r.comment(string(token))
	case xml.ProcInst:
		if token.Target != "xml" || r.begun {
			return errors.New("the document holds a processing instruction, or an XML declaration that is not at its start")
		}
	case xml.Directive:
		return errors.New("the document has a document type (DOCTYPE)")
	}
	return nil
}

func (r *reader) open(start xml.StartElement) error {
	if r.current == nil && r.root != nil {
		return errors.New("the document has a second root element")
	}
	r.depth++
	if r.depth > r.limits.Depth {
		return fmt.Errorf("the document is deeper than %d elements", r.limits.Depth)
	}
	if err := r.count(1 + len(start.Attr)); err != nil {
		return err
	}
	if err := checkName(start.Name); err != nil {
		return err
	}
	element := &Element{Prefix: start.Name.Space, Local: start.Name.Local}
	for _, attribute := range start.Attr {
		if err := element.take(attribute); err != nil {
			return err
		}
	}
	if r.current == nil {
		r.root = element
	} else {
		r.current.Append(element)
	}
	r.current = element
	return element.checkNames()
}

func (r *reader) close(end xml.EndElement) error {
	if r.current == nil || r.current.Prefix != end.Name.Space || r.current.Local != end.Name.Local {
		return fmt.Errorf("the end tag %s matches no start tag", end.Name.Local)
	}
	r.current = r.current.parent
	r.depth--
	return nil
}

func (r *reader) text(data string) error {
	if r.current == nil {
		if strings.Trim(data, " \t\r\n") != "" {
			return errors.New("the document has text outside of its root element")
		}
		return nil
	}
	r.current.Append(Text(data))
	return nil
}

func (r *reader) comment(data string) error {
	if r.current != nil {
		r.current.Append(Comment(data))
	}
	return r.count(1)
}

func (r *reader) count(nodes int) error {
	r.nodes += nodes
	if r.nodes > r.limits.Nodes {
		return fmt.Errorf("the document has more than %d elements, attributes and comments", r.limits.Nodes)
	}
	return nil
}

// take files an attribute under declarations or attributes.
func (e *Element) take(attribute xml.Attr) error {
	// encoding/xml leaves the white space of attribute values as it is; XML 1.0, 3.3.3 makes spaces of it.
	value := strings.NewReplacer("\t", " ", "\n", " ", "\r", " ").Replace(attribute.Value)
	switch {
	case attribute.Name.Space == "" && attribute.Name.Local == "xmlns":
		e.Declare("", value)
	case attribute.Name.Space == "xmlns":
		prefix := attribute.Name.Local
		if value == "" || prefix == "xmlns" || (prefix == "xml") != (value == xmlNamespace) {
			return fmt.Errorf("the prefix %s is bound to %q, which XML namespaces do not allow", prefix, value)
		}
		e.Declare(prefix, value)
	default:
		if err := checkName(attribute.Name); err != nil {
			return err
		}
		e.Attributes = append(e.Attributes, Attribute{attribute.Name.Space, attribute.Name.Local, value})
	}
	return nil
}

// checkNames refuses undeclared prefixes and repeated attributes, once the element stands in its tree.
func (e *Element) checkNames() error {
	if _, declared := e.Resolve(e.Prefix); !declared || e.Prefix == "xmlns" {
		return fmt.Errorf("the prefix of %s:%s is not declared", e.Prefix, e.Local)
	}
	prefixes := make(map[string]bool, len(e.Declarations))
	for _, declaration := range e.Declarations {
		if prefixes[declaration.Prefix] {
			return fmt.Errorf("the element %s declares the prefix %q twice", e.Local, declaration.Prefix)
		}
		prefixes[declaration.Prefix] = true
	}
	names := make(map[xml.Name]bool, len(e.Attributes))
	for _, attribute := range e.Attributes {
		uri, declared := e.attributeNamespace(attribute)
		if !declared {
			return fmt.Errorf("the prefix of the attribute %s:%s is not declared", attribute.Prefix, attribute.Local)
		}
		name := xml.Name{Space: uri, Local: attribute.Local}
		if names[name] {
			return fmt.Errorf("the element %s has the attribute %s twice", e.Local, attribute.Local)
		}
		names[name] = true
	}
	return nil
}

// attributeNamespace differs from Resolve in that the default namespace does not apply to attributes.
func (e *Element) attributeNamespace(attribute Attribute) (string, bool) {
	if attribute.Prefix == "" {
		return "", true
	}
	return e.Resolve(attribute.Prefix)
}

// checkName refuses names with more than one colon, or with a colon at an end: encoding/xml passes them on.
func checkName(name xml.Name) error {
	if strings.Contains(name.Local, ":") {
		return fmt.Errorf("the name %q is not a qualified name", name.Local)
	}
	return nil
}
