package issuance

import (
	"fmt"
	"time"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/pki"
)

// CredentialsPollInterval is how often a Secret that may not be watched is looked at while credentials are awaited.
const CredentialsPollInterval = 20 * time.Second

// forRequest decides for a CertificateRequest: an order that exists for its key comes first, because it may have been
// paid for; then the table of the package comment. A request is judged by an issuer that is ready only: a typing error
// in an issuer must not fail requests that are right.
func (s Snapshot) forRequest() Action {
	if order := s.inFlight(); order != nil {
		return follow(order)
	}
	if !s.Issuer.Exists {
		return s.issuerMissing()
	}
	if order := s.undelivered(); order != nil {
		return Action{Verb: Deliver, Reason: v1alpha1.ReasonIssued, Order: order,
			Message: "the certificate of VeroOrder " + order.Name + " was issued"}
	}
	if order := s.refusal(); order != nil {
		return Action{Verb: Refuse, Reason: readyReason(order), Order: order, Message: fmt.Sprintf(
			"VeroOrder %s has failed: %s", order.Name, readyMessage(order))}
	}
	if !s.Issuer.Ready {
		return s.issuerNotReady()
	}
	if s.Request.Invalid != "" {
		return Action{Verb: Refuse, Reason: v1alpha1.ReasonInvalidRequest, Message: s.Request.Invalid}
	}
	if order := s.pending(); order != nil {
		return follow(order)
	}
	return s.operation()
}

// operation is the table of the package comment.
func (s Snapshot) operation() Action {
	renewable := s.Current.Usable() && s.refusedRenewal() == nil
	opens := pki.WindowOpens(s.Current.NotAfter, s.Issuer.Window)
	if renewable && !s.Now.Before(opens) {
		return Action{Verb: Create, Operation: v1alpha1.OperationRenew, Attempt: s.renewalAttempt()}
	}
	attempt, problem := s.credentials()
	switch {
	case problem == "":
		return Action{Verb: Create, Operation: v1alpha1.OperationSignNew, Attempt: attempt}
	case renewable:
		return Action{Verb: Wait, Reason: v1alpha1.ReasonWaitingForWindow, At: earlier(opens, s.Now.Add(time.Hour)),
			Message: fmt.Sprintf("the certificate in Secret %s can be renewed from %s on, and stays in use until then; "+
				"set spec.renewBefore of the Certificate to %s or less to be spared the wait",
				s.Current.SecretName, opens.UTC().Format(time.RFC3339), s.Issuer.Window)}
	default:
		return Action{Verb: Wait, Reason: v1alpha1.ReasonWaitingForCredentials,
			At: s.Now.Add(CredentialsPollInterval), Message: s.whyCredentials() + problem}
	}
}

// whyCredentials says why a renewal is not the way, where a reader would expect one.
func (s Snapshot) whyCredentials() string {
	if refused := s.refusedRenewal(); refused != nil {
		return fmt.Sprintf("the service does not renew the certificate in Secret %s (VeroOrder %s), "+
			"so a new one needs transfer credentials: ", s.Current.SecretName, refused.Name)
	}
	if s.Current.SerialNumber != "" {
		return s.Current.Problem + ", so a new one needs transfer credentials: "
	}
	return ""
}

// NeedsAuthorisation is whether the decision for the request depends on credentials or on the current certificate. It
// does not where an order for its key is on its way, which is most of the time, and then no Secret is read.
func (s Snapshot) NeedsAuthorisation() bool { return s.inFlight() == nil }

// inFlight is an order for the key that may have been accepted. It is followed whatever else has changed: what was
// paid for must not be lost with a typing error in an issuer.
func (s Snapshot) inFlight() *v1alpha1.VeroOrder {
	return s.newest(func(order *v1alpha1.VeroOrder) bool {
		return s.sameKey(order) && (order.Status.Phase == v1alpha1.PhaseSubmitted || inDoubt(order)) &&
			order.Status.Phase != v1alpha1.PhaseFailed && order.Status.Phase != v1alpha1.PhaseIssued
	})
}

// pending is an order for the key that is about to be sent.
func (s Snapshot) pending() *v1alpha1.VeroOrder {
	return s.newest(func(order *v1alpha1.VeroOrder) bool {
		return s.sameKey(order) && phaseOf(order) == v1alpha1.PhasePending
	})
}

