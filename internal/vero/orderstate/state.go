package orderstate

import (
	"errors"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/pki"
	"github.com/varmenne/varmenne-issuer/internal/vero/protocol"
)

// Codes of status.lastError that are not the service's.
const (
	codeNoResponse        = "NoResponse"
	codeLateResponse      = "LateResponse"
	codeOthersCertificate = "OthersCertificate"
)

// longestMessage bounds what others have written into an order's status, in characters: the API server must never have
// a reason to refuse the outcome of a call.
const longestMessage = 2000

// RecordFailure writes into an order that it has failed, for the reason of the action. One that was accepted, or has
// ended, is left as it is.
func RecordFailure(order *v1alpha1.VeroOrder, action Action, now time.Time) {
	switch StateOf(order) {
	case v1alpha1.VeroOrderPending, v1alpha1.VeroOrderSubmitting:
		concluded(order).failed(action.Reason, action.Message, now).apply(order, now)
	default:
	}
}

// RecordWaiting writes into an order what it is waiting for. One that has ended is left as it is. Where the action is
// not due before a time that a clock wrote which was set back since, the stored times follow the clock.
func RecordWaiting(order *v1alpha1.VeroOrder, action Action, now time.Time) {
	status := &order.Status
	switch StateOf(order) {
	case v1alpha1.VeroOrderIssued, v1alpha1.VeroOrderFailed:
		return
	default:
	}
	if status.AcceptanceTime != nil && plannedPoll(status).Sub(now) > farthestPlan {
		status.NextPollTime = at(now.Add(FirstPoll))
		if status.AcceptanceTime.After(now) {
			status.AcceptanceTime = at(now)
		}
	}
	setReady(order, metav1.ConditionFalse, action.Reason, action.Message, now)
}

// retryReason is RetryingSubmission, or SubmissionFailing from the fifth time on.
func retryReason(order *v1alpha1.VeroOrder) string {
	if order.Status.Submissions >= warnAfter {
		return v1alpha1.ReasonSubmissionFailing
	}
	return v1alpha1.ReasonRetryingSubmission
}

// unspent ends a sentence about a request that was certainly not accepted, whenever it was sent.
func (o Outcome) unspent() string {
	if o.Uncertain {
		return ""
	}
	return "; nothing was spent"
}

// lastError is a failure as it is kept, for a reader and for support.
func lastError(err error, call Call) *v1alpha1.VeroOrderError {
	code := codeNoResponse
	if refusal, isRefusal := errors.AsType[*protocol.ServiceError](err); isRefusal {
		code = string(refusal.Code)
	} else if isUntrusted(err) {
		code = v1alpha1.ReasonUntrustedResponse
	} else if disowns(err) {
		code = codeOthersCertificate
	} else if _, isWrong := errors.AsType[*pki.IssuedError](err); isWrong {
		code = v1alpha1.ReasonWrongCertificate
	}
	return &v1alpha1.VeroOrderError{Code: code, Message: clip(err.Error()), Time: metav1.Time{Time: call.Ended}}
}

func explain(refusal *protocol.ServiceError) string {
	meaning, _ := refusal.Meaning()
	return refusal.Error() + "; " + meaning.Remedy
}

func setReady(order *v1alpha1.VeroOrder, status metav1.ConditionStatus, reason, message string, now time.Time) {
	meta.SetStatusCondition(&order.Status.Conditions, metav1.Condition{
		Type: v1alpha1.ConditionReady, Status: status, Reason: reason, Message: clip(message),
		LastTransitionTime: metav1.Time{Time: now},
	})
}

func clip(message string) string {
	if runes := []rune(message); len(runes) > longestMessage {
		return string(runes[:longestMessage]) + "…"
	}
	return message
}

func lastMessage(last *v1alpha1.VeroOrderError) string {
	if last == nil {
		return "no response yet"
	}
	return last.Message
}

