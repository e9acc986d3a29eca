package pki

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"
)

const (
	// maximumRequestBytes bounds a certificate request, PEM or DER. A request for the largest key allowed
	// (8192 bits) takes about 3 kB; the rest is room for a hundred DNS names of full length (253 characters), written
	// as PEM, so that such a request is told that names are not certified and not that it is too large.
	maximumRequestBytes = 64 << 10

	// maximumCertificateBytes bounds one certificate, PEM or DER. A certificate with 8192-bit keys takes about 4 kB as
	// PEM; sixteen times as much leaves room for policies and names that a service may add.
	maximumCertificateBytes = 64 << 10

	certificateBlock       = "CERTIFICATE"
	requestBlock           = "CERTIFICATE REQUEST"
	oldRequestBlock        = "NEW CERTIFICATE REQUEST" // what some old tools write, RFC 7468 section 7
	privateKeyBlockEnding  = "PRIVATE KEY"             // of every kind: RSA, EC, ENCRYPTED
	encapsulationBoundary  = "-----"
	beginningOfAnyPEMBlock = encapsulationBoundary + "BEGIN "
)

// ParseCertificateRequest decodes a PKCS#10 request, given as DER or as PEM with exactly one block of type
// CERTIFICATE REQUEST or NEW CERTIFICATE REQUEST. It takes at most 64 KiB. Neither the signature nor anything else in
// the request is checked: that is what CheckCertificateRequest is for.
func ParseCertificateRequest(data []byte) (*x509.CertificateRequest, error) {
	der, err := single(data, "certificate request", maximumRequestBytes, requestBlock, oldRequestBlock)
	if err != nil {
		return nil, err
	}
	request, err := x509.ParseCertificateRequest(der)
	if err != nil {
		return nil, fmt.Errorf("certificate request is not a PKCS#10 request: %w", Bounded(err))
	}
	return request, nil
}

// ParseCertificate decodes one certificate, given as DER or as PEM with exactly one CERTIFICATE block; the service
// sends base64 of either (docs/protocol.md, Fields). It takes at most 64 KiB.
func ParseCertificate(data []byte) (*x509.Certificate, error) {
	der, err := single(data, "certificate", maximumCertificateBytes, certificateBlock)
	if err != nil {
		return nil, err
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("certificate is not an X.509 certificate: %w", Bounded(err))
	}
	return certificate, nil
}

// single returns the DER of the only object in data, which is called what in errors. PEM is recognized by its
// beginning; everything else is taken for DER.
func single(data []byte, what string, maximum int, blockTypes ...string) ([]byte, error) {
	if len(data) == 0 {
		return nil, fmt.Errorf("%s is empty", what)
	}
	if len(data) > maximum {
		return nil, fmt.Errorf("%s has %d bytes, more than the %d that are accepted", what, len(data), maximum)
	}
	if !bytes.Contains(data, []byte(beginningOfAnyPEMBlock)) {
		return data, nil
	}
	blocks, err := pemBlocks(data, 1)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	if len(blocks) != 1 {
		return nil, fmt.Errorf("%s: no PEM block found", what)
	}
	if err := checkBlockType(blocks[0].Type, blockTypes...); err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	return blocks[0].Bytes, nil
}

// errBrokenBlock says what pem.Decode keeps silent about: it skips a block that it cannot decode.
var errBrokenBlock = errors.New("is cut off or is not valid PEM")

// errNoBlock is about a bundle that is neither empty nor PEM: a page of HTML, or a file that was packed or encoded once
// more. Nobody finds "the last PEM block" there.
var errNoBlock = errors.New("it holds no PEM certificate, but something else: put the certificates here as PEM, each " +
	"of which begins with a line " + beginningOfAnyPEMBlock + "CERTIFICATE-----")

// pemBlocks splits data into at most maximum PEM blocks. Explanatory text may stand before a block (RFC 7468 section
// 5.2, openssl writes it); after the last one only white space and lines that start with # may follow. A block that
// cannot be decoded is an error that says which one it is, counted from 1.
func pemBlocks(data []byte, maximum int) ([]*pem.Block, error) {
	var blocks []*pem.Block
	for {
		number := len(blocks) + 1
		block, rest := pem.Decode(data)
		if block == nil {
			return blocks, checkTrailingText(data, number)
		}
		if skipped := beforeBlock(data, rest, block.Type); bytes.Contains(skipped, []byte(encapsulationBoundary)) {
			return nil, fmt.Errorf("block %d %w", number, errBrokenBlock)
		}
		if number > maximum {
			return nil, fmt.Errorf("holds more PEM blocks than the %d that are accepted", maximum)
		}
		blocks = append(blocks, block)
		data = rest
	}
}

// beforeBlock returns the text in front of the block of type blockType that ends where rest begins.
func beforeBlock(data, rest []byte, blockType string) []byte {
	consumed := data[:len(data)-len(rest)]
	return consumed[:max(0, bytes.LastIndex(consumed, []byte(beginningOfAnyPEMBlock+blockType)))]
}

func checkTrailingText(text []byte, number int) error {
	if bytes.Contains(text, []byte(encapsulationBoundary)) {
		return fmt.Errorf("block %d %w", number, errBrokenBlock)
	}
	for line := range bytes.Lines(text) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		if number == 1 {
			return errNoBlock
		}
		return errors.New("text after the last PEM block: remove it, or start its lines with #")
	}
	return nil
}

// checkBlockType refuses blocks of other types than the wanted ones. It repeats the type only, never the content: a
// private key that was pasted by mistake must not reach a log.
func checkBlockType(blockType string, wanted ...string) error {
	if slices.Contains(wanted, blockType) {
		return nil
	}
	if strings.HasSuffix(blockType, privateKeyBlockEnding) {
		return errors.New("is a private key: remove it from here, and replace it if others can read this place")
	}
	return fmt.Errorf("is of type %s, want %s", Quote(blockType), strings.Join(wanted, " or "))
}
