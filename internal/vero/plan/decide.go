package plan

import (
	"fmt"
	"time"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/vero/facts"
	"github.com/varmenne/varmenne-issuer/internal/vero/orderstate"
)

// issuerPollInterval is how often a request looks again at an issuer that is not ready. What it lacks may be there
// before the issuer's own check has noticed that it was gone, and then nobody tells.
const issuerPollInterval = time.Minute

// windowPollInterval is how often it is looked at while the alternative is to wait for a renewal window, for months.
const windowPollInterval = time.Hour

// statusTimeout is how long an order may be without any word: one that waits for its turn says so earlier.
const statusTimeout = 15 * time.Minute

// Decide is what to do with the CertificateRequest of a snapshot: what exists for its key comes first, because it may
// have been paid for; then the table of the package comment. A request is judged by an issuer that is ready only: a
// typing error in an issuer must not fail requests that are right.
func Decide(s Snapshot) Action {
	if order := s.made(); order != nil {
		return deliver(order)
	}
	if order := s.adoptable(); order != nil {
		return s.adopt(order)
	}
	if order := s.inFlight(); order != nil {
		return s.follow(order)
	}
	if !s.Issuer.Exists {
		return s.awaitIssuer()
	}
	if order := s.refusal(); order != nil {
		return Action{Verb: Refuse, Reason: orderstate.Reason(order), Order: order, Message: fmt.Sprintf(
			"VeroOrder %s has failed: %s", order.Name, orderstate.Message(order))}
	}
	if !s.Issuer.Ready {
		wait := s.awaitIssuer()
		wait.At = s.Now.Add(issuerPollInterval)
		return wait
	}
	if s.Request.Invalid != "" {
		return Action{Verb: Refuse, Reason: v1alpha1.ReasonInvalidRequest, Message: s.Request.Invalid}
	}
	if order := s.pending(); order != nil {
		return s.follow(order)
	}
	if s.Request.OwnerProblem != "" {
		return Action{Verb: Wait, Reason: v1alpha1.ReasonWaitingForCertificate,
			At: s.Now.Add(facts.CredentialsPollInterval), Message: s.Request.OwnerProblem}
	}
	return s.operation()
}

// NeedsAuthorization reports whether the decision for the request depends on credentials or on the current certificate.
// It does not where the certificate was issued for this very request, or where an order is on its way and nothing else
// could be delivered instead: most of the time, and then no Secret is read.
func (s Snapshot) NeedsAuthorization() bool {
	issued, _ := s.issued()
	return s.made() == nil && (s.inFlight() == nil || issued != nil)
}

// adopt hands over a certificate that was issued for another request with the same key. A request that can never work
// is not refused as long as there is one: cert-manager would drop the private key that the certificate was bought for.
func (s Snapshot) adopt(order *v1alpha1.VeroOrder) Action {
	if s.Request.Invalid == "" {
		return deliver(order)
	}
	return Action{Verb: Wait, Reason: v1alpha1.ReasonInvalidRequest, Order: order, Message: fmt.Sprintf(
		"%s; VeroOrder %s holds a certificate for this private key: correct the Certificate and it is handed over, "+
			"or delete the VeroOrder to give it up", s.Request.Invalid, order.Name)}
}

func deliver(order *v1alpha1.VeroOrder) Action {
	return Action{Verb: Deliver, Reason: v1alpha1.ReasonIssued, Order: order,
		Message: "the certificate of VeroOrder " + order.Name + " was issued"}
}

// follow tells what the order tells; and if that is nothing, for long, that it is nothing.
func (s Snapshot) follow(order *v1alpha1.VeroOrder) Action {
	made := order.CreationTimestamp.Time
	if orderstate.Untouched(order) && !made.IsZero() && s.Now.Sub(made) >= statusTimeout {
		return Action{Verb: Follow, Reason: v1alpha1.ReasonClusterError, Order: order, Message: fmt.Sprintf(
			"VeroOrder %s was made on %s and tells nothing of itself since: its events and the controller's log say why its "+
				"status is not written", order.Name, made.UTC().Format(time.RFC3339))}
	}
	return Action{Verb: Follow, Reason: orderstate.Reason(order), Message: orderstate.Message(order), Order: order}
}

// awaitIssuer waits for the issuer.
func (s Snapshot) awaitIssuer() Action {
	reason, message := s.Issuer.Unavailable()
	return Action{Verb: Wait, Reason: reason, Message: message}
}