// InDoubt reports whether the service may have accepted an order that has not ended without our having its word.
func InDoubt(order *v1alpha1.VeroOrder) bool {
	switch StateOf(order) {
	case v1alpha1.VeroOrderSubmitting:
		return true
	case v1alpha1.VeroOrderPending:
		return order.Status.Uncertain
	default:
		return false
	}
}

// StateOf is how far an order has come. It also reads one that no API server has given its default. One that holds a
// RetrievalId is never sent, whatever else a backup has brought back of its status.
func StateOf(order *v1alpha1.VeroOrder) v1alpha1.VeroOrderState {
	switch phase := order.Status.State; phase {
	case "", v1alpha1.VeroOrderPending, v1alpha1.VeroOrderSubmitting:
		switch {
		case order.Status.RetrievalID != "":
			return v1alpha1.VeroOrderSubmitted
		case IntendedByCreation(order):
			return v1alpha1.VeroOrderSubmitting
		case phase == "":
			return v1alpha1.VeroOrderPending
		}
		return phase
	default:
		return phase
	}
}

// Untouched reports whether the controller has written nothing into an order's status yet: its condition Ready is that
// which the API server gives a new order, and one that was restored without its status.
func Untouched(order *v1alpha1.VeroOrder) bool { return recorded(order) == nil }

// recorded is the condition Ready as the controller has written it; nil before it has.
func recorded(order *v1alpha1.VeroOrder) *metav1.Condition {
	condition := meta.FindStatusCondition(order.Status.Conditions, v1alpha1.ConditionReady)
	if condition == nil || condition.Status == metav1.ConditionUnknown {
		return nil
	}
	return condition
}

// Reason is why an order is not ready, or that it is: one of the API's reasons.
func Reason(order *v1alpha1.VeroOrder) string {
	if condition := recorded(order); condition != nil {
		return condition.Reason
	}
	return v1alpha1.ReasonOrderCreated
}

// Message is what an order says of itself: what is the matter and what to do about it.
func Message(order *v1alpha1.VeroOrder) string {
	if condition := recorded(order); condition != nil {
		return condition.Message
	}
	return fmt.Sprintf("VeroOrder %s is about to be sent", order.Name)
}

// RefusedCredentials reports whether the service has spoken about the credentials of a failed order. An order whose
// response was lost may have been abandoned before it could be sent again.
func RefusedCredentials(order *v1alpha1.VeroOrder) bool {
	return order.Status.LastError != nil && order.Status.LastError.Code == string(protocol.CodeCredentials)
}

// Disowned reports whether an order has lost a RetrievalId that the service has said to be another's, and holds none.
func Disowned(order *v1alpha1.VeroOrder) bool {
	return order.Status.RetrievalID == "" && order.Status.RefusedRetrievalID != ""
}

// RequestOf names the CertificateRequest that an order was made for, as the end of a phrase; empty if it is not known.
func RequestOf(order *v1alpha1.VeroOrder) string {
	if name := order.Annotations[v1alpha1.AnnotationRequestName]; name != "" {
		return " for CertificateRequest " + name
	}
	return ""
}

// Newest is the last made of the orders that match, nil if none does.
func Newest(orders []v1alpha1.VeroOrder, matches func(*v1alpha1.VeroOrder) bool) *v1alpha1.VeroOrder {
	var newest *v1alpha1.VeroOrder
	for i := range orders {
		order := &orders[i]
		if !matches(order) {
			continue
		}
		if newest == nil || newest.CreationTimestamp.Before(&order.CreationTimestamp) ||
			(newest.CreationTimestamp.Equal(&order.CreationTimestamp) && newest.Spec.Attempt < order.Spec.Attempt) {
			newest = order
		}
	}
	return newest
}

// at rounds up to what the API stores, so that no time that is read back is earlier than it was meant.
func at(moment time.Time) *metav1.MicroTime {
	stored := moment.Truncate(time.Microsecond)
	if stored.Before(moment) {
		stored = stored.Add(time.Microsecond)
	}
	return &metav1.MicroTime{Time: stored}
}
