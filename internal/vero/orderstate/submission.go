package orderstate

import (
	"errors"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/vero/protocol"
)

// RecordIntent writes into an order, for which Submit was decided, that its request is about to be sent. fingerprint is
// that of the transfer password, empty for renewals; interruptions is what Resumptions say. An intent that is found
// without an outcome makes the order uncertain.
func RecordIntent(order *v1alpha1.VeroOrder, fingerprint string, interruptions int32, now time.Time) {
	status := &order.Status
	if status.State == v1alpha1.VeroOrderSubmitting || IntendedByCreation(order) {
		status.Uncertain = true
	}
	status.State = v1alpha1.VeroOrderSubmitting
	status.Submissions++
	status.SubmissionTime = at(now)
	status.Interruptions = interruptions
	status.PasswordFingerprint = fingerprint
	status.NextSubmitTime = nil
	setReady(order, metav1.ConditionFalse, v1alpha1.ReasonSubmitting,
		fmt.Sprintf("%s is being sent", order.Spec.Operation), now)
}

// RecordSubmission writes into an order what its submission has led to: a RetrievalId, or an error.
func RecordSubmission(order *v1alpha1.VeroOrder, retrievalID string, err error, call Call) {
	OutcomeOfSubmission(order, retrievalID, err, call).apply(order, call.Ended)
}

// OutcomeOfSubmission is what a submission makes of an order. The order may have moved on since, if another controller
// took over in the meantime: then a RetrievalId still counts, and an error does not.
func OutcomeOfSubmission(order *v1alpha1.VeroOrder, retrievalID string, err error, call Call) Outcome {
	if err == nil {
		return accepted(order, retrievalID, call)
	}
	unverified, isUnverified := errors.AsType[*protocol.UnverifiedError](err)
	if isUnverified && unverified.RetrievalID != "" && unverified.RetrievalID != order.Status.RefusedRetrievalID {
		return receipt(order, unverified, call)
	}
	if order.Status.State != v1alpha1.VeroOrderSubmitting || order.Status.SubmissionTime == nil ||
		!order.Status.SubmissionTime.Time.Equal(call.Intended) {
		return unchanged(order)
	}
	o := answered(order, err, call)
	if refusal, isRefusal := errors.AsType[*protocol.ServiceError](err); isRefusal {
		return o.refused(order, refusal, call)
	}
	return o.interrupted(order, err, call)
}

// accepted is for verified responses with a RetrievalId.
func accepted(order *v1alpha1.VeroOrder, retrievalID string, call Call) Outcome {
	if !takes(order, false) {
		return late(order, retrievalID, call)
	}
	o := concluded(order).holding(retrievalID, false, call)
	o.Problem = nil
	o.Reason, o.Message = o.awaiting(order, call.Ended, call.Timeout)
	return o
}

// receipt is for responses that cannot be relied on and carry a RetrievalId. It remembers what the response would
// otherwise have led to, for disowned.
func receipt(order *v1alpha1.VeroOrder, err *protocol.UnverifiedError, call Call) Outcome {
	if !takes(order, true) {
		return late(order, err.RetrievalID, call)
	}
	o := answered(order, err, call).holding(err.RetrievalID, true, call)
	damage := err.Damage()
	if damage == nil {
		o.Uncertain = true
		return o.withIssuerProblem(o.problem(order, v1alpha1.ReasonUntrustedResponse, err, call))
	}
	o.Uncertain = o.Uncertain || damage.MayHaveBeenProcessed()
	o.Reason, o.Message = v1alpha1.ReasonAwaitingCertificate, fmt.Sprintf(
		"%v; but RetrievalId %s stood in it and is kept; the certificate is asked for with it", err, err.RetrievalID)
	return o
}

// takes reports whether an order takes a RetrievalId over. A verified one replaces one that is not; nothing replaces a
// verified one, nor one that is being tried.
func takes(order *v1alpha1.VeroOrder, unverified bool) bool {
	status := &order.Status
	switch {
	case status.State == v1alpha1.VeroOrderIssued:
		return false
	case status.RetrievalID == "":
		return true
	default:
		return status.RetrievalIDUnverified && (!unverified || status.State != v1alpha1.VeroOrderSubmitted)
	}
}

// late notes a RetrievalId that an order does not take over.
func late(order *v1alpha1.VeroOrder, retrievalID string, call Call) Outcome {
	o := unchanged(order)
	if o.RetrievalID != retrievalID {
		o.LastError = &v1alpha1.VeroOrderError{Code: codeLateResponse, Time: metav1.Time{Time: call.Ended},
			Message: fmt.Sprintf("a further response carried RetrievalId %s; %s is kept", retrievalID, o.RetrievalID)}
	}
	return o
}

