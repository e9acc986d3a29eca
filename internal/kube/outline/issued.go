package outline

import (
	"bytes"

	"k8s.io/apimachinery/pkg/types"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/lru"
)

// mostIssued and largestIssued bound how many orders are kept whole, and how large each may be, in bytes of JSON.
const mostIssued, largestIssued = 256, 32 << 10

// Issued keeps orders whole that this process has just written as issued, until their chain is handed over: the cache
// trims them, and the API server has answered with what it would be asked for. A nil one keeps nothing.
type Issued struct {
	orders *lru.Cache[types.UID, *v1alpha1.VeroOrder]
}

// NewIssued makes one that keeps nothing yet.
func NewIssued() *Issued { return &Issued{lru.New[types.UID, *v1alpha1.VeroOrder](mostIssued)} }

// Expect an order that is about to be written, with its chain: the watch may be faster than the answer.
func (i *Issued) Expect(order *v1alpha1.VeroOrder) { i.keep(order, "") }

// Keep an order as the API server has answered.
func (i *Issued) Keep(order *v1alpha1.VeroOrder) { i.keep(order, order.ResourceVersion) }

func (i *Issued) keep(order *v1alpha1.VeroOrder, version string) {
	if i == nil || order.Status.State != v1alpha1.VeroOrderIssued {
		return
	}
	kept := *order
	kept.ManagedFields, kept.ResourceVersion = nil, version
	if !lru.Fits(&kept, largestIssued) {
		i.orders.Remove(kept.UID)
		return
	}
	i.orders.Add(kept.UID, kept.DeepCopy())
}

// Take returns an order whole, once, that is trimmed in the cache; nil if that version of it is not kept. Of one that
// is expected the leaf has to be the same: its chain was verified here in any case.
func (i *Issued) Take(trimmed *v1alpha1.VeroOrder) *v1alpha1.VeroOrder {
	if i == nil {
		return nil
	}
	whole, known := i.orders.Get(trimmed.UID)
	if !known || !bytes.HasPrefix(whole.Status.Certificate, trimmed.Status.Certificate) ||
		whole.ResourceVersion != "" && whole.ResourceVersion != trimmed.ResourceVersion {
		return nil
	}
	i.orders.Remove(trimmed.UID)
	return whole
}
