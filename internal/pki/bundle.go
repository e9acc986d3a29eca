package pki

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
)

const (
	// maximumBundleBytes is what a ConfigMap or a Secret can hold.
	maximumBundleBytes = 1 << 20
	// maximumBundleCertificates leaves room for a whole distribution's roots (about 150) three times over: someone may
	// well configure that for the TLS connection.
	maximumBundleCertificates = 500
)

// ParseBundle decodes a bundle of certificates in PEM (see Readable), or in DER, at most 1 MiB and 500 certificates.
// Blocks that are no
// certificates are refused, private keys with a warning that does not repeat them. Comments and explanatory text
// between blocks are skipped; anything that looks like a broken block is an error, because a certificate that is
// silently left out is found much later. Duplicates are removed, the order is kept. Errors count blocks from 1.
func ParseBundle(data []byte) ([]*x509.Certificate, error) {
	if len(data) > maximumBundleBytes {
		return nil, fmt.Errorf("certificate bundle has %d bytes, more than the %d that are accepted",
			len(data), maximumBundleBytes)
	}
	data = armored(Readable(data))
	blocks, err := pemBlocks(data, maximumBundleCertificates)
	if err != nil {
		return nil, fmt.Errorf("certificate bundle: %w", err)
	}
	if len(blocks) == 0 {
		return nil, errors.New("certificate bundle holds no PEM certificate")
	}
	certificates := make([]*x509.Certificate, 0, len(blocks))
	seen := make(map[string]bool, len(blocks))
	for index, block := range blocks {
		if err := checkBlockType(block.Type, certificateBlock); err != nil {
			return nil, fmt.Errorf("certificate bundle: block %d %w", index+1, err)
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("certificate bundle: block %d is not an X.509 certificate: %w", index+1, err)
		}
		if !seen[string(certificate.Raw)] {
			seen[string(certificate.Raw)] = true
			certificates = append(certificates, certificate)
		}
	}
	return certificates, nil
}

// armored makes PEM of certificates in DER, one behind the other, with or without base64 around; everything else comes
// back as it is.
func armored(data []byte) []byte {
	if bytes.Contains(data, []byte(encapsulationBoundary)) {
		return data
	}
	for _, der := range [][]byte{data, unarmored(data)} {
		certificates, err := x509.ParseCertificates(der)
		if err != nil || len(certificates) == 0 {
			continue
		}
		var text bytes.Buffer
		for _, certificate := range certificates {
			text.Write(pem.EncodeToMemory(&pem.Block{Type: certificateBlock, Bytes: certificate.Raw}))
		}
		return text.Bytes()
	}
	return data
}