// undelivered is an order for the key whose certificate is valid and is not the one in the Secret: the request that
// it was made for went away before it got it. A certificate that is in the Secret already is the one to be replaced.
func (s Snapshot) undelivered() *v1alpha1.VeroOrder {
	return s.newest(func(order *v1alpha1.VeroOrder) bool {
		if !s.sameKey(order) || !s.sameCustomer(order) || order.Status.Phase != v1alpha1.PhaseIssued {
			return false
		}
		leaf, err := Leaf(order)
		return err == nil && s.Now.Before(leaf.NotAfter) && SerialNumber(leaf) != s.Current.SerialNumber
	})
}

// refusal is a failed order that was made for this very request, of the kind that only a new request can mend.
func (s Snapshot) refusal() *v1alpha1.VeroOrder {
	return s.newest(func(order *v1alpha1.VeroOrder) bool {
		if !s.sameKey(order) || order.Spec.RequestUID != s.Request.UID || order.Status.Phase != v1alpha1.PhaseFailed {
			return false
		}
		switch readyReason(order) {
		case v1alpha1.ReasonRequestRefused, v1alpha1.ReasonSignatureRefused:
			return true
		case v1alpha1.ReasonCredentialsRefused:
			return order.Spec.Operation == v1alpha1.OperationRenew
		default:
			return false
		}
	})
}

// refusedRenewal is an order that shows that the service does not renew the current certificate.
func (s Snapshot) refusedRenewal() *v1alpha1.VeroOrder {
	return s.newest(func(order *v1alpha1.VeroOrder) bool {
		return s.renewsCurrent(order) && order.Status.Phase == v1alpha1.PhaseFailed &&
			readyReason(order) == v1alpha1.ReasonRenewalRefused
	})
}

// renewalAttempt is the number of the next order that renews the current certificate with the request's key.
func (s Snapshot) renewalAttempt() int32 {
	attempt := int32(1)
	for i := range s.Orders {
		if order := &s.Orders[i]; s.renewsCurrent(order) && s.sameKey(order) {
			attempt = max(attempt, order.Spec.Attempt+1)
		}
	}
	return attempt
}

func (s Snapshot) renewsCurrent(order *v1alpha1.VeroOrder) bool {
	return order.Spec.Renewal != nil && order.Spec.Renewal.SerialNumber == s.Current.SerialNumber
}

// sameKey is also about the issuer: a request is served by the issuer that it names.
func (s Snapshot) sameKey(order *v1alpha1.VeroOrder) bool {
	return order.Spec.PublicKeyDigest == s.Request.PublicKeyDigest &&
		order.Spec.IssuerRef.Kind == s.Issuer.Kind && order.Spec.IssuerRef.Name == s.Issuer.Name
}

func (s Snapshot) sameCustomer(order *v1alpha1.VeroOrder) bool {
	return order.Spec.CustomerID == s.Issuer.CustomerID && order.Spec.Environment == s.Issuer.Environment
}

// newest is the last made of the orders that match, nil if none does.
func (s Snapshot) newest(matches func(*v1alpha1.VeroOrder) bool) *v1alpha1.VeroOrder {
	var newest *v1alpha1.VeroOrder
	for i := range s.Orders {
		order := &s.Orders[i]
		if !matches(order) {
			continue
		}
		if newest == nil || newest.CreationTimestamp.Before(&order.CreationTimestamp) ||
			(newest.CreationTimestamp.Equal(&order.CreationTimestamp) && newest.Spec.Attempt < order.Spec.Attempt) {
			newest = order
		}
	}
	return newest
}

func follow(order *v1alpha1.VeroOrder) Action {
	return Action{Verb: Follow, Reason: readyReason(order), Message: readyMessage(order), Order: order}
}

func (s Snapshot) issuerMissing() Action {
	return Action{Verb: Wait, Reason: v1alpha1.ReasonIssuerNotFound,
		Message: fmt.Sprintf("%s does not exist; it goes on when somebody creates it", s.Issuer)}
}

func (s Snapshot) issuerNotReady() Action {
	return Action{Verb: Wait, Reason: v1alpha1.ReasonIssuerNotReady,
		Message: fmt.Sprintf("%s is not ready: %s", s.Issuer, s.Issuer.Message)}
}

func earlier(one, other time.Time) time.Time {
	if one.Before(other) {
		return one
	}
	return other
}
