package delivery

import (
	"bytes"
	"encoding/asn1"
	"encoding/base64"
)

const (
	// longLine is of base64 for certain: no word is as long.
	longLine = 60
	// shortestRun is less than the smallest certificate, request or key in base64: a private Ed25519 key has 64.
	shortestRun = 60
)

// Beginnings of base64 that need no long line: a SEQUENCE in DER, and PEM.
var beginnings = []string{"MI", "LS0tLS1C"}

// base64Runs finds lines of base64 that follow one another in a text. A run ends with its padding, with an empty line
// and with everything that is no base64; a word behind it is taken for its last line.
func base64Runs(text []byte) [][]byte {
	var runs [][]byte
	var run []byte
	end := func() {
		if len(run) >= shortestRun {
			runs = append(runs, run)
		}
		run = nil
	}
	for line := range bytes.Lines(text) {
		line = bytes.TrimSpace(bytes.TrimLeft(line, "> \t"))
		content := bytes.TrimRight(line, "=")
		if len(content) == 0 || !isBase64(content) {
			end()
			continue
		}
		if len(run) > 0 || beginsRun(content) {
			run = append(run, content...)
		}
		if len(content) < len(line) {
			end()
		}
	}
	end()
	return runs
}

func beginsRun(line []byte) bool {
	for _, beginning := range beginnings {
		if bytes.HasPrefix(line, []byte(beginning)) {
			return true
		}
	}
	return len(line) >= longLine
}

func isBase64(line []byte) bool {
	for _, character := range line {
		isLetter := character|0x20 >= 'a' && character|0x20 <= 'z'
		if !isLetter && (character < '0' || character > '9') && character != '+' && character != '/' {
			return false
		}
	}
	return true
}

// decodeRun is what a run stands for, without the word that may have followed it.
func decodeRun(run []byte) []byte {
	const quantum = 4
	if len(run)%quantum == 1 {
		run = run[:len(run)-1] // no base64 has such a length
	}
	decoded, err := base64.RawStdEncoding.DecodeString(string(run))
	if err != nil {
		return nil
	}
	whole := 0
	for rest := decoded; isBinary(rest); {
		var object asn1.RawValue
		after, err := asn1.Unmarshal(rest, &object)
		if err != nil {
			return decoded
		}
		whole += len(rest) - len(after)
		rest = after
	}
	if whole == 0 {
		return decoded
	}
	return decoded[:whole]
}
