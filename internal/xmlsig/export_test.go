package xmlsig

import "github.com/beevik/etree"

// Canonicalise writes an element that is complete in itself in the canonical form with this identifier.
func Canonicalise(element *etree.Element, algorithm string) ([]byte, error) {
	return canonicalise(element, surroundings{}, canonicalForm{algorithm: algorithm})
}
