package pki

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"slices"
	"time"
)

// Trust is a configured set of anchors and intermediates that chains are built from. Nothing else is ever used:
// neither the system's roots, nor, unless WithIntermediates is given them, certificates that came with what is checked.
// The zero Trust trusts nothing. A Trust is immutable and safe for concurrent use.
type Trust struct {
	anchors       []*x509.Certificate
	intermediates []*x509.Certificate
	// The pools hold the same certificates; building them for every chain would cost more than the chain.
	anchorPool       *x509.CertPool
	intermediatePool *x509.CertPool
}

// NewTrust sorts a bundle into anchors, which are the self-signed certificates, and intermediates, which are the rest.
// When no certificate is self-signed all are anchors: somebody then trusts an issuing CA, or one signer, and not
// what lies above it. It fails when the bundle is empty.
func NewTrust(bundle []*x509.Certificate) (Trust, error) {
	if len(bundle) == 0 {
		return Trust{}, errors.New("no certificate to trust")
	}
	trust := Trust{anchorPool: x509.NewCertPool(), intermediatePool: x509.NewCertPool()}
	for _, certificate := range bundle {
		if selfSigned(certificate) {
			trust.anchors = append(trust.anchors, certificate)
		} else {
			trust.intermediates = append(trust.intermediates, certificate)
		}
	}
	if len(trust.anchors) == 0 {
		trust.anchors, trust.intermediates = trust.intermediates, nil
	}
	for _, certificate := range trust.anchors {
		trust.anchorPool.AddCert(certificate)
	}
	for _, certificate := range trust.intermediates {
		trust.intermediatePool.AddCert(certificate)
	}
	return trust, nil
}

// WithIntermediates returns a Trust with the same anchors, in which chains may lead through these certificates, too,
// whoever sent them. The zero Trust still trusts nothing.
func (t Trust) WithIntermediates(certificates []*x509.Certificate) Trust {
	if len(t.anchors) == 0 || len(certificates) == 0 {
		return t
	}
	t.intermediatePool = t.intermediatePool.Clone()
	t.intermediates = slices.Concat(t.intermediates, certificates)
	for _, certificate := range certificates {
		t.intermediatePool.AddCert(certificate)
	}
	return t
}

// Size is how many bytes its certificates have in DER.
func (t Trust) Size() int {
	size := 0
	for _, certificate := range slices.Concat(t.anchors, t.intermediates) {
		size += len(certificate.Raw)
	}
	return size
}

// selfSigned tells a root from an intermediate that merely has the same name as its issuer, as key rollover
// certificates have. Go does not check signatures with MD5, which very old roots carry; nothing depends on a root's own
// signature, so the names decide there.
func selfSigned(certificate *x509.Certificate) bool {
	if !SelfIssued(certificate) {
		return false
	}
	err := certificate.CheckSignature(
		certificate.SignatureAlgorithm, certificate.RawTBSCertificate, certificate.Signature)
	var insecure x509.InsecureAlgorithmError
	return err == nil || errors.As(err, &insecure)
}

// Digest returns a digest of the set in lower-case hexadecimal: the same for the same certificates in any order. It
// serves to notice changes.
func (t Trust) Digest() string {
	digests := make([][]byte, 0, len(t.anchors)+len(t.intermediates))
	for _, group := range [][]*x509.Certificate{t.anchors, t.intermediates} {
		for _, certificate := range group {
			digest := sha256.Sum256(certificate.Raw)
			digests = append(digests, digest[:])
		}
	}
	slices.SortFunc(digests, bytes.Compare)
	sum := sha256.Sum256(bytes.Join(digests, nil))
	return hex.EncodeToString(sum[:])
}

