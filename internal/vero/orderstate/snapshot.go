package orderstate

import (
	"time"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/vero/facts"
)

// Snapshot is everything that a decision for an order depends on, read once before it is made. Of what authorizes it,
// Transfer is set for SignNewCertificate and Renewal for RenewCertificate; neither need be where the order has ended or
// was accepted, where nobody wants it, or where its issuer is missing.
type Snapshot struct {
	// Now is the time of the decision.
	Now time.Time
	// Issuer that the order names.
	Issuer facts.Issuer
	// Order to decide for.
	Order *v1alpha1.VeroOrder
	// Wanted reports whether a CertificateRequest waits for the order.
	Wanted   bool
	Transfer *Transfer
	Renewal  *Renewal
}

// Transfer is what authorizes SignNewCertificate, as it is now.
type Transfer struct {
	// Credentials are those in the Secret that the order draws on.
	Credentials facts.Transfer
	// Elsewhere is the Secret that the CertificateRequests which wait for the order name for transfer credentials,
	// where none of them names the one that the order draws on; else empty.
	Elsewhere string
	// Orders are those with the TransferId that the order draws on.
	Orders []v1alpha1.VeroOrder
}

// Renewal is what authorizes RenewCertificate, as it is now.
type Renewal struct {
	// Current is the certificate in the Certificate's Secret.
	Current facts.Current
	// CredentialsIn is the Secret with transfer credentials that could pay for a new certificate instead. It is empty
	// where there are none, and where nobody has looked because of NeedsCredentials.
	CredentialsIn string
}

// Verb is what an Action wants done with an order.
type Verb string

// The verbs of an order.
const (
	// Submit the order's request to the service.
	Submit Verb = "Submit"
	// Poll the service for the order's certificate.
	Poll Verb = "Poll"
	// Fail the order: it ends without a certificate.
	Fail Verb = "Fail"
	// Wait: nothing to do before At, or before something changes.
	Wait Verb = "Wait"
	// Done: the order has ended.
	Done Verb = "Done"
)

// Action is a decision for an order.
type Action struct {
	// Verb is what to do.
	Verb Verb
	// Reason is one of the API's reasons, Message what a user reads: what is the matter and what to do about it.
	Reason, Message string
	// At is when to look again; zero means when something changes.
	At time.Time
}
