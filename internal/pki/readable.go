package pki

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"strings"
	"unicode/utf16"
)

// Readable turns what editors, Windows programs and tools make of PEM back into PEM, as far as there is one way to read
// it: UTF-16 and byte order marks, indented lines, blocks that were joined without a line end, PEM in base64 once more.
// Everything else comes back as it is. It takes time in proportion to the length of data.
func Readable(data []byte) []byte {
	data = plainText(data)
	if !bytes.Contains(data, []byte(beginningOfAnyPEMBlock)) {
		if inner := plainText(unarmored(data)); bytes.Contains(inner, []byte(beginningOfAnyPEMBlock)) {
			data = inner
		}
	}
	data = bytes.ReplaceAll(data, []byte(encapsulationBoundary+beginningOfAnyPEMBlock),
		[]byte(encapsulationBoundary+"\n"+beginningOfAnyPEMBlock))
	if !bytes.Contains(data, []byte(" "+beginningOfAnyPEMBlock)) &&
		!bytes.Contains(data, []byte("\t"+beginningOfAnyPEMBlock)) {
		return data
	}
	var text bytes.Buffer
	for line := range bytes.Lines(data) {
		text.Write(bytes.TrimLeft(line, " \t"))
	}
	return text.Bytes()
}

// plainText is UTF-8 without byte order marks. DER is no text, and what looks like a byte order mark in it is content.
func plainText(data []byte) []byte {
	var order binary.ByteOrder
	switch {
	case isDER(data):
		return data
	case bytes.HasPrefix(data, []byte{0xFF, 0xFE}):
		order = binary.LittleEndian
	case bytes.HasPrefix(data, []byte{0xFE, 0xFF}):
		order = binary.BigEndian
	default:
		return bytes.ReplaceAll(data, []byte("\uFEFF"), nil)
	}
	const unit = 2
	units := make([]uint16, 0, len(data)/unit)
	for data = data[unit:]; len(data) >= unit; data = data[unit:] {
		units = append(units, order.Uint16(data))
	}
	return []byte(strings.ReplaceAll(string(utf16.Decode(units)), "\uFEFF", ""))
}

// isDER reports whether data begins as DER of a SEQUENCE of 128 bytes or more does, and no text in UTF-8.
func isDER(data []byte) bool {
	const sequence, oneByte, fourBytes = 0x30, 0x81, 0x84 // of length
	return len(data) > 1 && data[0] == sequence && data[1] >= oneByte && data[1] <= fourBytes
}

// unarmored is what base64 without armor stands for, nil if data is none.
func unarmored(data []byte) []byte {
	decoded, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(string(data)), ""))
	if err != nil {
		return nil
	}
	return decoded
}
