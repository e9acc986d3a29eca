package xmlsig

import (
	"slices"

	"github.com/beevik/etree"
)

// binding binds a prefix to a namespace; the default namespace has the prefix "".
type binding struct {
	prefix    string
	namespace string
}

// scope holds the namespace declarations of an element and its ancestors, the innermost last. Lookups are linear: the
// parser bounds how many declarations there can be.
type scope []binding

// lookup returns the namespace that a prefix is bound to. The default namespace is always bound, to "" if nobody
// declared it; so is the prefix xml.
func (s scope) lookup(prefix string) (namespace string, bound bool) {
	for _, declared := range slices.Backward(s) {
		if declared.prefix == prefix {
			return declared.namespace, true
		}
	}
	if prefix == xmlPrefix {
		return xmlNamespace, true
	}
	return "", prefix == ""
}

// declarations appends the namespace declarations of an element.
func (s scope) declarations(element *etree.Element) scope {
	for index := range element.Attr {
		if declared, ok := declaration(&element.Attr[index]); ok {
			s = append(s, declared)
		}
	}
	return s
}

// scopeIn returns what is in force in an element. It returns nothing for nil.
func scopeIn(element *etree.Element) scope {
	if element == nil {
		return nil
	}
	return scopeIn(element.Parent()).declarations(element)
}

// declaration returns the binding that an attribute makes if it is a namespace declaration.
func declaration(attribute *etree.Attr) (binding, bool) {
	switch {
	case attribute.Space == xmlnsPrefix:
		return binding{attribute.Key, attribute.Value}, true
	case attribute.Space == "" && attribute.Key == xmlnsPrefix:
		return binding{"", attribute.Value}, true
	}
	return binding{}, false
}
