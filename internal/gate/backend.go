package gate

import (
	"context"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"github.com/varmenne/varmenne-issuer/internal/kube/outline"
	"github.com/varmenne/varmenne-issuer/internal/limiter"
	"github.com/varmenne/varmenne-issuer/internal/owner"
)

// Backend is what one family of issuers does with an approved request. It reads; the gate writes.
type Backend interface {
	// Kinds of issuers that a request can name, in the order in which they are told.
	Kinds() []string
	// Slot is what a request has to wait for before an order is made for it, as far as the cache knows; queues is false
	// where it needs none, or has one.
	Slot(ctx context.Context, cached *outline.CertificateRequest) (slot limiter.Slot, queues bool)
	// Decide says what an approved request needs. Errors are the API server's, and the request tells those that persist.
	Decide(ctx context.Context, request *cmapi.CertificateRequest, behind Owner, now time.Time) (Decision, error)
	// RenewalWindow is how long before its end the issuer of a request renews a certificate.
	RenewalWindow(ctx context.Context, request *cmapi.CertificateRequest) (time.Duration, error)
	// Watches are the objects whose changes bring requests back.
	Watches() []Watch
}

// Owner finds out what stands behind a request, which costs requests to the API server.
type Owner func(context.Context) (owner.Owner, error)

// Watch says which requests a change of an object brings back.
type Watch struct {
	// Object is of the kind that is watched.
	Object client.Object
	// Requests finds them.
	Requests handler.MapFunc
	// Predicates let through the changes that matter; none lets all through.
	Predicates []predicate.Predicate
}

// Verb is what a Decision wants done.
type Verb string

// The verbs.
const (
	// Wait: nothing to do before At, or before something changes.
	Wait Verb = "Wait"
	// Create the object of the decision, an order. Somebody may have been first.
	Create Verb = "Create"
	// Follow the Order: it is on its way.
	Follow Verb = "Follow"
	// Deliver the certificate of the Order.
	Deliver Verb = "Deliver"
	// Refuse the request for ever; a new one is needed.
	Refuse Verb = "Refuse"
)

// Decision is what a request needs.
type Decision struct {
	// Verb is what to do.
	Verb Verb
	// Reason is one of the API's, Message what a user reads: what is the matter and what to do about it. Of Create it is
	// the log's line about the order, and its event if it is a Warning.
	Reason, Message string
	// Warning makes a Warning of an event whose reason is none by itself.
	Warning bool
	// At is when to look again; zero means when something changes.
	At time.Time
	// Order to follow or to deliver.
	Order *Order
	// New is what Create creates.
	New *New
	// Credentials that were bought wait with the request; nil if there are none.
	Credentials *Credentials
}

// New is an order to be created.
type New struct {
	// Order is the object. Its name says what it is for, so that the API server refuses a second one for the same.
	Order client.Object
	// Caution is told with CautionReason, as a Warning, before the order is created; empty if nothing is uncertain.
	Caution, CautionReason string
	// CheckExisting says what is wrong with an order that has the name already and was not found before Decide; nil if
	// the cache is only behind.
	CheckExisting func(existing client.Object) error
}

// Order is what a request shows of its order.
type Order struct {
	// Created is when it was made.
	Created time.Time
	// Operation is what was asked for, Receipt what the authority has given for it; both are shown once Accepted is set.
	Operation, Receipt string
	Accepted           time.Time
	// Disturbed: not all goes as usual, which is to be told at once.
	Disturbed bool
	// Disowned: the Receipt that was shown before was not the order's.
	Disowned bool
	// Annotations are those with which the request carries what the Backend needs to make the order again, should
	// somebody delete it; one with an empty value is removed.
	Annotations map[string]string
	// Certificate is the chain in PEM, leaf first and without the root, which is CA.
	Certificate, CA []byte
}

// Credentials are one-time credentials that nothing was bought with.
type Credentials struct {
	// SecretName is where they are, Written when they were put there.
	SecretName string
	Written    time.Time
}
