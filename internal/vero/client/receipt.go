package client

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"io"
	"strings"

	"github.com/varmenne/varmenne-issuer/internal/vero/protocol"
)

// keepReceipt is the error of a submission with the RetrievalId that stands in what came back, where the error has none
// itself: the response to a submission exists once, whatever has become of it on its way. It makes nothing verified.
//
// What says that nothing was accepted has no receipt: a verified refusal, and a Fault.
func (a *received) keepReceipt(err error) error {
	if _, isRefusal := errors.AsType[*protocol.ServiceError](err); isRefusal {
		return err
	}
	if _, isFault := errors.AsType[*protocol.FaultError](err); isFault {
		return err
	}
	unverified, isUnverified := errors.AsType[*protocol.UnverifiedError](err)
	if isUnverified && unverified.RetrievalID != "" {
		return err
	}
	body := a.unpacked()
	id := protocol.FindRetrievalID(body)
	if id == "" {
		id = protocol.FindRetrievalID(decodedParts(a.contentType, body))
	}
	switch {
	case id == "":
		return err
	case isUnverified:
		return &protocol.UnverifiedError{RetrievalID: id, Err: unverified.Err}
	default:
		return &protocol.UnverifiedError{RetrievalID: id, Err: err}
	}
}

// unpacked is the body without a compression that nobody has asked for, as far as it can be read and no longer than a
// response can be.
func (a *received) unpacked() []byte {
	encoding := strings.ToLower(strings.TrimSpace(a.contentEncoding))
	var packed io.Reader
	var err error
	switch {
	case bytes.HasPrefix(a.body, []byte{0x1f, 0x8b}):
		packed, err = gzip.NewReader(bytes.NewReader(a.body))
	case encoding != "deflate" || bytes.HasPrefix(bytes.TrimSpace(a.body), []byte("<")):
		return a.body
	default:
		// With the frame of zlib, as the standard wants it, or without, as many write it.
		if packed, err = zlib.NewReader(bytes.NewReader(a.body)); err != nil {
			packed, err = flate.NewReader(bytes.NewReader(a.body)), nil
		}
	}
	if err != nil {
		return nil
	}
	unpacked, _ := io.ReadAll(io.LimitReader(packed, maximumBytes))
	return unpacked
}
