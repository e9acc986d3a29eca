package issuance

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
)

// forOrder decides for an order.
func (s Snapshot) forOrder() Action {
	switch phaseOf(s.Order) {
	case v1alpha1.PhaseIssued, v1alpha1.PhaseFailed:
		return Action{Verb: Rest}
	case v1alpha1.PhaseSubmitted:
		return s.poll()
	default:
		return s.submit()
	}
}

// poll decides for an order that was accepted. Only what makes a call impossible or pointless holds it up.
func (s Snapshot) poll() Action {
	switch {
	case !s.Issuer.Exists:
		return s.issuerMissing()
	case !s.sameCustomer(s.Order):
		return s.issuerChanged()
	case s.Issuer.TrustDigest == "":
		return s.issuerNotReady()
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
	if status.AcceptedAt == nil {
		return s.Now
	}
	earliest := status.AcceptedAt.Add(FirstPoll)
	if status.NextPollTime == nil || s.problemMayBeGone() {
		return earliest
	}
	return status.NextPollTime.Time
}

// submit decides for an order that was not accepted yet, or not for certain.
func (s Snapshot) submit() Action {
	doubt := inDoubt(s.Order)
	switch {
	case !s.Wanted:
		return s.unwanted(doubt)
	case !s.Issuer.Exists:
		return s.issuerMissing()
	case !s.sameCustomer(s.Order) && doubt:
		return s.issuerChanged()
	case !s.sameCustomer(s.Order):
		return Action{Verb: Abandon, Reason: v1alpha1.ReasonIssuerChanged, Message: fmt.Sprintf(
			"%s now names customer %s and environment %s; nothing was spent, and a new order is made",
			s.Issuer, s.Issuer.CustomerID, s.Issuer.Environment)}
	case s.Issuer.TrustDigest == "", !s.Issuer.Ready && !s.blames():
		return s.issuerNotReady()
	}
	if action, hindered := s.authorisation(doubt); hindered {
		return action
	}
	if next := s.Order.Status.NextSubmitTime; next != nil && s.Now.Before(next.Time) && !s.problemMayBeGone() {
		return s.unchanged(next.Time)
	}
	return Action{Verb: Submit}
}

// unwanted ends an order that no CertificateRequest waits for any more, so that nothing is spent on it.
func (s Snapshot) unwanted(doubt bool) Action {
	if doubt {
		return Action{Verb: Abandon, Reason: v1alpha1.ReasonWithdrawn, Message: "the CertificateRequest was deleted " +
			"while it was not known whether the certificate service had accepted it; it is not sent again"}
	}
	return Action{Verb: Abandon, Reason: v1alpha1.ReasonWithdrawn,
		Message: "the CertificateRequest was deleted before anything was sent; nothing was spent"}
}

// authorisation checks that what the order was made with is still there.
func (s Snapshot) authorisation(doubt bool) (Action, bool) {
	if s.Order.Spec.Renewal != nil {
		return s.renewalKey(doubt)
	}
	switch {
	case s.Transfer.Problem != "":
		return Action{Verb: Wait, Reason: v1alpha1.ReasonWaitingForCredentials,
			At: s.Now.Add(CredentialsPollInterval), Message: s.Transfer.Problem}, true
	case s.Transfer.IDDigest == s.Order.Spec.Transfer.TransferIDDigest:
		return Action{}, false
	case doubt:
		return Action{Verb: Abandon, Reason: v1alpha1.ReasonAnswerLost, Message: fmt.Sprintf(
			"the request was sent, its answer was lost, and Secret %s now holds other transfer credentials; "+
				"they are used for a new order", s.Transfer.SecretName)}, true
	default:
		return Action{Verb: Abandon, Reason: v1alpha1.ReasonWithdrawn, Message: fmt.Sprintf(
			"Secret %s now holds other transfer credentials; nothing was spent, and a new order is made",
			s.Transfer.SecretName)}, true
	}
}

// renewalKey checks that the certificate that is renewed is still the one in the Secret, and valid.
func (s Snapshot) renewalKey(doubt bool) (Action, bool) {
	renewal := s.Order.Spec.Renewal
	expired := !s.Now.Before(renewal.NotAfter.Time)
	switch {
	case expired && doubt:
		return Action{Verb: Abandon, Reason: v1alpha1.ReasonAnswerLost, Message: fmt.Sprintf(
			"the renewal was sent, its answer was lost, and the certificate in Secret %s expired on %s",
			renewal.SecretName, renewal.NotAfter.UTC().Format(time.RFC3339))}, true
	case expired:
		return Action{Verb: Abandon, Reason: v1alpha1.ReasonRenewalRefused, Message: fmt.Sprintf(
			"the certificate in Secret %s expired on %s before it could be renewed",
			renewal.SecretName, renewal.NotAfter.UTC().Format(time.RFC3339))}, true
	case s.Current.SerialNumber == "":
		return Action{Verb: Wait, Reason: v1alpha1.ReasonWaitingForRenewalKey,
			At: s.Now.Add(CredentialsPollInterval), Message: s.Current.Problem}, true
	case s.Current.SerialNumber != renewal.SerialNumber:
		return Action{Verb: Abandon, Reason: v1alpha1.ReasonWithdrawn, Message: fmt.Sprintf(
			"Secret %s no longer holds the certificate that was to be renewed", renewal.SecretName)}, true
	default:
		return Action{}, false
	}
}

func (s Snapshot) issuerChanged() Action {
	return Action{Verb: Wait, Reason: v1alpha1.ReasonIssuerChanged, Message: fmt.Sprintf(
		"the order was made for customer %s in %s, and %s now names customer %s in %s; "+
			"it goes on when the issuer names them again",
		s.Order.Spec.CustomerID, s.Order.Spec.Environment, s.Issuer, s.Issuer.CustomerID, s.Issuer.Environment)}
}

// unchanged keeps what the order says of itself.
func (s Snapshot) unchanged(until time.Time) Action {
	return Action{Verb: Wait, Reason: readyReason(s.Order), Message: readyMessage(s.Order), At: until}
}

// blames is whether the order itself is why its issuer may not be ready. It tries again at its own pace, so that
// what is repaired at the service's side is noticed.
func (s Snapshot) blames() bool { return s.Order.Status.IssuerProblem != nil }

// problemMayBeGone is whether issuer or bundles have changed since the order reported a problem with them.
func (s Snapshot) problemMayBeGone() bool {
	problem := s.Order.Status.IssuerProblem
	return problem != nil && Obsolete(problem, s.Issuer.Generation, s.Issuer.TrustDigest)
}

// Obsolete is whether a problem was reported of another spec or other bundles than those given.
func Obsolete(problem *v1alpha1.IssuerProblem, generation int64, trustDigest string) bool {
	return problem.IssuerGeneration != generation || problem.TrustDigest != trustDigest
}

// inDoubt is whether the service may have accepted the order without our having its word.
func inDoubt(order *v1alpha1.VeroOrder) bool {
	return order.Status.Phase == v1alpha1.PhaseSubmitting || order.Status.Uncertain
}

// phaseOf reads an order that no API server has given its default.
func phaseOf(order *v1alpha1.VeroOrder) v1alpha1.OrderPhase {
	if order.Status.Phase == "" {
		return v1alpha1.PhasePending
	}
	return order.Status.Phase
}

func readyReason(order *v1alpha1.VeroOrder) string {
	if condition := meta.FindStatusCondition(order.Status.Conditions, v1alpha1.ConditionReady); condition != nil {
		return condition.Reason
	}
	return v1alpha1.ReasonOrderCreated
}

func readyMessage(order *v1alpha1.VeroOrder) string {
	if condition := meta.FindStatusCondition(order.Status.Conditions, v1alpha1.ConditionReady); condition != nil {
		return condition.Message
	}
	return fmt.Sprintf("VeroOrder %s is about to be sent", order.Name)
}

// Leaf is the certificate that an order has borne.
func Leaf(order *v1alpha1.VeroOrder) (*x509.Certificate, error) {
	block, _ := pem.Decode(order.Status.Certificate)
	if block == nil {
		return nil, errors.New("status.certificate holds no PEM block")
	}
	return x509.ParseCertificate(block.Bytes)
}
