package issuance

import (
	"time"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
)

// Verb is what an Action wants done.
type Verb string

// The verbs. Create, Follow, Deliver and Refuse are about a CertificateRequest; Submit, Poll, Abandon and Rest about
// an order; Wait is about either.
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
	// Submit the order's request to the service.
	Submit Verb = "Submit"
	// Poll the service for the order's certificate.
	Poll Verb = "Poll"
	// Abandon the order: it ends without a certificate.
	Abandon Verb = "Abandon"
	// Rest: the order has ended.
	Rest Verb = "Rest"
)

// Action is a decision.
type Action struct {
	// Verb is what to do.
	Verb Verb
	// Reason is one of the API's reasons, Message what a user reads: what is the matter and what to do about it. Create
	// has a Message only where something was paid for that is given up with it.
	Reason, Message string
	// At is when to look again; zero means when something changes.
	At time.Time
	// Operation and Attempt of the order to create.
	Operation v1alpha1.Operation
	Attempt   int32
	// Order to follow, deliver or explain a refusal with.
	Order *v1alpha1.VeroOrder
}

// Decide is every decision of the issuer: for the order of the snapshot if it has one, else for its request.
func Decide(s Snapshot) Action {
	if s.Order != nil {
		return s.forOrder()
	}
	return s.forRequest()
}
