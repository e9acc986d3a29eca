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
// anybody has written in between. Or because the controller that has made it may be sending it. Zero for other orders,
// and where a clock was set back since: an order that is restored is left alone even if the clock is slow by an hour.
func UntouchedUntil(order *v1alpha1.VeroOrder, now time.Time) time.Time {
	status := &order.Status
	bare := status.RetrievalID == "" && status.Submissions == 0 && Untouched(order)
	_, restored := order.Labels[labelRestored]
	until, farthest := order.CreationTimestamp.Time, farthestPlan
	switch {
	case restored && bare:
		until = until.Add(restoreTime)
	case IntendedByCreation(order):
		until, farthest = until.Add(CreatorsTime), 2*restoreTime
	default:
		return time.Time{}
	}
	if until.Sub(now) > farthest {
		return time.Time{}
	}
	return until
}
