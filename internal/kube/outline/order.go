package outline

import (
	"encoding/pem"
	"slices"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
)

// Trim is what the cache keeps of a VeroOrder: all but managedFields until it is accepted, and all but its signing
// request from then on. Of one that was issued it keeps what a request is matched with, what must not be ordered twice
// and what metrics tell; of the chain that is the leaf. Thousands may be kept for months. Whoever hands a chain over,
// or writes an order that was issued, reads it from the API server.
func Trim(object any) (any, error) {
	order, isOrder := object.(*v1alpha1.VeroOrder)
	if !isOrder {
		return object, nil
	}
	order.ManagedFields = nil
	shareTexts(order)
	switch order.Status.State {
	case v1alpha1.VeroOrderSubmitted:
		order.Spec.Request = nil // A write of the status leaves the spec alone.
	case v1alpha1.VeroOrderIssued:
		order.Spec.Request, order.Status.CA = nil, nil
		if leaf, rest := pem.Decode(order.Status.Certificate); leaf != nil {
			// A copy, or the whole chain would be kept with it.
			order.Status.Certificate = slices.Clone(order.Status.Certificate[:len(order.Status.Certificate)-len(rest)])
		}
	default:
	}
	return order, nil
}

// Trimmed reports whether an order was issued and lacks what Trim leaves out. A signing request is in every order of
// the API server's.
func Trimmed(order *v1alpha1.VeroOrder) bool {
	return order.Status.State == v1alpha1.VeroOrderIssued && len(order.Spec.Request) == 0
}

// shareTexts keeps the texts once that many orders have.
func shareTexts(order *v1alpha1.VeroOrder) {
	order.Kind, order.APIVersion = shared(order.Kind), shared(order.APIVersion)
	order.Namespace = shared(order.Namespace)
	spec, status := &order.Spec, &order.Status
	spec.IssuerRef.Kind, spec.IssuerRef.Name = shared(spec.IssuerRef.Kind), shared(spec.IssuerRef.Name)
	spec.IssuerRef.UID, spec.CustomerID = shared(spec.IssuerRef.UID), shared(spec.CustomerID)
	spec.Operation, spec.Environment = shared(spec.Operation), shared(spec.Environment)
	status.State = shared(status.State)
	for i := range status.Conditions {
		condition := &status.Conditions[i]
		condition.Type, condition.Status = shared(condition.Type), shared(condition.Status)
		condition.Reason = shared(condition.Reason)
	}
	order.Labels, order.Annotations = shareKeys(order.Labels), shareKeys(order.Annotations)
}

func shareKeys(texts map[string]string) map[string]string {
	if len(texts) == 0 {
		return nil
	}
	kept := make(map[string]string, len(texts))
	for key, text := range texts {
		kept[shared(key)] = text
	}
	return kept
}
