package pki

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
)

// ChainReason says why no chain could be built.
type ChainReason string

const (
	// ChainExpired means that the certificate, or one above it, is past its notAfter.
	ChainExpired ChainReason = "Expired"
	// ChainNotYetValid means that the certificate, or one above it, is before its notBefore.
	ChainNotYetValid ChainReason = "NotYetValid"
	// ChainUnknownAuthority means that no configured certificate leads from the certificate to an anchor.
	ChainUnknownAuthority ChainReason = "UnknownAuthority"
	// ChainInvalid means that the configured certificates lead to an anchor, but the chain breaks another rule of
	// X.509: an issuer that is no CA, a critical extension that is not understood, a name constraint.
	ChainInvalid ChainReason = "Invalid"
)

var errNoAnchors = errors.New("no certificate is configured to be trusted")

// ChainError says why Trust.Chain built no chain.
type ChainError struct {
	// Reason classifies the error.
	Reason ChainReason
	// Certificate is the one that the reason is about; with ChainExpired and ChainNotYetValid it may be an issuer.
	Certificate *x509.Certificate
	// Err is what crypto/x509 said; nil when the dates of the leaf already decided.
	Err error
}

// Error names the certificate and, for an unknown authority, the issuer that has to be configured.
func (e *ChainError) Error() string {
	subject := QuoteName(e.Certificate.Subject)
	switch e.Reason {
	case ChainExpired:
		return fmt.Sprintf("certificate %s expired at %s", subject, date(e.Certificate.NotAfter))
	case ChainNotYetValid:
		return fmt.Sprintf("certificate %s is valid only from %s", subject, date(e.Certificate.NotBefore))
	case ChainUnknownAuthority:
		return fmt.Sprintf("certificate %s was issued by %s, which the configured certificates do not lead to: %v",
			subject, QuoteName(e.Certificate.Issuer), Bounded(e.Err))
	default:
		return fmt.Sprintf("certificate %s has no valid chain: %v", subject, Bounded(e.Err))
	}
}

// Unwrap returns the error of crypto/x509, if there is one.
func (e *ChainError) Unwrap() error { return e.Err }

// EncodeChain writes a chain, leaf first and root last as Trust.Chain returns it, the way cert-manager keeps it: tlsCrt
// is the leaf and then the intermediates without the root, ca is the root, both PEM. The leaf is in tlsCrt even when it
// is the whole chain; an empty chain gives nothing.
func EncodeChain(chain []*x509.Certificate) (tlsCrt, ca []byte) {
	if len(chain) == 0 {
		return nil, nil
	}
	root := len(chain) - 1
	return encodeCertificates(chain[:max(root, 1)]), encodeCertificates(chain[root:])
}

// pemLine is how many characters are in a line of PEM.
const pemLine = 64

func encodeCertificates(certificates []*x509.Certificate) []byte {
	const frame = len("-----BEGIN -----\n-----END -----\n") + 2*len(certificateBlock)
	room := 0
	for _, certificate := range certificates {
		encoded := base64.StdEncoding.EncodedLen(len(certificate.Raw))
		room += frame + encoded + encoded/pemLine + len("\n")
	}
	buffer := bytes.NewBuffer(make([]byte, 0, room)) // it is kept: not more than it takes
	for _, certificate := range certificates {
		// It fails only for headers with a colon in the key, and there are no headers.
		_ = pem.Encode(buffer, &pem.Block{Type: certificateBlock, Bytes: certificate.Raw})
	}
	return buffer.Bytes()
}
