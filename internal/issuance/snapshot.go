package issuance

import (
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/pki"
)

// Snapshot is everything that a decision depends on, read once before it is made.
type Snapshot struct {
	// Now is the time of the decision.
	Now time.Time
	// Issuer that the CertificateRequest or the order names.
	Issuer Issuer
	// Transfer describes the transfer credentials as they are now: for a request those that it names, for an order
	// those in the Secret that it draws on. For a renewal that NeedsTransfer it is those that its request names.
	Transfer Transfer
	// Current is the certificate in the Certificate's Secret.
	Current Current
	// Request is the CertificateRequest to decide for; unused when Order is set.
	Request Request
	// Orders are those that bear on the request: same key, same TransferId, or renewing the same certificate. For an
	// order they are those with the TransferId that it draws on, or that Transfer describes.
	Orders []v1alpha1.VeroOrder
	// Order is the order to decide for; nil to decide for the Request.
	Order *v1alpha1.VeroOrder
	// Wanted is whether a CertificateRequest waits for the Order.
	Wanted bool
	// Elsewhere is the Secret that the CertificateRequests which wait for the Order name for transfer credentials,
	// where none of them names the one that the Order draws on; else empty.
	Elsewhere string
}

// Issuer is what a decision needs to know of an issuer.
type Issuer struct {
	// Kind and Name are what the request refers to.
	Kind, Name string
	// Exists is false if there is no such object; then only Kind and Name are set.
	Exists bool
	// Ready is whether it is, for its current generation; otherwise Message says why not.
	Ready   bool
	Message string
	// Environment and CustomerID are the spec's.
	Environment v1alpha1.Environment
	CustomerID  string
	// Window and Timeout are spec.renewalWindow and spec.retrievalTimeout.
	Window, Timeout time.Duration
	// UID is that of the object. With Generation and TrustDigest it tells whether a problem that an order has reported
	// may be gone. TrustDigest is empty while the bundles cannot be read.
	UID         types.UID
	Generation  int64
	TrustDigest string
}

// String is kind and name.
func (i Issuer) String() string { return i.Kind + " " + i.Name }

// Request is what a decision needs to know of a CertificateRequest.
type Request struct {
	// UID of the CertificateRequest.
	UID types.UID
	// PublicKeyDigest of the key in its signing request; empty if that cannot be read.
	PublicKeyDigest string
	// Invalid says why it can never be satisfied; empty if it can.
	Invalid string
	// Caution says what is uncertain about it, though it can be sent; empty if nothing is.
	Caution string
	// Receipt is what it shows to have been accepted for it.
	Receipt Receipt
	// Unbacked says why nothing may be spent on it at present: the Certificate that claims to stand behind it is gone,
	// or does not hold its key. Empty if nothing speaks against it.
	Unbacked string
	// RenewBefore is how long before its end the Certificate behind it wants to be renewed; zero if that does not say.
	// ByPercentage is whether it says so in spec.renewBeforePercentage, which excludes spec.renewBefore.
	RenewBefore  time.Duration
	ByPercentage bool
}

// Transfer is what a decision needs to know of transfer credentials. It holds no secret.
type Transfer struct {
	// Problem says why there are none to use and what to do; empty if there are.
	Problem string
	// SecretName is where they are.
	SecretName string
	// IDDigest is the digest of the TransferId, Fingerprint that of the password. Both are empty if nobody has looked.
	IDDigest, Fingerprint string
	// Named is whether the Certificate itself names the Secret. Others, such as the issuer's default, pay for nothing
	// before the current certificate can be renewed.
	Named bool
	// Written is when somebody last changed them in the Secret.
	Written time.Time
}

// Current is what a decision needs to know of the certificate that is in use.
type Current struct {
	// SecretName is where it is; empty if no Certificate stands behind the request.
	SecretName string
	// SerialNumber in lower-case hexadecimal; empty if there is no certificate.
	SerialNumber string
	// Absent is whether there is no certificate yet, which is what a first request finds.
	Absent bool
	// NotOurs says, of the Secret, why cert-manager takes the certificate for one of another issuer than the request
	// names; empty if it does not. It is said after "the Secret".
	NotOurs string
	// NotAfter is when it expires.
	NotAfter time.Time
	// Problem says why it cannot be renewed; empty if it can: it is within its dates, its common name is the
	// customer id, it chains to the issuance trust, and its key is there.
	Problem string
}

// Usable is whether the certificate can sign a renewal, as far as can be seen from here.
func (c Current) Usable() bool { return c.SerialNumber != "" && c.Problem == "" }

// unknown is whether there is a Secret and nobody has looked into it.
func (c Current) unknown() bool { return c.SecretName != "" && c.SerialNumber == "" && c.Problem == "" }

// SerialNumber is a certificate's serial number as orders write it.
func SerialNumber(certificate *x509.Certificate) string {
	return fmt.Sprintf("%x", certificate.SerialNumber)
}

// Examine judges the certificate in a Secret. A leaf of nil stands for none; problem then says why. With the zero
// Trust, for want of bundles, no certificate is usable, but its serial number is told all the same. A temporary
// certificate of cert-manager counts for none.
func Examine(
	secretName string, leaf *x509.Certificate, problem, customerID string, trust pki.Trust, now time.Time,
) Current {
	current := Current{SecretName: secretName, Problem: problem}
	if leaf == nil {
		return current
	}
	if pki.IsTemporary(leaf) {
		current.Absent = true
		current.Problem = fmt.Sprintf("Secret %s holds cert-manager's temporary certificate only", secretName)
		return current
	}
	current.SerialNumber, current.NotAfter = SerialNumber(leaf), leaf.NotAfter
	if leaf.Subject.CommonName != customerID {
		current.Problem = fmt.Sprintf("the certificate in Secret %s is for %q, not for the issuer's customerID %q",
			secretName, leaf.Subject.CommonName, customerID)
		return current
	}
	if _, isRSA := leaf.PublicKey.(*rsa.PublicKey); !isRSA {
		current.Problem = fmt.Sprintf("the certificate in Secret %s has a %s key, and renewals are signed with RSA",
			secretName, leaf.PublicKeyAlgorithm)
		return current
	}
	if _, err := trust.Chain(leaf, pki.VerificationTime(leaf, now)); err != nil {
		current.Problem = fmt.Sprintf("the certificate in Secret %s cannot be renewed: %v", secretName, err)
		if unknown, ok := errors.AsType[*pki.ChainError](err); ok && unknown.Reason == pki.ChainUnknownAuthority {
			current.Problem += fmt.Sprintf("; its issuer is %s: put that authority into spec.trust.issuance of the issuer if, "+
				"and only if, the service's owner has published it", pki.DescribeIssuer(leaf))
		}
	}
	return current
}
