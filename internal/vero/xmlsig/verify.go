package xmlsig

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	_ "crypto/sha256" // SHA-256, for crypto.Hash
	_ "crypto/sha512" // SHA-384 and SHA-512, for crypto.Hash
	"crypto/x509"
	"fmt"

	"github.com/beevik/etree"
)

// Verified is an element whose signature was verified.
type Verified struct {
	// Element is exactly what was digested: the payload as a document of its own, without parent, Signature and
	// comments. Nothing that is not in it was signed.
	Element *etree.Element
	// Signer is the certificate whose key made the signature, and which the trust leads to.
	Signer *x509.Certificate
}

const (
	// maximumPayloadBytes is sixty times a payload of the service. It counts the payload as it is written.
	maximumPayloadBytes = 256 << 10
	// maximumSignedInfoBytes is ten times a SignedInfo of the service.
	maximumSignedInfoBytes = 16 << 10
	// maximumGrowth is how much longer than an element its canonical form may be, in bytes.
	maximumGrowth = 64 << 10
)

// Verify verifies the enveloped signature of payload, an element of a document that Parse has read; it is usually the
// only child of a SOAP Body, and its parents must still be set. payload is not changed.
//
// The payload may have 256 KiB. The signature must be the only one in the payload and its last child, and refer to the
// whole payload (URI "") through the enveloped-signature transform and at most one canonicalization: exclusive, or
// inclusive 1.0 or 1.1, without comments. RSA with SHA-256, SHA-384 or SHA-512 is accepted, digests likewise. It must
// have been made before the payload was put into its envelope (docs/protocol.md, XML signatures).
//
// The signer's certificate must come with the signature and be one of signers. Certificates are looked at first, before
// anything is canonicalized, and the payload only after the signature was found to be good: a response of a stranger
// costs little, whatever is in it. Errors are of type *VerifyError.
func Verify(payload *etree.Element, signers Signers) (*Verified, error) {
	if !fits(payload, maximumPayloadBytes) {
		return nil, refuse(Shape, "element %s has more than %d bytes", payload.Tag, maximumPayloadBytes)
	}
	signature, err := readSignature(payload)
	if err != nil {
		return nil, err
	}
	if refusal := signers.judge(signature.candidates); refusal != nil {
		return nil, signature.withUnfit(refusal)
	}
	return signature.verify(payload)
}

// verify finds the way to cut the payload out whose digest was signed by one of the accepted candidates.
func (s *signature) verify(payload *etree.Element) (*Verified, error) {
	ways, err := detachments(payload, s.element)
	if err != nil {
		return nil, err
	}
	digests := make([][]byte, 0, len(ways)) // of SignedInfo
	signed := false
	for _, way := range ways {
		digest, err := s.digestSignedInfo(payload, way)
		if err != nil {
			return nil, err
		}
		digests = append(digests, digest)
		signer := s.signerOf(digest)
		if signer == nil {
			continue
		}
		signed = true
		element := way.detach(payload, s.element)
		digest, err = canonicalDigest(element, surroundings{}, s.payloadForm, s.digestHash)
		if err != nil {
			return nil, err
		}
		if bytes.Equal(digest, s.digest) {
			return &Verified{Element: element, Signer: signer}, nil
		}
	}
	if signed {
		return nil, refuse(DigestMismatch, "element %s is not what was signed: it was changed afterwards", payload.Tag)
	}
	return nil, s.withUnfit(s.mismatch(digests))
}

// digestSignedInfo returns the digest that was signed if the payload was cut out in this way. What the payload declares
// is in force in SignedInfo.
func (s *signature) digestSignedInfo(payload *etree.Element, way detachment) ([]byte, error) {
	outer := surroundings{}.around(payload)
	outer.scope = append(append(outer.scope, way.hoisted...), way.signatureHoisted...)
	return canonicalDigest(s.signedInfo, outer.around(s.element), s.signedInfoForm, s.hash)
}

// canonicalDigest returns the digest of an element's canonical form, which is never longer than the element by more
// than maximumGrowth.
func canonicalDigest(
	element *etree.Element, outer surroundings, form canonicalForm, hash crypto.Hash,
) ([]byte, error) {
	state := hash.New()
	if err := canonicalize(element, outer, form, state, writtenLength(element)+maximumGrowth); err != nil {
		return nil, refuse(Shape, "element %s: %w", element.Tag, err)
	}
	return state.Sum(nil), nil
}

// signerOf returns the first accepted certificate whose key signed a digest of SignedInfo, nil if there is none.
func (s *signature) signerOf(digest []byte) *x509.Certificate {
	for _, candidate := range s.candidates {
		if candidate.refusal == nil && rsa.VerifyPKCS1v15(candidate.key, s.hash, digest, s.value) == nil {
			return candidate.certificate
		}
	}
	return nil
}

// mismatch says why none of the accepted certificates signed any of the digests. It looks for the one that did among
// those that were refused: somebody who only adds the certificate of a real signer to a signature of their own is told
// what is wrong with theirs.
func (s *signature) mismatch(digests [][]byte) *VerifyError {
	var accepted *x509.Certificate
	for _, candidate := range s.candidates {
		if candidate.refusal == nil {
			accepted = candidate.certificate
			continue
		}
		for _, digest := range digests {
			if candidate.isCheap() && rsa.VerifyPKCS1v15(candidate.key, s.hash, digest, s.value) == nil {
				return candidate.refusal
			}
		}
	}
	return &VerifyError{Reason: SignatureMismatch, Err: fmt.Errorf(
		"the signature was not made with the key of the certificate in it (%s)", describe(accepted))}
}
