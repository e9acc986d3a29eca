package xmlsig

import (
	"slices"

	"github.com/beevik/etree"
)

// The service signs its payload as a document of its own and puts it into the envelope afterwards. To verify it, it
// must be cut out again as it was: with what it declares itself, without what it would inherit. But some SOAP stacks
// move declarations up to the envelope while they write it; the payload then uses prefixes that it does not declare,
// and those declarations belong to what was signed. Nothing in the document tells which case it is, so detachments
// lists the documents it can have been. Each of them is complete in itself, and what is handed on is the very one whose
// digest was signed, so that trying several gives nobody a choice that the signer did not make.

// detachment is one way to cut a payload out of its envelope.
type detachment struct {
	// hoisted are declarations of ancestors that are taken back to the payload.
	hoisted []binding
	// signatureHoisted are those that only the Signature uses.
	signatureHoisted []binding
}

// detachments returns the ways to cut the payload out, the most likely first. Usually it is one.
func detachments(payload, signature *etree.Element) ([]detachment, error) {
	content := undeclared(payload, signature, nil, nil)
	required, err := inherited(payload, content)
	if err != nil {
		return nil, err
	}
	own, err := inherited(payload, undeclared(signature, nil, scope(nil).declarations(payload), nil))
	if err != nil {
		return nil, err
	}
	own = slices.DeleteFunc(own, func(candidate binding) bool { return slices.Contains(required, candidate) })
	// An inherited default namespace is another matter: a payload that was put into an envelope with a default
	// namespace, as text, has unprefixed elements that never were in that namespace.
	withoutDefault := slices.DeleteFunc(slices.Clone(required), func(candidate binding) bool {
		return candidate.prefix == ""
	})
	ways := []detachment{{hoisted: withoutDefault, signatureHoisted: own}}
	if len(withoutDefault) < len(required) {
		ways = append(ways, detachment{hoisted: required, signatureHoisted: own})
	}
	// A declaration that only the Signature uses was made on it, or on the payload's root.
	if len(own) > 0 {
		for _, way := range slices.Clone(ways) {
			ways = append(ways, detachment{hoisted: slices.Concat(way.hoisted, own)})
		}
	}
	return ways, nil
}

// undeclared appends the prefixes that are used in element, without the part that is left out, and not declared in it
// or in the scope around it. The default namespace counts as undeclared where an unprefixed element is not in the
// reach of a declaration.
func undeclared(element, without *etree.Element, around scope, found []string) []string {
	around = around.declarations(element) // siblings write over each other's: none of them is read again
	found = noteUndeclared(element.Space, around, found)
	for index := range element.Attr {
		attribute := &element.Attr[index]
		if _, isDeclaration := declaration(attribute); !isDeclaration && attribute.Space != "" {
			found = noteUndeclared(attribute.Space, around, found)
		}
	}
	for _, child := range element.Child {
		if inner, isElement := child.(*etree.Element); isElement && inner != without {
			found = undeclared(inner, without, around, found)
		}
	}
	return found
}

func noteUndeclared(prefix string, around scope, found []string) []string {
	declared := slices.ContainsFunc(around, func(candidate binding) bool { return candidate.prefix == prefix })
	if declared || prefix == xmlPrefix || slices.Contains(found, prefix) {
		return found
	}
	return append(found, prefix)
}

// inherited returns what the ancestors of element bind the prefixes to. A default namespace that they do not have is
// left out; any other prefix that they do not declare is an error.
func inherited(element *etree.Element, prefixes []string) ([]binding, error) {
	if len(prefixes) == 0 {
		return nil, nil
	}
	outer := scopeIn(element.Parent())
	var bindings []binding
	for _, prefix := range prefixes {
		namespace, bound := outer.lookup(prefix)
		switch {
		case !bound:
			return nil, refuse(Shape, "the namespace prefix %q is not declared", prefix)
		case namespace != "":
			bindings = append(bindings, binding{prefix, namespace})
		}
	}
	return bindings, nil
}

// detach returns the payload as a document of its own: a copy without the Signature and without comments, with the
// hoisted declarations on it.
func (d detachment) detach(payload, signature *etree.Element) *etree.Element {
	detached := etree.NewElement(payload.Tag)
	detached.Space = payload.Space
	copyContent(detached, payload, signature)
	for _, declared := range d.hoisted {
		detached.CreateAttr(joinName(declarationName(declared.prefix)), declared.namespace)
	}
	return detached
}

func declarationName(prefix string) (space, key string) {
	if prefix == "" {
		return "", xmlnsPrefix
	}
	return xmlnsPrefix, prefix
}

// copyContent copies attributes and content. Runs of text that a comment or the Signature separated become one, so that
// a value reads the same for whoever takes only its first run.
func copyContent(to, from, without *etree.Element) {
	if len(from.Attr) > 0 {
		to.Attr = make([]etree.Attr, 0, len(from.Attr))
	}
	for _, attribute := range from.Attr {
		to.CreateAttr(attribute.FullKey(), attribute.Value)
	}
	var text *etree.CharData
	for _, child := range from.Child {
		switch child := child.(type) {
		case *etree.CharData:
			if text == nil {
				text = to.CreateText(child.Data)
			} else {
				text.SetData(text.Data + child.Data)
			}
		case *etree.Element:
			if child != without {
				text = nil
				copied := to.CreateElement(child.Tag)
				copied.Space = child.Space
				copyContent(copied, child, without)
			}
		}
	}
}
