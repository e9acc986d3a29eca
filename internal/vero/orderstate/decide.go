package orderstate

import (
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/reasons"
	"github.com/varmenne/varmenne-issuer/internal/vero/protocol"
)

// Decide is what to do with the order of a snapshot.
func Decide(s Snapshot) Action {
	switch StateOf(s.Order) {
	case v1alpha1.VeroOrderIssued, v1alpha1.VeroOrderFailed:
		return Action{Verb: Done}
	case v1alpha1.VeroOrderSubmitted:
		return s.poll()
	default:
		return s.submit()
	}
}

// MayCall is the call, Submit or Poll, that an order could make now; empty if there is none. It goes by what needs
// nothing read that a call spends: Decide says then whether a submission is made.
func MayCall(s Snapshot) Verb {
	switch StateOf(s.Order) {
	case v1alpha1.VeroOrderIssued, v1alpha1.VeroOrderFailed:
		return ""
	case v1alpha1.VeroOrderSubmitted:
		if s.poll().Verb == Poll {
			return Poll
		}
		return ""
	default:
		if s.reachable() && !s.Now.Before(s.nextSubmission()) {
			return Submit
		}
		return ""
	}
}

// reachable reports whether the order's issuer lets a request be sent.
func (s Snapshot) reachable() bool {
	return s.Issuer.Exists && s.Issuer.SameCustomer(s.Order) && s.Issuer.TrustDigest != "" &&
		(s.Issuer.Ready || s.hasIssuerProblem())
}

// poll decides for an order that was accepted. Only what makes a call impossible or pointless holds it up.
func (s Snapshot) poll() Action {
	switch {
	case !s.Issuer.Exists:
		return s.awaitIssuer()
	case !s.Issuer.SameCustomer(s.Order):
		return s.issuerChanged()
	case s.Issuer.TrustDigest == "":
		return s.awaitIssuer()
	}
	if due := s.nextPoll(); s.Now.Before(due) {
		return s.unchanged(due)
	}
	return Action{Verb: Poll}
}

// nextPoll is when the certificate may be asked for: as planned, or at once when a problem that the order has reported
// of its issuer may be gone, but never before the service allows it.
func (s Snapshot) nextPoll() time.Time {
	status := &s.Order.Status
	if status.AcceptanceTime == nil {
		return s.Now
	}
	due := plannedPoll(status)
	if s.problemMayBeGone() {
		due = status.AcceptanceTime.Add(FirstPoll)
	}
	if due.Sub(s.Now) > farthestPlan {
		return s.Now.Add(FirstPoll) // the clock was set back; RecordWaiting corrects the stored times
	}
	return due
}

// submit decides for an order that was not accepted yet, or not for certain.
func (s Snapshot) submit() Action {
	doubt := InDoubt(s.Order)
	switch {
	case !s.Wanted:
		return s.unwanted(doubt)
	case !s.Issuer.Exists:
		return s.awaitIssuer()
	case !s.Issuer.SameCustomer(s.Order):
		return s.otherCustomer(doubt)
	case !s.reachable():
		return s.awaitIssuer()
	}
	if action, blocked := s.authorization(doubt); blocked {
		return action
	}
	if next := s.nextSubmission(); s.Now.Before(next) {
		return s.unchanged(next)
	}
	return Action{Verb: Submit}
}

// nextSubmission is when the request may be sent again: as planned, or at once when a problem that the order has
// reported of its issuer may be gone, or when the plan is so far off that the clock must have been set back.
func (s Snapshot) nextSubmission() time.Time {
	next := s.Order.Status.NextSubmitTime
	if next == nil || s.problemMayBeGone() || next.Sub(s.Now) > farthestPlan {
		return s.Now
	}
	return next.Time
}

