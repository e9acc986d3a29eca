package client

import (
	"bytes"
	"encoding/base64"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"strings"
)

// maximumParts bounds how many parts of a body are read: a response is one, and what a gateway adds are a few more.
const maximumParts = 8

// decodedParts is a body of several parts without the transfer encodings that hide what stands in them (RFC 2045, 6),
// as far as it can be read, which makes it no longer; nil if there is none. It serves to find a RetrievalId: a response
// to rely on has one part.
func decodedParts(contentType string, body []byte) []byte {
	mediaType, parameters, err := mime.ParseMediaType(contentType)
	if err != nil || !strings.HasPrefix(mediaType, "multipart/") || parameters["boundary"] == "" {
		return nil
	}
	parts := multipart.NewReader(bytes.NewReader(body), parameters["boundary"])
	var text bytes.Buffer
	encoded := false
	for range maximumParts {
		part, err := parts.NextRawPart()
		if err != nil {
			break
		}
		var content io.Reader = part
		switch strings.ToLower(strings.TrimSpace(part.Header.Get("Content-Transfer-Encoding"))) {
		case "quoted-printable":
			content, encoded = quotedprintable.NewReader(part), true
		case "base64":
			content, encoded = base64.NewDecoder(base64.StdEncoding, part), true
		}
		_, _ = text.ReadFrom(content) // one that is cut off, or broken, may hold the id before that
	}
	if !encoded {
		return nil
	}
	return text.Bytes()
}
