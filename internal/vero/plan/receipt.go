package plan

import (
	"fmt"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/vero/orderstate"
)

// Receipt is what a CertificateRequest carries of an acceptance.
type Receipt struct {
	// RetrievalID is the service's, empty if it has accepted nothing.
	RetrievalID string
	// PaidWith is the value of the label LabelTransferID of the order that it was given to; empty for a renewal.
	PaidWith string
}

// ReceiptOf is the Receipt in a CertificateRequest's annotations. Whoever may write them can write anything.
func ReceiptOf(annotations map[string]string) Receipt {
	id := annotations[v1alpha1.AnnotationRetrievalID]
	if !orderstate.Adoptable(id) {
		return Receipt{}
	}
	return Receipt{RetrievalID: id, PaidWith: annotations[v1alpha1.AnnotationPaidWith]}
}

// Annotations carry the Receipt of an order that was accepted; an empty one is to be removed, as all are where the
// service has said that the RetrievalId is another's. Nil if there is nothing to say.
func Annotations(order *v1alpha1.VeroOrder) map[string]string {
	switch {
	case orderstate.Disowned(order):
		return map[string]string{v1alpha1.AnnotationRetrievalID: "", v1alpha1.AnnotationPaidWith: ""}
	case order.Status.RetrievalID == "":
		return nil
	}
	return map[string]string{
		v1alpha1.AnnotationRetrievalID: order.Status.RetrievalID,
		v1alpha1.AnnotationPaidWith:    order.Labels[v1alpha1.LabelTransferID],
	}
}

// orphan tells of a receipt that no order holds any more; empty if there is none. Somebody has deleted the VeroOrder:
// to give up what it was for, as the messages of long waits suggest, or by mistake.
func (s Snapshot) orphan() string {
	receipt := s.Request.Receipt
	holder := orderstate.Newest(s.Orders, func(order *v1alpha1.VeroOrder) bool {
		return order.Status.RetrievalID == receipt.RetrievalID || order.Status.RefusedRetrievalID == receipt.RetrievalID ||
			order.Annotations[v1alpha1.AnnotationAdoptRetrievalID] == receipt.RetrievalID
	})
	if receipt.RetrievalID == "" || holder != nil {
		return ""
	}
	return fmt.Sprintf("the service had accepted this request with RetrievalId %s, which was paid for, and the "+
		"VeroOrder that held it was deleted", receipt.RetrievalID)
}

// adopts reports whether a new order is the deleted one made again, and so asks for the certificate with its
// RetrievalId instead of sending the request. It is if it would spend the same transfer credentials: the service takes
// them once.
// New credentials show that somebody has given up what the old ones paid for, and a renewal is free to be sent again.
func (s Snapshot) adopts(operation v1alpha1.VeroOperation) bool {
	return operation == v1alpha1.VeroOperationSignNew && s.paidBefore()
}

// paidBefore reports whether the request was accepted with the transfer credentials, and no order holds its receipt any
// more. The service refuses them to everybody since, which says nothing about them.
func (s Snapshot) paidBefore() bool {
	return s.orphan() != "" && s.Request.Receipt.PaidWith == v1alpha1.LabelValue(s.Transfer.IDDigest)
}

// remember writes into a new order what is known of a deleted one whose place it takes.
func (s Snapshot) remember(order *v1alpha1.VeroOrder) {
	switch {
	case s.adopts(order.Spec.Operation):
		order.Annotations[v1alpha1.AnnotationAdoptRetrievalID] = s.Request.Receipt.RetrievalID
	case s.orphan() != "":
		order.Annotations[v1alpha1.AnnotationGivenUp] = s.Request.Receipt.RetrievalID
	}
}

// orphanHint is what orphan tells, and how the certificate can be fetched after all, where an order with the same key
// is there to be used for it. A person who copies the command writes the RetrievalId into it: whoever may write the
// request's annotations must not write commands.
func (s Snapshot) orphanHint() string {
	orphan := s.orphan()
	if orphan == "" {
		return ""
	}
	home := orderstate.Newest(s.Orders, func(order *v1alpha1.VeroOrder) bool {
		return s.sameKey(order) && orderstate.StateOf(order) == v1alpha1.VeroOrderFailed && order.Status.RetrievalID == ""
	})
	if home == nil {
		return "; " + orphan
	}
	return fmt.Sprintf("; %s: to fetch the certificate after all, kubectl annotate veroorder %s %s=RETRIEVAL-ID",
		orphan, home.Name, v1alpha1.AnnotationAdoptRetrievalID)
}