// Chain returns the chain from leaf, which comes first, to an anchor, which comes last, as valid at now. Extended key
// usages are not looked at: the service's hierarchies do not use them for what is checked here. When there are
// several chains the shortest wins, then the one whose certificates were configured first. Errors are of type
// *ChainError.
func (t Trust) Chain(leaf *x509.Certificate, now time.Time) ([]*x509.Certificate, error) {
	if len(t.anchors) == 0 {
		// Without a pool of roots, crypto/x509 would take the system's.
		return nil, &ChainError{Reason: ChainUnknownAuthority, Certificate: leaf, Err: errNoAnchors}
	}
	if reason := outsideDates(leaf, now); reason != "" {
		return nil, &ChainError{Reason: reason, Certificate: leaf}
	}
	chains, err := leaf.Verify(x509.VerifyOptions{
		Roots:         t.anchorPool,
		Intermediates: t.intermediatePool,
		CurrentTime:   now,
		KeyUsages:     []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	})
	if err != nil {
		return nil, t.explain(leaf, now, err)
	}
	return slices.MinFunc(chains, t.compareChains), nil
}

// SelfIssued reports whether a certificate names itself as its issuer, as one does that nobody has issued.
func SelfIssued(certificate *x509.Certificate) bool {
	return bytes.Equal(certificate.RawSubject, certificate.RawIssuer)
}

// outsideDates returns "" when certificate is valid at now as far as its dates go.
func outsideDates(certificate *x509.Certificate, now time.Time) ChainReason {
	switch {
	case now.Before(certificate.NotBefore):
		return ChainNotYetValid
	case now.After(certificate.NotAfter):
		return ChainExpired
	}
	return ""
}

func (t Trust) compareChains(one, other []*x509.Certificate) int {
	if len(one) != len(other) {
		return len(one) - len(other)
	}
	for index := 1; index < len(one); index++ {
		if difference := t.position(one[index]) - t.position(other[index]); difference != 0 {
			return difference
		}
	}
	return 0
}

// position is a certificate's place in the configuration, intermediates before anchors.
func (t Trust) position(certificate *x509.Certificate) int {
	if index := slices.IndexFunc(t.intermediates, certificate.Equal); index >= 0 {
		return index
	}
	return len(t.intermediates) + slices.IndexFunc(t.anchors, certificate.Equal)
}

// explain turns an error of crypto/x509 into ours. For an issuer outside its dates crypto/x509 says no more than
// "unknown authority", which sends the reader to look for the wrong mistake; so the issuers are looked up again.
func (t Trust) explain(leaf *x509.Certificate, now time.Time, err error) *ChainError {
	var invalid x509.CertificateInvalidError
	if errors.As(err, &invalid) && invalid.Reason == x509.Expired && invalid.Cert != nil {
		if reason := outsideDates(invalid.Cert, now); reason != "" {
			return &ChainError{Reason: reason, Certificate: invalid.Cert, Err: err}
		}
	}
	if _, unknown := errors.AsType[x509.UnknownAuthorityError](err); !unknown {
		return &ChainError{Reason: ChainInvalid, Certificate: leaf, Err: err}
	}
	if issuer := t.issuerOutsideDates(leaf, now); issuer != nil {
		return &ChainError{Reason: outsideDates(issuer, now), Certificate: issuer, Err: err}
	}
	return &ChainError{Reason: ChainUnknownAuthority, Certificate: leaf, Err: err}
}

// issuerOutsideDates follows the configured issuers of leaf upwards to the first that is not valid at now.
func (t Trust) issuerOutsideDates(leaf *x509.Certificate, now time.Time) *x509.Certificate {
	configured := t.all()
	certificate := leaf
	for range configured { // a chain has at most all of them; the bound also ends cycles of cross-signed certificates
		index := slices.IndexFunc(configured, func(candidate *x509.Certificate) bool {
			return bytes.Equal(candidate.RawSubject, certificate.RawIssuer) &&
				certificate.CheckSignatureFrom(candidate) == nil
		})
		if index < 0 {
			return nil
		}
		certificate = configured[index]
		if outsideDates(certificate, now) != "" {
			return certificate
		}
	}
	return nil
}
