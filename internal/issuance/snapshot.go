package issuance

import (
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/vero/facts"
)

// Snapshot is everything that a decision depends on, read once before it is made.
type Snapshot struct {
	// Now is the time of the decision.
	Now time.Time
	// Issuer that the CertificateRequest or the order names.
	Issuer facts.Issuer
	// Transfer describes the transfer credentials as they are now: for a request those that it names, for an order
	// those in the Secret that it draws on. For a renewal that NeedsTransfer it is those that its request names.
	Transfer facts.Transfer
	// Current is the certificate in the Certificate's Secret.
	Current facts.Current
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
