package delivery

// What the library for PKCS#7 does with BER costs as much as all bytes for each level of nesting, and for each element
// whose container has no length. A file with 20 certificates has a dozen levels and a few dozen of such elements.
const (
	maximumNesting   = 32
	maximumUncounted = 256
	indefinite       = 0x80
)

// container is an element that is being read: where it ends, or that this is to be found out.
type container struct {
	end        int
	indefinite bool
	elements   int
}

// isCheap reports whether the first element of BER is whole, and stays within these bounds. It reads tags and lengths
// as the library does, in one pass; of a container without length the library takes the first element for one,
// whatever that is, and so does this.
func isCheap(ber []byte) bool {
	offset, uncounted := 0, 0
	open := []container{{end: len(ber)}}
	for len(ber) > 0 && len(open) <= maximumNesting {
		top := &open[len(open)-1]
		switch {
		case len(open) == 1 && top.elements == 1:
			return true
		case top.indefinite && top.elements > 0 && endsHere(ber, offset):
			offset += 2
			open = open[:len(open)-1]
			continue
		case !top.indefinite && offset == top.end:
			open = open[:len(open)-1]
			continue
		}
		element, start, ok := readHeader(ber, offset)
		if !ok || element.end > len(ber) || (!top.indefinite && element.end > top.end) {
			return false
		}
		top.elements++
		if top.indefinite {
			uncounted++
		}
		if uncounted > maximumUncounted {
			return false
		}
		constructed := ber[offset]&0x20 != 0
		if offset = start; constructed {
			open = append(open, element)
		} else if offset = element.end; element.indefinite {
			return false
		}
	}
	return false
}

// endsHere reports whether a container without length ends (X.690, 8.1.5).
func endsHere(ber []byte, offset int) bool {
	return offset+1 < len(ber) && ber[offset] == 0 && ber[offset+1] == 0
}

// readHeader reads tag and length (X.690, 8.1.2 and 8.1.3), and tells where the content begins.
func readHeader(ber []byte, offset int) (element container, start int, ok bool) {
	const longTag, continued, longestLength = 0x1F, 0x80, 4
	if offset >= len(ber) {
		return element, 0, false
	}
	isLong := ber[offset]&longTag == longTag
	offset++
	for isLong && offset < len(ber) && ber[offset] >= continued {
		offset++
	}
	if isLong {
		offset++
	}
	if offset >= len(ber) {
		return element, 0, false
	}
	length := int(ber[offset])
	offset++
	if length > indefinite {
		count := length - indefinite
		if length = 0; count > longestLength || offset+count > len(ber) {
			return element, 0, false
		}
		for ; count > 0; count-- {
			length = length<<8 | int(ber[offset])
			offset++
		}
	} else if length == indefinite {
		return container{end: offset, indefinite: true}, offset, true
	}
	return container{end: offset + length}, offset, true
}
