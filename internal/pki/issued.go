package pki

import (
	"crypto/x509"
	"errors"
	"fmt"
	"time"
)

// NotBeforeTolerance is how far the notBefore of a certificate that was just issued may lie in the future: clocks of
// the service and of a cluster differ by seconds, seldom by minutes. Every TLS stack would refuse the certificate until
// then, but refusing it here would throw away what was paid for.
const NotBeforeTolerance = 5 * time.Minute

// IssuedReason says why an issued certificate is not the one that was asked for.
type IssuedReason string

const (
	// IssuedOtherPublicKey means that the certificate bears another key than the request.
	IssuedOtherPublicKey IssuedReason = "OtherPublicKey"
	// IssuedOtherCommonName means that its common name is not the customer id.
	IssuedOtherCommonName IssuedReason = "OtherCommonName"
	// IssuedExpired means that it, or one of its issuers, is past its notAfter.
	IssuedExpired IssuedReason = "Expired"
	// IssuedNotYetValid means that it, or one of its issuers, is before its notBefore by more than NotBeforeTolerance.
	IssuedNotYetValid IssuedReason = "NotYetValid"
	// IssuedUnknownAuthority means that the configured trust does not lead from it to an anchor.
	IssuedUnknownAuthority IssuedReason = "UnknownAuthority"
	// IssuedEarlier means that it was issued before, for another order. CheckIssued, which knows no orders, leaves that to
	// its callers.
	IssuedEarlier IssuedReason = "Earlier"
	// IssuedInvalidChain means that its chain breaks another rule of X.509.
	IssuedInvalidChain IssuedReason = "InvalidChain"
)

// Issued is what an issued certificate must be.
type Issued struct {
	// PublicKeyDigest is PublicKeyDigest of the key in the request.
	PublicKeyDigest string
	// CustomerID must be the certificate's common name (docs/protocol.md, Lifecycle facts).
	CustomerID string
	// Now is the moment at which it must be valid.
	Now time.Time
	// Trust holds the configured issuers of customer certificates.
	Trust Trust
}

// IssuedError says why CheckIssued refused a certificate.
type IssuedError struct {
	// Reason classifies the error.
	Reason IssuedReason
	// Err says what was found and what was expected; for reasons about dates and chains it is the *ChainError.
	Err error
}

// Error says what was found and what was expected.
func (e *IssuedError) Error() string {
	return "the issued certificate is not the one that was asked for: " + e.Err.Error()
}

// Unwrap returns the detailed error.
func (e *IssuedError) Unwrap() error { return e.Err }

// CheckIssued returns the chain of an issued certificate, leaf first and root last, when it bears the requested key and
// the customer's id and is valid now within the configured trust. Errors are of type *IssuedError.
func CheckIssued(leaf *x509.Certificate, want Issued) ([]*x509.Certificate, error) {
	digest, err := PublicKeyDigest(leaf.PublicKey)
	if err != nil {
		return nil, &IssuedError{Reason: IssuedOtherPublicKey, Err: err}
	}
	if digest != want.PublicKeyDigest {
		return nil, &IssuedError{
			Reason: IssuedOtherPublicKey,
			Err:    fmt.Errorf("its public key has the digest %s, the request's has %s", digest, want.PublicKeyDigest),
		}
	}
	if leaf.Subject.CommonName != want.CustomerID {
		return nil, &IssuedError{
			Reason: IssuedOtherCommonName,
			Err: fmt.Errorf("its common name is %s, the issuer's customerID is %s",
				Quote(leaf.Subject.CommonName), Quote(want.CustomerID)),
		}
	}
	chain, err := want.Trust.Chain(leaf, VerificationTime(leaf, want.Now))
	if err != nil {
		return nil, &IssuedError{Reason: issuedReason(err), Err: err}
	}
	return chain, nil
}

// VerificationTime is the time to verify a certificate at: now, or its notBefore where no more than NotBeforeTolerance
// lies between the two. What was issued a moment ago by a faster clock than ours is valid.
func VerificationTime(certificate *x509.Certificate, now time.Time) time.Time {
	if now.Before(certificate.NotBefore) && !now.Add(NotBeforeTolerance).Before(certificate.NotBefore) {
		return certificate.NotBefore
	}
	return now
}

func issuedReason(err error) IssuedReason {
	var chainError *ChainError
	if !errors.As(err, &chainError) {
		return IssuedInvalidChain
	}
	switch chainError.Reason {
	case ChainExpired:
		return IssuedExpired
	case ChainNotYetValid:
		return IssuedNotYetValid
	case ChainUnknownAuthority:
		return IssuedUnknownAuthority
	default:
		return IssuedInvalidChain
	}
}
