package orderstate

import (
	"errors"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/vero/protocol"
)

// FirstPoll is how long the service wants between its acceptance and the first GetCertificate (interface description
// 2). It is counted from the moment at which the response was received, which is later than the service's own.
const FirstPoll = 10 * time.Second

const (
	// shortest and longest distances between two polls before the retrieval timeout, and the distance after it.
	shortestPoll = 10 * time.Second
	longestPoll  = 5 * time.Minute
	overduePoll  = time.Hour

	// firstRetry is the distance before a submission is repeated; it doubles each time.
	firstRetry = 10 * time.Second
	// longestRetry bounds it where the way to the service failed, longestRefusal where the service has refused.
	longestRetry   = 5 * time.Minute
	longestRefusal = time.Hour

	// tooEarlyRetry is when a renewal is tried again that the service finds too early (PKI080), against our arithmetic.
	tooEarlyRetry = time.Hour
	tooEarlyAgain = "; it is tried again every hour, and sooner when less than four hours are left"

	// longestWanted bounds what an endpoint can ask for with Retry-After.
	longestWanted = time.Hour

	// farthestPlan is how far ahead a stored time can lie, by the distances above and a little for clocks that differ;
	// where one lies farther, the clock was set back after it was written.
	farthestPlan = time.Hour + time.Minute

	// warnAfter is the number of failed submissions from which on the order warns.
	warnAfter = 5
)

// pollDistance is about half of the time already waited, so that a quick service is asked soon and a slow one seldom.
func pollDistance(waited, timeout time.Duration) time.Duration {
	if timeout > 0 && waited >= timeout {
		return overduePoll
	}
	return min(max(waited/2, shortestPoll), longestPoll)
}

// wantedDistance is how long the endpoint wants to be left alone after an error, 0 if it does not say so.
func wantedDistance(err error) time.Duration {
	refusal, isHTTP := errors.AsType[*protocol.HTTPError](err)
	if !isHTTP {
		return 0
	}
	return min(refusal.RetryAfter, longestWanted)
}

// plannedPoll is when an accepted order is polled next, by what is stored in it.
func plannedPoll(status *v1alpha1.VeroOrderStatus) time.Time {
	planned := status.AcceptanceTime.Add(FirstPoll)
	if status.NextPollTime != nil && status.NextPollTime.After(planned) {
		return status.NextPollTime.Time
	}
	return planned
}

// beforeExpiry shortens the distance to the next try of a renewal as the end of the certificate comes near that has to
// sign it: there is always time for some more tries.
func beforeExpiry(order *v1alpha1.VeroOrder, distance time.Duration, now time.Time) time.Duration {
	const tries = 4
	if order.Spec.Renewal == nil {
		return distance
	}
	return min(distance, max(order.Spec.Renewal.NotAfter.Sub(now)/tries, firstRetry))
}

// retryDistance doubles with every submission.
func retryDistance(submissions int32, longest time.Duration) time.Duration {
	distance := firstRetry
	for range submissions - 1 {
		if distance >= longest {
			break
		}
		distance *= 2
	}
	return min(distance, longest)
}

// nextTry is when a submission is repeated that was not accepted.
func nextTry(order *v1alpha1.VeroOrder, longest time.Duration, call Call) *metav1.MicroTime {
	return after(order, retryDistance(order.Status.Submissions, longest), call)
}

// after is a distance after the end of a call, or sooner where the certificate that has to sign the next one ends.
func after(order *v1alpha1.VeroOrder, distance time.Duration, call Call) *metav1.MicroTime {
	return at(call.Ended.Add(beforeExpiry(order, distance, call.Ended)))
}
