package xmlsig

import (
	"bytes"
	"math"

	"github.com/beevik/etree"
)

// WriteSettings returns settings that change no value of a signed document: others leave a carriage return as it is,
// and a reader then turns it into a line feed.
func WriteSettings() etree.WriteSettings {
	return etree.WriteSettings{CanonicalText: true, CanonicalAttrVal: true}
}

// Canonicalize writes an element that is complete in itself in the canonical form with this identifier.
func Canonicalize(element *etree.Element, algorithm string) ([]byte, error) {
	var written bytes.Buffer
	err := canonicalize(element, surroundings{}, canonicalForm{algorithm: algorithm}, &written, math.MaxInt)
	return written.Bytes(), err
}
