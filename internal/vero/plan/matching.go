package plan

import (
	"crypto/x509"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/pki"
	"github.com/varmenne/varmenne-issuer/internal/reasons"
	"github.com/varmenne/varmenne-issuer/internal/vero/facts"
	"github.com/varmenne/varmenne-issuer/internal/vero/orderstate"
)

// made is the order whose certificate was issued for this very request. It belongs to the request even if the issuer
// has changed since.
func (s Snapshot) made() *v1alpha1.VeroOrder {
	order, _ := s.longest(func(order *v1alpha1.VeroOrder) bool { return order.Spec.RequestUID == s.Request.UID })
	return order
}

// adoptable is an order with a certificate for the request's key that never got into the Secret: the request that it
// was made for went away too early. A certificate that is in the Secret already is the one to be replaced, and so is
// every older one: with rotationPolicy Never all of them have the same key.
func (s Snapshot) adoptable() *v1alpha1.VeroOrder {
	order, leaf := s.issued()
	if order == nil || s.Request.OwnerProblem != "" || s.unexamined() ||
		facts.SerialNumber(leaf) == s.Current.SerialNumber ||
		(s.Current.Usable() && !leaf.NotAfter.After(s.Current.NotAfter)) {
		return nil
	}
	return order
}

// unexamined reports whether there is a Secret and nobody has looked into it.
func (s Snapshot) unexamined() bool {
	return s.Current.SecretName != "" && s.Current.SerialNumber == "" && s.Current.Problem == ""
}

// issued is the order with the best certificate for the request's key, customer and environment.
func (s Snapshot) issued() (*v1alpha1.VeroOrder, *x509.Certificate) {
	if !s.Issuer.Exists {
		return nil, nil
	}
	return s.longest(s.Issuer.SameCustomer)
}

// longest is the order whose certificate lasts longest, of those for the request's key that match and have not expired.
func (s Snapshot) longest(matches func(*v1alpha1.VeroOrder) bool) (*v1alpha1.VeroOrder, *x509.Certificate) {
	var longest *v1alpha1.VeroOrder
	var best *x509.Certificate
	for i := range s.Orders {
		order := &s.Orders[i]
		if orderstate.StateOf(order) != v1alpha1.VeroOrderIssued || !s.sameKey(order) || !matches(order) {
			continue
		}
		leaf, err := facts.Leaf(order)
		if err != nil || !s.bearsKey(leaf) || s.Now.After(leaf.NotAfter) {
			continue
		}
		if best == nil || leaf.NotAfter.After(best.NotAfter) {
			longest, best = order, leaf
		}
	}
	return longest, best
}

// bearsKey is a last look at a certificate that is about to be delivered: people with enough rights can write to the
// status of an order.
func (s Snapshot) bearsKey(leaf *x509.Certificate) bool {
	digest, err := pki.PublicKeyDigest(leaf.PublicKey)
	return err == nil && digest == s.Request.PublicKeyDigest
}

// inFlight is an order for the key that may have been accepted. It is followed whatever else has changed: what was
// paid for must not be lost with a typing error in an issuer.
func (s Snapshot) inFlight() *v1alpha1.VeroOrder {
	return orderstate.Newest(s.Orders, func(order *v1alpha1.VeroOrder) bool {
		return s.sameKey(order) && (orderstate.StateOf(order) == v1alpha1.VeroOrderSubmitted || orderstate.InDoubt(order))
	})
}

// pending is an order for the key that is about to be sent.
func (s Snapshot) pending() *v1alpha1.VeroOrder {
	return orderstate.Newest(s.Orders, func(order *v1alpha1.VeroOrder) bool {
		return s.sameKey(order) && orderstate.StateOf(order) == v1alpha1.VeroOrderPending
	})
}

// refusal is a failed order that was made for this very request, of the kind that only a new request can mend.
func (s Snapshot) refusal() *v1alpha1.VeroOrder {
	return orderstate.Newest(s.Orders, func(order *v1alpha1.VeroOrder) bool {
		if !s.sameKey(order) || order.Spec.RequestUID != s.Request.UID ||
			orderstate.StateOf(order) != v1alpha1.VeroOrderFailed {
			return false
		}
		switch reasons.Of(orderstate.Reason(order)).Refuses {
		case reasons.RefusesAll:
			return true
		case reasons.RefusesRenewals:
			return order.Spec.Operation == v1alpha1.VeroOperationRenew
		default:
			return false
		}
	})
}

// refusedRenewal is an order that shows that the service does not renew the current certificate. What it says of one
// customer or environment it does not say of another: a mistake in an issuer can be corrected.
func (s Snapshot) refusedRenewal() *v1alpha1.VeroOrder {
	return orderstate.Newest(s.Orders, func(order *v1alpha1.VeroOrder) bool {
		return s.renewsCurrent(order) && s.Issuer.SameCustomer(order) &&
			orderstate.StateOf(order) == v1alpha1.VeroOrderFailed &&
			orderstate.Reason(order) == v1alpha1.ReasonRenewalRefused
	})
}

// renewalFailed reports whether a renewal of the current certificate has failed in a way that may pass, so that it is
// tried again, unless somebody has bought transfer credentials to get past it.
func (s Snapshot) renewalFailed() bool {
	return orderstate.Newest(s.Orders, func(order *v1alpha1.VeroOrder) bool {
		return s.renewsCurrent(order) && orderstate.StateOf(order) == v1alpha1.VeroOrderFailed &&
			reasons.Of(orderstate.Reason(order)).MayPass
	}) != nil
}

// renewalAttempt is the number of the next order that renews the current certificate with the request's key.
func (s Snapshot) renewalAttempt() int32 {
	attempt := int32(1)
	for i := range s.Orders {
		order := &s.Orders[i]
		if s.renewsCurrent(order) && order.Spec.PublicKeyDigest == s.Request.PublicKeyDigest {
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
