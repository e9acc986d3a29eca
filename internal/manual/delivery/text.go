package delivery

import (
	"bytes"
	"encoding/asn1"
	"encoding/base64"
	"encoding/hex"
	"html"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/varmenne/varmenne-issuer/internal/pki"
)

const (
	boundary = "-----"
	begin    = boundary + "BEGIN "
)

var (
	tag  = regexp.MustCompile(`</?[A-Za-z!][^<>]*>`)
	page = regexp.MustCompile(`(?i)<(!doctype|html|body)\b`)
	// quoted is what is encoded in quoted-printable (RFC 2045, 6.7): soft line breaks and characters.
	quoted = regexp.MustCompile(`=(\r?\n|[0-9A-Fa-f]{2})`)
	// softBreak is a line break in base64 that is no padding at its end; there, the next one begins with MI.
	softBreak = regexp.MustCompile(`[A-Za-z0-9+/]=\r?\n([A-LN-Za-z0-9+/]|M[A-HJ-Za-z0-9+/])`)
)

// decodedText is a text without what mail programs do to characters.
func decodedText(data []byte) []byte {
	text := pki.Readable(data)
	if bytes.Contains(text, []byte("=3D")) || softBreak.Match(text) {
		text = quoted.ReplaceAllFunc(text, unquote)
	}
	return text
}

// plainText is a text without tags and what nobody sees: what mail programs and editors do to PEM. Each step takes one
// pass.
func plainText(text []byte) []byte {
	text = []byte(html.UnescapeString(string(tag.ReplaceAllFunc(text, withoutTag))))
	return bytes.Map(plainCharacter, text)
}

// plainCharacter makes blanks of all spaces, and of bytes that are no UTF-8; what nobody sees goes.
func plainCharacter(r rune) rune {
	switch {
	case unicode.Is(unicode.Cf, r):
		return -1
	case unicode.Is(unicode.Zs, r), r == utf8.RuneError:
		return ' '
	default:
		return r
	}
}

func unquote(match []byte) []byte {
	decoded, err := hex.DecodeString(string(match[1:]))
	if err != nil {
		return nil // a soft line break
	}
	return decoded
}

// withoutTag leaves what looks like a tag of HTML and has a PEM block in it.
func withoutTag(match []byte) []byte {
	if bytes.Contains(match, []byte(boundary)) {
		return match
	}
	return []byte("\n")
}

// addText takes PEM, and what stands as base64 without armor beside it; in that may be PEM once more.
func (c *collector) addText(data []byte) error {
	text := decodedText(data)
	if holdsPrivateKey(text) { // one in XML has tags
		return refuseKind(PrivateKey)
	}
	outside, err := c.addPEM(plainText(text))
	if err != nil {
		return err
	}
	for _, run := range base64Runs(outside) {
		if err := c.addDecoded(decodeRun(run)); err != nil {
			return err
		}
	}
	return nil
}

// addDecoded takes what base64 without armor stood for.
func (c *collector) addDecoded(data []byte) error {
	switch kind := kindOfFile(data); kind {
	case "":
	case PrivateKey:
		return refuseKind(kind)
	default:
		c.note(kind)
		return nil
	}
	if isBinary(data) {
		return c.addBinary(data)
	}
	_, err := c.addPEM(data)
	return err
}

// addPEM takes the blocks of a text, and returns what stands outside of them.
func (c *collector) addPEM(text []byte) (outside []byte, err error) {
	if holdsPrivateKey(text) {
		return nil, refuseKind(PrivateKey)
	}
	for number := 1; ; number++ {
		before, rest, found := bytes.Cut(text, []byte(begin))
		outside = append(append(outside, before...), '\n')
		if !found {
			return outside, nil
		}
		label, rest, _ := bytes.Cut(rest, []byte(boundary))
		if text = rest; string(label) == "PGP SIGNED MESSAGE" { // it has no end, and blocks may stand in it
			continue
		}
		// The next boundary is the end, or the block has none: so no part of the text is searched twice.
		body, rest, _ := bytes.Cut(rest, []byte(boundary))
		text, found = bytes.CutPrefix(rest, []byte("END "+string(label)+boundary))
		if !found {
			return nil, brokenBlock(number)
		}
		if err := c.addBlock(string(label), body, number); err != nil {
			return nil, err
		}
	}
}

func brokenBlock(number int) *RefusalError {
	return refuse(Broken, "PEM block %d is cut off or was changed on its way: bring the whole text, from the line "+
		"-----BEGIN … to the line -----END …, or the file that was attached", number)
}

// addBlock takes one PEM block. What is neither a certificate nor PKCS#7 is not decoded.
func (c *collector) addBlock(label string, body []byte, number int) error {
	switch {
	case strings.Contains(label, "REQUEST"):
		c.note(Request)
		return nil
	case strings.Contains(label, "CRL"):
		c.note(RevocationList)
		return nil
	case label == "PGP MESSAGE" || bytes.Contains(body, []byte("ENCRYPTED")):
		c.note(Encrypted)
		return nil
	case !strings.Contains(label, "CERTIFICATE") && !strings.Contains(label, "PKCS") && label != "CMS":
		return nil
	}
	der, err := base64.RawStdEncoding.DecodeString(string(bytes.Map(base64Character, body)))
	if err != nil || !isBinary(der) {
		return brokenBlock(number)
	}
	if strings.HasPrefix(label, "TRUSTED") { // openssl writes its own notes behind the certificate
		var first asn1.RawValue
		if _, err := asn1.Unmarshal(der, &first); err == nil {
			der = first.FullBytes
		}
	}
	return c.addBinary(der)
}

// base64Character drops white space, padding, and what marks quoted lines in mails.
func base64Character(r rune) rune {
	if unicode.IsSpace(r) || strings.ContainsRune("=>|-", r) {
		return -1
	}
	return r
}
