package orderstate

import (
	"time"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
)

const (
	// labelRestored is what Velero puts on an object that it restores.
	labelRestored = "velero.io/restore-name"
	// restoreTime is how long the status of a restored order may take to follow the order.
	restoreTime = time.Minute
)

// UntouchedUntil is until when an order is to be left alone, whatever there is to decide, because a restore from a
// backup has created it: Velero writes the status, and with it the RetrievalId, in a second step, which fails if
// anybody has written in between. Zero for other orders.
func UntouchedUntil(order *v1alpha1.VeroOrder) time.Time {
	status := &order.Status
	bare := status.RetrievalID == "" && status.Submissions == 0 && Untouched(order)
	if _, restored := order.Labels[labelRestored]; !restored || !bare {
		return time.Time{}
	}
	return order.CreationTimestamp.Add(restoreTime)
}
