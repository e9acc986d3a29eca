package plan

import (
	"fmt"
	"time"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/vero/orderstate"
)

// Receipt is what a CertificateRequest shows of an acceptance.
type Receipt struct {
	// RetrievalID is the service's, empty if it has accepted nothing.
	RetrievalID string
	// At is when it was received.
	At time.Time
}

// orphan tells of a receipt that no order holds any more; empty if there is none. Somebody has deleted the VeroOrder:
// to give up what it was for, as the messages of long waits suggest, or by mistake. The two look the same, so the
// issuance goes on, but what was paid for stays in sight.
func (s Snapshot) orphan() string {
	receipt := s.Request.Receipt
	holder := orderstate.Newest(s.Orders, func(order *v1alpha1.VeroOrder) bool {
		return order.Status.RetrievalID == receipt.RetrievalID || order.Status.RefusedRetrievalID == receipt.RetrievalID
	})
	if receipt.RetrievalID == "" || holder != nil {
		return ""
	}
	return fmt.Sprintf("the service had accepted this request on %s with RetrievalId %s, which was paid for, and the "+
		"VeroOrder that held it was deleted", receipt.At.UTC().Format(time.RFC3339), receipt.RetrievalID)
}

// orphanHint is what orphan tells, and how the certificate can be fetched after all, where an order with the same key
// is there to be used for it.
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
	return fmt.Sprintf("; %s: to fetch the certificate after all, write the RetrievalId into status.retrievalID of "+
		"VeroOrder %s, with status.state Submitted", orphan, home.Name)
}