// holding is an order that has a RetrievalId, and is to be polled.
func (o Outcome) holding(retrievalID string, unverified bool, call Call) Outcome {
	o.State, o.RetrievalID, o.Unverified = v1alpha1.VeroOrderSubmitted, retrievalID, unverified
	o.Accepted, o.NextPoll = at(call.Ended), at(call.Ended.Add(FirstPoll))
	o.NextSubmit, o.Ended, o.FirstRefusalTime = nil, nil, nil
	return o
}

// refused is for verified responses with Status FAIL: the row of the code table decides. A code that the table does not
// know, or not for this operation, is a technical error: it says that nothing was accepted, and no more.
func (o Outcome) refused(order *v1alpha1.VeroOrder, refusal *protocol.ServiceError, call Call) Outcome {
	code := documented(refusal, order.Spec.Operation)
	o.FirstRefusalTime = firstRefusal(o.FirstRefusalTime, code, call)
	o.Problem = nil // the response was verified
	switch code {
	case protocol.CodeWrongEnvironment:
		o.State, o.NextSubmit = v1alpha1.VeroOrderPending, nextTry(order, longestRefusal, call)
		return o.withIssuerProblem(o.problem(order, v1alpha1.ReasonWrongEnvironment, refusal, call))
	case protocol.CodeSignature:
		return o.failed(v1alpha1.ReasonSignatureRefused, explain(refusal), call.Ended)
	case protocol.CodeCertificate:
		return o.failed(v1alpha1.ReasonRenewalRefused, explain(refusal), call.Ended)
	case protocol.CodeCredentials:
		return o.withoutCredentials(order, refusal, call)
	case protocol.CodeRequest:
		return o.failed(v1alpha1.ReasonRequestRefused, explain(refusal), call.Ended)
	case protocol.CodeTooEarly:
		return o.retried(v1alpha1.VeroOrderPending, v1alpha1.ReasonWaitingForWindow, refusal.Error()+tooEarlyAgain,
			after(order, tooEarlyRetry, call))
	default: // CodeTechnical
		return o.retried(v1alpha1.VeroOrderPending, retryReason(order), refusal.Error()+"; it is tried again"+o.unspent(),
			nextTry(order, longestRefusal, call))
	}
}

// documented is the code of a refusal if the service has documented it for the operation, else CodeTechnical.
func documented(refusal *protocol.ServiceError, operation v1alpha1.VeroOperation) protocol.Code {
	meaning, _ := refusal.Meaning()
	for _, known := range meaning.Operations {
		if string(known) == string(operation) {
			return refusal.Code
		}
	}
	return protocol.CodeTechnical
}

// firstRefusal is when the service first refused the request for a technical reason, if it has answered with nothing
// else since: now, also where a clock was ahead then.
func firstRefusal(since *metav1.MicroTime, code protocol.Code, call Call) *metav1.MicroTime {
	switch {
	case code != protocol.CodeTechnical:
		return nil
	case since == nil, since.After(call.Ended):
		return at(call.Ended)
	default:
		return since
	}
}

// withoutCredentials tells credentials that are wrong from credentials that this very order may have used up.
func (o Outcome) withoutCredentials(order *v1alpha1.VeroOrder, refusal *protocol.ServiceError, call Call) Outcome {
	if !o.Uncertain {
		return o.failed(v1alpha1.ReasonCredentialsRefused, explain(refusal), call.Ended)
	}
	return o.failed(v1alpha1.ReasonResponseLost, fmt.Sprintf("the request was sent %d times; an earlier response "+
		"was lost, and the service does not take the credentials again (%s): if it had accepted them, the certificate "+
		"cannot be fetched; order new transfer credentials and put them into Secret %s",
		order.Status.Submissions, refusal.Code, order.Spec.Transfer.SecretName), call.Ended)
}

// interrupted is for calls without a response that can be relied on. The next submission is put off for as long as the
// endpoint wants to be left alone.
func (o Outcome) interrupted(order *v1alpha1.VeroOrder, err error, call Call) Outcome {
	next := after(order, max(retryDistance(order.Status.Submissions, longestRetry), wantedDistance(err)), call)
	failure, isCall := errors.AsType[protocol.CallError](err)
	if !isCall || !failure.MayHaveBeenProcessed() {
		return o.retried(v1alpha1.VeroOrderPending, retryReason(order), err.Error()+"; it is tried again"+o.unspent(), next)
	}
	o.Uncertain = true
	if isUntrusted(err) {
		o.State, o.NextSubmit = v1alpha1.VeroOrderSubmitting, next
		return o.withIssuerProblem(o.problem(order, v1alpha1.ReasonUntrustedResponse, err, call))
	}
	return o.retried(v1alpha1.VeroOrderSubmitting, v1alpha1.ReasonUncertain,
		err.Error()+"; it is sent again with the same authorization", next)
}

// isUntrusted reports whether a response was whole, and its signature is what cannot be relied on.
func isUntrusted(err error) bool {
	unverified, is := errors.AsType[*protocol.UnverifiedError](err)
	return is && unverified.Damage() == nil
}
