package xmlsig

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/varmenne/varmenne-issuer/internal/pki"
)

// Signers says whose signatures are accepted: end entities with an RSA key of at least minimumSignerBits that the trust
// leads to, and that are no customers of the service.
type Signers struct {
	// Trust is what a signer's certificate must chain to. Certificates that come with a signature are never used to
	// build the chain: where the hierarchies for customers and for responses share a root, they would let any customer
	// sign responses.
	Trust pki.Trust
	// Now is the moment at which a signer must be valid.
	Now time.Time
	// CustomerID is the customer to whom the response goes; nobody with this common name may sign it. A common name in
	// the form of a Finnish business id is refused in any case.
	CustomerID string
}

// minimumSignerBits is the length of the shortest RSA key that may sign a response.
const minimumSignerBits = 2048

// candidate is a certificate of a signature whose key can have made it.
type candidate struct {
	certificate *x509.Certificate
	key         *rsa.PublicKey
	// refusal is why its signature is not accepted, nil if it is; filled in by Signers.judge.
	refusal *VerifyError
}

const (
	// cheapKeyBits and cheapExponent bound the keys of strangers that are tried at all. The time for a key grows with
	// the square of its length, and with the length of its exponent.
	cheapKeyBits  = 4096
	cheapExponent = 1<<16 + 1
)

func (c *candidate) isCheap() bool {
	return c.key.N.BitLen() <= cheapKeyBits && c.key.E <= cheapExponent
}

// judge decides for every candidate if its signature is accepted. If no one's is, it returns the refusal of the
// candidate that is most likely the signer: the first that is no authority.
func (s Signers) judge(candidates []candidate) *VerifyError {
	var likely *candidate
	accepted := false
	for index := range candidates {
		current := &candidates[index]
		current.refusal = s.refusal(current)
		accepted = accepted || current.refusal == nil
		if likely == nil || (isAuthority(likely.certificate) && !isAuthority(current.certificate)) {
			likely = current
		}
	}
	if accepted {
		return nil
	}
	return likely.refusal
}

// refusal says why a candidate's signature is not accepted; nil if it is.
func (s Signers) refusal(candidate *candidate) *VerifyError {
	certificate := candidate.certificate
	about := func(reason Reason, format string, arguments ...any) *VerifyError {
		problem := fmt.Errorf(format, arguments...)
		return &VerifyError{Reason: reason, Signer: certificate,
			Err: fmt.Errorf("signed by %s: %w", describe(certificate), problem)}
	}
	if _, err := s.Trust.Chain(certificate, s.Now); err != nil {
		return about(reasonOf(err), "%w", err)
	}
	if bits := candidate.key.N.BitLen(); bits < minimumSignerBits {
		return about(WeakSigner, "its RSA key has %d bits, fewer than %d", bits, minimumSignerBits)
	}
	if isAuthority(certificate) {
		return about(SignerIsAuthority, "it is a certificate authority, which issues certificates and signs no responses")
	}
	if name, isCustomer := s.customerName(certificate); isCustomer {
		return about(SignerIsCustomer, "its common name %s is that of a customer, and customers sign no responses",
			pki.Quote(name))
	}
	return nil
}

// isAuthority reports whether a certificate says of itself that it issues others.
func isAuthority(certificate *x509.Certificate) bool {
	return certificate.IsCA || certificate.KeyUsage&x509.KeyUsageCertSign != 0
}

var (
	oidCommonName = asn1.ObjectIdentifier{2, 5, 4, 3}
	// businessID is the form of a Finnish business id, which is what the service writes into certificates of customers
	// (docs/protocol.md, Lifecycle facts).
	businessID = regexp.MustCompile(`^[0-9]{7}-[0-9]$`)
)

// customerName returns the common name of a certificate that is a customer's.
func (s Signers) customerName(certificate *x509.Certificate) (name string, isCustomer bool) {
	for _, attribute := range certificate.Subject.Names {
		value, isText := attribute.Value.(string)
		if !isText || !attribute.Type.Equal(oidCommonName) {
			continue
		}
		if name = strings.TrimSpace(value); businessID.MatchString(name) || (name != "" && name == s.CustomerID) {
			return name, true
		}
	}
	return "", false
}

func reasonOf(err error) Reason {
	if chainError, ok := errors.AsType[*pki.ChainError](err); ok {
		switch chainError.Reason {
		case pki.ChainExpired:
			return SignerExpired
		case pki.ChainNotYetValid:
			return SignerNotYetValid
		case pki.ChainUnknownAuthority, pki.ChainInvalid:
		}
	}
	return UntrustedSigner
}

// describe names a certificate in an error.
func describe(certificate *x509.Certificate) string {
	return fmt.Sprintf("subject %s, issuer %s", pki.QuoteName(certificate.Subject), pki.QuoteName(certificate.Issuer))
}
