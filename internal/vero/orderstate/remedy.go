package orderstate

import (
	"crypto/x509"
	"errors"
	"fmt"
	"strings"

	"github.com/varmenne/varmenne-issuer/internal/pki"
	"github.com/varmenne/varmenne-issuer/internal/vero/protocol"
	"github.com/varmenne/varmenne-issuer/internal/vero/xmlsig"
)

// Parts of the remedies. None of them speaks of trust: it is extended for an authority that is unknown, and for
// nothing else, or a forger would be invited by his own forgery.
const (
	wayThere = "look for a proxy between the cluster and the service that answers in its place or changes responses, " +
		"and check spec.url; if that is not it, " + protocol.ContactService
	clocks = "compare the clock of the controller's node with the true time; if it is right, "
)

// remedies says what a response whose signature was refused probably is, and what to do about it. For UntrustedSigner
// it holds where the authority is known, but no valid chain leads to it; see remedyFor.
var remedies = map[xmlsig.Reason]string{
	xmlsig.MissingSignature: "the service signs every response, so this one is not the service's, or lost its signature " +
		"on the way: " + wayThere,
	xmlsig.Shape: "the service does not sign in this way, so something has probably rewritten the response: " + wayThere,
	xmlsig.Algorithm: "an outdated service, or something that answers in its place, signs with algorithms that nothing " +
		"here accepts: check that spec.url is the address of the service; if it is, " + protocol.ContactService,
	xmlsig.DigestMismatch: "the response was changed after it had been signed: " + wayThere,
	xmlsig.SignatureMismatch: "the response was not signed with the key of the certificate in it, so it is forged or " +
		"damaged: " + wayThere,
	xmlsig.UntrustedSigner: "the signer's certificate breaks a rule of X.509, so it is probably not the service's: " +
		wayThere,
	xmlsig.SignerExpired: clocks + "the response is an old one that something repeats, or the service signs with a " +
		"certificate that has expired: " + protocol.ContactService,
	xmlsig.SignerNotYetValid: clocks + "the service signs with a certificate before its time: " + protocol.ContactService,
	xmlsig.WeakSigner: "an outdated service, or something that answers in its place, signs with a short key, which " +
		"nothing here accepts: check that spec.url is the address of the service; if it is, " + protocol.ContactService,
	xmlsig.SignerIsAuthority: "authorities sign certificates, no responses, so this one is probably forged, with the " +
		"key of an authority: do not use the service until you have asked about it; " + protocol.ContactService,
	xmlsig.SignerIsCustomer: "another customer of the service has probably made the response: " + wayThere +
		"; if the issuer has the condition TrustOverlap, do what that says",
}

// unreadableRemedy is for responses that were not verified for another reason than those of xmlsig: they could not even
// be read.
const unreadableRemedy = "the response could not be verified as it came: " + wayThere

// remedyFor says what to do about a response that was not verified.
func remedyFor(err error) string {
	refusal, isRefusal := errors.AsType[*xmlsig.VerifyError](err)
	if !isRefusal {
		return unreadableRemedy
	}
	if refusal.Reason == xmlsig.UntrustedSigner && !isInvalidChain(refusal) {
		return unknownSignerRemedy(refusal)
	}
	if remedy, known := remedies[refusal.Reason]; known {
		return remedy
	}
	return unreadableRemedy
}

// isInvalidChain reports whether an authority is known, and would only be misused.
func isInvalidChain(err error) bool {
	chain, isChain := errors.AsType[*pki.ChainError](err)
	return isChain && chain.Reason == pki.ChainInvalid
}

// issuedRemedies says what an issued certificate that was refused probably is. For IssuedUnknownAuthority see
// unknownIssuerRemedy.
var issuedRemedies = map[pki.IssuedReason]string{
	pki.IssuedOtherPublicKey:  "the service has probably mistaken one request for another",
	pki.IssuedOtherCommonName: "the service has probably mistaken one customer for another",
	pki.IssuedExpired: clocks + "the service has given an old certificate, or an authority has expired, whose " +
		"successor the service's owner publishes",
	pki.IssuedNotYetValid: clocks + "the service has given a certificate before its time",
	pki.IssuedEarlier:     "the service, or something between it and the cluster, has probably repeated an old response",
	pki.IssuedInvalidChain: "the certificate, or one of the configured authorities, breaks a rule of X.509, which " +
		"nothing here overlooks",
}

// Remedies for unknown authorities, the only ones that name trust, and the one condition under which it may be given.
const (
	signerIdentity  = "the signer's certificate has the SHA-256 fingerprint %s and names as its issuer %s; "
	unknownSigner   = "put that authority into spec.trust.responses if, and only if, the service's owner has published it"
	issuedIdentity  = "the certificate has the SHA-256 fingerprint %s and names as its issuer %s; "
	unknownIssuer   = "put that authority into spec.trust.issuance if, and only if, the service's owner has published it"
	unpublishedOnes = "; otherwise it may be forged: change nothing, and " + protocol.ContactService
)

// unknownSignerRemedy tells whose signature it is, by what a person can compare with what the service's owner has
// published. Where the signer must not be shown nothing can be compared, and trust is not named either.
func unknownSignerRemedy(refusal *xmlsig.VerifyError) string {
	if refusal.Signer == nil {
		return unreadableRemedy
	}
	return identified(signerIdentity, refusal.Signer) + unknownSigner + unpublishedOnes
}

// unknownIssuerRemedy is unknownSignerRemedy for an issued certificate.
func unknownIssuerRemedy(err error) string {
	chain, isChain := errors.AsType[*pki.ChainError](err)
	if !isChain {
		return unreadableRemedy
	}
	return identified(issuedIdentity, chain.Certificate) + unknownIssuer + unpublishedOnes
}

func identified(format string, certificate *x509.Certificate) string {
	return fmt.Sprintf(format, pki.Fingerprint(certificate), pki.DescribeIssuer(certificate))
}

const (
	// longestNote is what an event shows of a message, in bytes, with room for what is put in front of it.
	longestNote = 950
	// leastProblem is what is left in any case of a problem in front of its remedy, in bytes.
	leastProblem = 250
)

// withRemedy says what happened and what to do. A problem that somebody else has worded at length gives way to the
// remedy, so that an event shows that too.
func withRemedy(err error, remedy string) string {
	problem := err.Error()
	if room := max(leastProblem, longestNote-len(remedy)); len(problem) > room {
		problem = strings.ToValidUTF8(problem[:room], "") + "…"
	}
	return problem + ": " + remedy
}
