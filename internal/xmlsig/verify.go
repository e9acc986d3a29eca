package xmlsig

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	_ "crypto/sha256" // SHA-256, for crypto.Hash
	_ "crypto/sha512" // SHA-384 and SHA-512, for crypto.Hash
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/beevik/etree"

	"github.com/varmenne/varmenne-issuer/internal/pki"
)

// Verified is an element whose signature was verified.
type Verified struct {
	// Element is exactly what was digested: the payload as a document of its own, without parent, Signature and
	// comments. Nothing that is not in it was signed.
	Element *etree.Element
	// Signer is the certificate whose key made the signature, and which the trust leads to.
	Signer *x509.Certificate
}

// Verify verifies the enveloped signature of payload, an element of a document that Parse has read; it is usually the
// only child of a SOAP Body, and its parents must still be set. payload is not changed.
//
// The signature must be the only one in the payload and its last child, and refer to the whole payload (URI "") through
// the enveloped-signature transform and at most one canonicalisation: exclusive, or inclusive 1.0 or 1.1, without
// comments. RSA with SHA-256, SHA-384 or SHA-512 is accepted, digests likewise. It must have been made before the
// payload was put into its envelope (docs/protocol.md, XML signatures).
//
// The signer's certificate must come with the signature, be valid at now, and chain to trust; certificates that come
// with the signature are never used to build the chain: when the hierarchies for customers and for answers share a
// root, they would let any customer sign answers. Errors are of type *VerifyError.
func Verify(payload *etree.Element, trust pki.Trust, now time.Time) (*Verified, error) {
	signature, err := readSignature(payload)
	if err != nil {
		return nil, err
	}
	element, way, err := signature.checkDigest(payload)
	if err != nil {
		return nil, err
	}
	signers, err := signature.checkValue(element, way)
	if err != nil {
		return nil, err
	}
	signer, err := trusted(signers, trust, now)
	if err != nil {
		return nil, err
	}
	return &Verified{Element: element, Signer: signer}, nil
}

// checkDigest finds the way to cut the payload out whose digest was signed, and returns the result.
func (s *signature) checkDigest(payload *etree.Element) (*etree.Element, detachment, error) {
	ways, err := detachments(payload, s.element)
	if err != nil {
		return nil, detachment{}, err
	}
	for _, way := range ways {
		element := way.detach(payload, s.element)
		canonical, err := canonicalise(element, surroundings{}, s.payloadForm)
		if err != nil {
			return nil, detachment{}, refuse(Shape, "element %s: %w", payload.Tag, err)
		}
		if bytes.Equal(sum(s.digestHash, canonical), s.digest) {
			return element, way, nil
		}
	}
	return nil, detachment{}, refuse(DigestMismatch, "element %s is not what was signed: it was changed afterwards",
		payload.Tag)
}

// checkValue returns those of the certificates in the signature whose key made it: one, unless a key has several
// certificates.
func (s *signature) checkValue(element *etree.Element, way detachment) ([]*x509.Certificate, error) {
	outer := surroundings{}.around(element)
	outer.scope = append(outer.scope, way.signatureHoisted...)
	canonical, err := canonicalise(s.signedInfo, outer.around(s.element), s.signedInfoForm)
	if err != nil {
		return nil, refuse(Shape, "element %s: %w", s.signedInfo.Tag, err)
	}
	digest := sum(s.hash, canonical)
	var signers []*x509.Certificate
	for _, certificate := range s.certificates {
		key, isRSA := certificate.PublicKey.(*rsa.PublicKey)
		if isRSA && key.N.BitLen() <= maximumKeyBits && rsa.VerifyPKCS1v15(key, s.hash, digest, s.value) == nil {
			signers = append(signers, certificate)
		}
	}
	if len(signers) == 0 {
		return nil, refuse(SignatureMismatch, "the signature was not made with the key of the certificate in it (%s)",
			describe(s.certificates[0]))
	}
	return signers, nil
}

func sum(hash crypto.Hash, data []byte) []byte {
	state := hash.New()
	state.Write(data) // never fails, says hash.Hash
	return state.Sum(nil)
}

// trusted returns the first signer that the trust leads to, or the reason why the first one is not trusted.
func trusted(signers []*x509.Certificate, trust pki.Trust, now time.Time) (*x509.Certificate, error) {
	var first error
	for _, signer := range signers {
		_, err := trust.Chain(signer, now)
		if err == nil {
			return signer, nil
		}
		if first == nil {
			first = &VerifyError{
				Reason: reasonOf(err), Signer: signer, Err: fmt.Errorf("signed by %s: %w", describe(signer), err),
			}
		}
	}
	return nil, first
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

// maximumDescription bounds what an error repeats of names in a foreign certificate, in bytes.
const maximumDescription = 256

// describe names a certificate in an error.
func describe(certificate *x509.Certificate) string {
	return fmt.Sprintf("subject %.*q, issuer %.*q", maximumDescription, certificate.Subject.String(),
		maximumDescription, certificate.Issuer.String())
}
