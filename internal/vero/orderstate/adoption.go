package orderstate

import (
	"fmt"
	"time"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/vero/protocol"
)

// Adoption is what becomes of the annotation AnnotationAdoptRetrievalID of an order. The zero Adoption only removes it:
// the order holds what it says.
type Adoption struct {
	// RetrievalID is to be written into the order, by RecordAdoption, before the annotation is removed; empty if nothing
	// is.
	RetrievalID string
	// Problem says why the annotation is not taken over and what to do; empty if it is.
	Problem string
	// Holds: the annotation stays, and nothing is sent for the order before somebody has corrected or removed it. Whoever
	// mistypes a RetrievalId does not want the order to spend its credentials instead.
	Holds bool
}

// Adoptable reports whether a text can be a RetrievalId.
func Adoptable(text string) bool { return protocol.CheckRetrievalID(text) == nil }

// AdoptionOf reads the annotation of an order; asked reports whether there is one.
func AdoptionOf(order *v1alpha1.VeroOrder) (adoption Adoption, asked bool) {
	id, asked := order.Annotations[v1alpha1.AnnotationAdoptRetrievalID]
	if !asked {
		return Adoption{}, false
	}
	status := &order.Status
	if err := protocol.CheckRetrievalID(id); err != nil {
		return unreadable(order, err), true
	}
	switch state := StateOf(order); {
	case status.RetrievalID == id && state != v1alpha1.VeroOrderFailed:
		return Adoption{}, true // written, and the controller has ended before it could remove the annotation
	case state == v1alpha1.VeroOrderIssued:
		return Adoption{Problem: fmt.Sprintf(
			"VeroOrder %s has its certificate, which it got with RetrievalId %s: RetrievalId %s is not taken over",
			order.Name, status.RetrievalID, id)}, true
	case status.RetrievalID != "" && status.RetrievalID != id && !status.RetrievalIDUnverified:
		return Adoption{Problem: fmt.Sprintf("VeroOrder %s holds RetrievalId %s, which a verified response of the service "+
			"carried: RetrievalId %s is not taken over", order.Name, status.RetrievalID, id)}, true
	default:
		return Adoption{RetrievalID: id}, true
	}
}

// unreadable is for an annotation that holds no RetrievalId.
func unreadable(order *v1alpha1.VeroOrder, err error) Adoption {
	problem := fmt.Sprintf("the annotation %s of VeroOrder %s is not taken over: %v",
		v1alpha1.AnnotationAdoptRetrievalID, order.Name, err)
	switch StateOf(order) {
	case v1alpha1.VeroOrderPending, v1alpha1.VeroOrderSubmitting:
		return Adoption{Holds: true,
			Problem: problem + "; nothing is sent for the order before the annotation is corrected or removed"}
	default:
		return Adoption{Problem: problem}
	}
}

// RecordAdoption writes a RetrievalId into an order for which AdoptionOf has chosen it. It is tried like one that could
// not be verified, from whatever state the order is in: only a verified response bears the certificate, and one that
// says that the id is another's leads back to where the order would be without it.
func RecordAdoption(order *v1alpha1.VeroOrder, retrievalID string, now time.Time) {
	o := concluded(order)
	again := o.RetrievalID == retrievalID && !o.Unverified // the service has refused it before, and a person knows better
	o.Uncertain = o.Uncertain || InDoubt(order) || Reason(order) == v1alpha1.ReasonResponseLost
	o = o.holding(retrievalID, !again, Call{Ended: now})
	o.Reason, o.Message = v1alpha1.ReasonAwaitingCertificate, fmt.Sprintf(
		"RetrievalId %s was taken over from the annotation %s; the certificate is asked for with it",
		retrievalID, v1alpha1.AnnotationAdoptRetrievalID)
	o.apply(order, now)
}
