package status

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	// checkInterval is how often a ready issuer is checked, and the longest distance for one that is not; retryInterval
	// is the shortest.
	checkInterval = 10 * time.Minute
	retryInterval = time.Minute
)

// UntilCheck is the time until an issuer with that condition Ready is checked again. That of an issuer which is not
// ready is half of the time for which it has not been, within bounds: who repairs it at once sees it soon, and what
// nobody repairs costs less and less.
func UntilCheck(ready *metav1.Condition, now time.Time) time.Duration {
	if ready.Status == metav1.ConditionTrue {
		return checkInterval
	}
	const half = 2
	return min(max(now.Sub(ready.LastTransitionTime.Time)/half, retryInterval), checkInterval)
}
