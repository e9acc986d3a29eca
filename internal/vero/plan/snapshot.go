package plan

import (
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/vero/facts"
)

// Snapshot is everything that a decision for a CertificateRequest depends on, read once before it is made.
type Snapshot struct {
	// Now is the time of the decision.
	Now time.Time
	// Issuer that the CertificateRequest names.
	Issuer facts.Issuer
	// Transfer describes the transfer credentials that the CertificateRequest names.
	Transfer facts.Transfer
	// Current is the certificate in the Certificate's Secret.
	Current facts.Current
	// Request is the CertificateRequest to decide for.
	Request Request
	// Orders are those that bear on the request: same key, same TransferId, or renewing the same certificate.
	Orders []v1alpha1.VeroOrder
}

// Request is what a decision needs to know of a CertificateRequest.
type Request struct {
	// Namespace, Name and UID of the CertificateRequest.
	Namespace, Name string
	UID             types.UID
	// CertificateName is that of the Certificate behind it, as cert-manager has noted it; empty if it has not.
	CertificateName string
	// CSR is its signing request in PEM.
	CSR []byte
	// PublicKeyDigest of the key in its signing request; empty if that cannot be read.
	PublicKeyDigest string
	// Invalid says why it can never be satisfied; empty if it can.
	Invalid string
	// Caution says what is uncertain about it, though it can be sent; empty if nothing is.
	Caution string
	// Receipt is what it carries of what was accepted for it.
	Receipt Receipt
	// OwnerProblem says why nothing may be spent on it at present: the Certificate that claims to stand behind it is gone,
	// or does not hold its key. Empty if nothing speaks against it.
	OwnerProblem string
	// RenewBefore is how long before its end the Certificate behind it wants to be renewed; zero if that does not say.
	// ByPercentage reports whether it says so in spec.renewBeforePercentage, which excludes spec.renewBefore.
	RenewBefore  time.Duration
	ByPercentage bool
}

// Verb is what an Action wants done with a CertificateRequest.
type Verb string

// The verbs of a CertificateRequest.
const (
	// Wait: nothing to do before At, or before something changes.
	Wait Verb = "Wait"
	// Create a VeroOrder for Operation with Attempt.
	Create Verb = "Create"
	// Follow the Order: it is on its way.
	Follow Verb = "Follow"
	// Deliver the certificate of the Order.
	Deliver Verb = "Deliver"
	// Refuse the CertificateRequest for ever; a new one is needed.
	Refuse Verb = "Refuse"
)

// Action is a decision for a CertificateRequest.
type Action struct {
	// Verb is what to do.
	Verb Verb
	// Reason is one of the API's reasons, Message what a user reads: what is the matter and what to do about it. Create
	// has a Message only where it takes the place of a deleted order with something that was paid for.
	Reason, Message string
	// At is when to look again; zero means when something changes.
	At time.Time
	// Operation and Attempt of the order to create.
	Operation v1alpha1.VeroOperation
	Attempt   int32
	// Order to follow, deliver or explain a refusal with.
	Order *v1alpha1.VeroOrder
}
