package xmlsig

import (
	"bytes"
	"math"

	"github.com/beevik/etree"
)

// Canonicalise writes an element that is complete in itself in the canonical form with this identifier.
func Canonicalise(element *etree.Element, algorithm string) ([]byte, error) {
	var written bytes.Buffer
	err := canonicalise(element, surroundings{}, canonicalForm{algorithm: algorithm}, &written, math.MaxInt)
	return written.Bytes(), err
}
