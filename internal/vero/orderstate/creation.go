package orderstate

import (
	"time"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
)

// CreatorsTime is how long an order that was made to be sent right after is left to the one that has made it.
const CreatorsTime = 10 * time.Second

// IntendByCreation lets an order that is about to be made say that it is sent right after, and reports whether it does:
// one that is made to take over a RetrievalId is not sent.
func IntendByCreation(order *v1alpha1.VeroOrder, id string) bool {
	if _, adopts := AdoptionOf(order); adopts {
		return false
	}
	order.Spec.IntentID = id
	return true
}

// IntendedByCreation reports whether all that is known of an order is that it was to be sent right after it was made.
// It was, or it was not; or its status is lost. It is in doubt to everybody who reads it, and to those who write it by
// Recall.
func IntendedByCreation(order *v1alpha1.VeroOrder) bool {
	status := &order.Status
	return order.Spec.IntentID != "" && Untouched(order) && status.Submissions == 0 && status.RetrievalID == "" &&
		(status.State == "" || status.State == v1alpha1.VeroOrderPending)
}

// OnlyMade reports whether an order is in doubt for no other reason than its creation, also where Recall has put that
// into its status since: nobody has seen a call begin, and most orders have only waited to be sent.
func OnlyMade(order *v1alpha1.VeroOrder) bool {
	status := &order.Status
	return IntendedByCreation(order) || order.Spec.IntentID != "" &&
		status.State == v1alpha1.VeroOrderSubmitting && status.Submissions == 1 && status.NextSubmitTime == nil &&
		status.SubmissionTime != nil && status.SubmissionTime.Time.Equal(order.CreationTimestamp.Time)
}

// Recall lets an order say what its creation has said, before anything else is written into it: that its request was
// about to be sent. own is for the one who has made the order and knows that it has not sent it.
func Recall(order *v1alpha1.VeroOrder, own bool) {
	switch {
	case !IntendedByCreation(order):
	case own:
		order.Spec.IntentID = ""
	default:
		order.Status.State, order.Status.Submissions = v1alpha1.VeroOrderSubmitting, 1
		order.Status.SubmissionTime = at(order.CreationTimestamp.Time)
	}
}