// unwanted ends an order that no CertificateRequest waits for any more, so that nothing is spent on it. A renewal in
// doubt has spent nothing either.
func (s Snapshot) unwanted(doubt bool) Action {
	if doubt && s.Order.Spec.Transfer != nil {
		return Action{Verb: Fail, Reason: v1alpha1.ReasonResponseLost, Message: "no CertificateRequest waits for it any " +
			"more, and it is not known whether the certificate service had accepted it; it is not sent again"}
	}
	return Action{Verb: Fail, Reason: v1alpha1.ReasonWithdrawn,
		Message: "no CertificateRequest waits for it any more; nothing was spent"}
}

// otherCustomer ends an order that was made for another customer or environment. Waiting would tell no more than a new
// order with the same authorization does.
func (s Snapshot) otherCustomer(doubt bool) Action {
	fate := "nothing was spent"
	if doubt {
		fate = "the request was sent and its response was lost"
	}
	return Action{Verb: Fail, Reason: v1alpha1.ReasonIssuerChanged, Message: fmt.Sprintf(
		"%s now names customer %s and environment %s; %s, and a new order is made",
		s.Issuer, s.Issuer.CustomerID, s.Issuer.Environment, fate)}
}

// issuerChanged holds up an order that was accepted: it may be a typing error, and what was accepted was paid for. Only
// a person can tell, and give it up.
func (s Snapshot) issuerChanged() Action {
	return Action{Verb: Wait, Reason: v1alpha1.ReasonIssuerChanged, Message: fmt.Sprintf(
		"VeroOrder %s was made for customer %s in %s, and %s now names customer %s in %s; "+
			"it goes on when the issuer names them again; delete the VeroOrder to give it up",
		s.Order.Name, s.Order.Spec.CustomerID, s.Order.Spec.Environment, s.Issuer, s.Issuer.CustomerID,
		s.Issuer.Environment)}
}

// awaitIssuer waits for an issuer that is missing or not ready.
func (s Snapshot) awaitIssuer() Action {
	reason, message := s.Issuer.Unavailable()
	return Action{Verb: Wait, Reason: reason, Message: message}
}

// unchanged keeps what the order says of itself, unless that is a hold-up which is over.
func (s Snapshot) unchanged(until time.Time) Action {
	action := Action{Verb: Wait, Reason: Reason(s.Order), Message: Message(s.Order), At: until}
	if reasons.Of(action.Reason).Waiting {
		action.Reason, action.Message = s.resumed()
	}
	return action
}

// resumed is what an order says of itself after a hold-up.
func (s Snapshot) resumed() (reason, message string) {
	status := &s.Order.Status
	switch {
	case status.IssuerProblem != nil:
		return status.IssuerProblem.Reason, status.IssuerProblem.Message
	case StateOf(s.Order) == v1alpha1.VeroOrderSubmitted:
		return unchanged(s.Order).awaiting(s.Order, s.Now, s.Issuer.Timeout)
	case status.LastError != nil && status.LastError.Code == string(protocol.CodeTooEarly):
		return v1alpha1.ReasonWaitingForWindow, status.LastError.Message + tooEarlyAgain
	default:
		return retryReason(s.Order), lastMessage(status.LastError) + "; it is tried again" + unchanged(s.Order).unspent()
	}
}

// hasIssuerProblem reports whether the order itself is why its issuer may not be ready. It tries again at its own pace,
// so that what is repaired at the service's side is noticed.
func (s Snapshot) hasIssuerProblem() bool { return s.Order.Status.IssuerProblem != nil }

// problemMayBeGone reports whether issuer or bundles have changed since the order reported a problem with them.
func (s Snapshot) problemMayBeGone() bool {
	problem := s.Order.Status.IssuerProblem
	return problem != nil && Obsolete(problem, s.Issuer.UID, s.Issuer.Generation, s.Issuer.TrustDigest)
}

// Obsolete reports whether a problem was reported of another issuer, spec or bundles than those given.
func Obsolete(problem *v1alpha1.VeroIssuerProblem, uid types.UID, generation int64, trustDigest string) bool {
	return problem.IssuerUID != uid || problem.IssuerGeneration != generation || problem.TrustDigest != trustDigest
}
