package orderstate

import (
	"errors"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/vero"
)

// Intend writes into an order, for which Submit was decided, that its request is about to be sent. fingerprint is that
// of the transfer password, empty for renewals; interruptions is what Resumptions say. An intent that is found without
// an outcome makes the order uncertain.
func Intend(order *v1alpha1.VeroOrder, fingerprint string, interruptions int32, now time.Time) {
	status := &order.Status
	if status.Phase == v1alpha1.PhaseSubmitting {
		status.Uncertain = true
	}
	status.Phase = v1alpha1.PhaseSubmitting
	status.Submissions++
	status.SubmittedAt = at(now)
	status.Interruptions = interruptions
	status.PasswordFingerprint = fingerprint
	status.NextSubmitTime = nil
	setReady(order, metav1.ConditionFalse, v1alpha1.ReasonSubmitting,
		fmt.Sprintf("%s is being sent", order.Spec.Operation), now)
}

// RecordSubmission writes into an order what its submission has led to: a RetrievalId, or an error. The order may have
// moved on since, if another controller took over in the meantime: then a RetrievalId still counts, and an error does
// not.
func RecordSubmission(order *v1alpha1.VeroOrder, retrievalID string, err error, call Call) {
	if err == nil {
		accept(order, retrievalID, false, call)
		return
	}
	status := &order.Status
	unverified, isUnverified := errors.AsType[*vero.UnverifiedError](err)
	if isUnverified && unverified.RetrievalID != "" && unverified.RetrievalID != status.RefusedRetrievalID {
		recordReceipt(order, unverified, call)
		return
	}
	if status.Phase != v1alpha1.PhaseSubmitting || status.SubmittedAt == nil ||
		!status.SubmittedAt.Time.Equal(call.Intended) {
		return
	}
	concluded(order)
	note(order, err, call)
	forgetObsoleteProblem(order, call)
	if refusal, isRefusal := errors.AsType[*vero.ServiceError](err); isRefusal {
		recordRefusal(order, refusal, call)
		return
	}
	recordInterruption(order, err, call)
}

// recordReceipt is for answers that cannot be relied on and carry a RetrievalId. It remembers what it would otherwise
// have led to, for giveBack.
func recordReceipt(order *v1alpha1.VeroOrder, err *vero.UnverifiedError, call Call) {
	if !accept(order, err.RetrievalID, true, call) {
		return
	}
	damage := err.Damage()
	order.Status.Uncertain = order.Status.Uncertain || damage == nil || damage.MayHaveBeenProcessed()
	note(order, err, call)
	forgetObsoleteProblem(order, call)
	if damage == nil {
		blame(order, v1alpha1.ReasonUntrustedAnswer, err, call)
		return
	}
	setReady(order, metav1.ConditionFalse, v1alpha1.ReasonAwaitingCertificate, fmt.Sprintf(
		"%v; but RetrievalId %s stood in it and is kept; the certificate is asked for with it", err, err.RetrievalID),
		call.Ended)
}

// giveBack takes a RetrievalId from an order again that an answer carried which cannot be relied on, because a verified
// answer says that it is not that of the order: the order goes on as if it had never had it. What the service has
// accepted is not lost by that, since nothing leads to it.
func giveBack(order *v1alpha1.VeroOrder, err error, call Call) {
	status := &order.Status
	message := fmt.Sprintf("the RetrievalId %s, which stood in an answer that cannot be relied on, leads to nothing: %v; "+
		"the request is sent again with the same authorisation%s", status.RetrievalID, err, unspent(order))
	status.RefusedRetrievalID, status.RetrievalID, status.RetrievalIDUnverified = status.RetrievalID, "", false
	status.AcceptedAt, status.NextPollTime, status.IssuerProblem = nil, nil, nil
	reason := failing(order)
	if status.Uncertain {
		reason = v1alpha1.ReasonUncertain
	}
	retry(order, reason, message, longestRetry, call)
	if status.Uncertain {
		status.Phase = v1alpha1.PhaseSubmitting
	}
}

// accept keeps a RetrievalId, and tells whether it has become that of the order. A verified one replaces one that is
// not; nothing replaces a verified one, nor one that is being tried. One that is not taken over is noted all the same.
func accept(order *v1alpha1.VeroOrder, retrievalID string, unverified bool, call Call) bool {
	status := &order.Status
	taken := status.RetrievalID != "" &&
		(!status.RetrievalIDUnverified || (unverified && status.Phase == v1alpha1.PhaseSubmitted))
	if status.Phase == v1alpha1.PhaseIssued || taken {
		if status.RetrievalID != retrievalID {
			status.LastError = &v1alpha1.OrderError{Code: codeLateAnswer, Time: metav1.Time{Time: call.Ended},
				Message: fmt.Sprintf("a further answer carried RetrievalId %s; %s is kept", retrievalID, status.RetrievalID)}
		}
		return false
	}
	concluded(order)
	status.Phase = v1alpha1.PhaseSubmitted
	status.RetrievalID = retrievalID
	status.RetrievalIDUnverified = unverified
	status.AcceptedAt = at(call.Ended)
	status.NextPollTime = at(call.Ended.Add(FirstPoll))
	status.NextSubmitTime, status.EndedAt, status.RefusedSince = nil, nil, nil
	if !unverified {
		status.IssuerProblem = nil
		await(order, call)
	}
	return true
}

// recordRefusal is for verified answers with Status FAIL: the row of the code table decides. A code that the table does
// not know, or not for this operation, is a technical error: it says that nothing was accepted, and no more.
func recordRefusal(order *v1alpha1.VeroOrder, refusal *vero.ServiceError, call Call) {
	since := order.Status.RefusedSince
	order.Status.RefusedSince = nil
	if refusal.Code != vero.CodeWrongEnvironment {
		order.Status.IssuerProblem = nil
	}
	switch code := documented(refusal, order.Spec.Operation); code {
	case vero.CodeWrongEnvironment:
		retry(order, v1alpha1.ReasonWrongEnvironment, refusal.Error(), longestRefusal, call)
		blame(order, v1alpha1.ReasonWrongEnvironment, refusal, call)
	case vero.CodeSignature:
		fail(order, v1alpha1.ReasonSignatureRefused, explain(refusal), call.Ended)
	case vero.CodeCertificate:
		fail(order, v1alpha1.ReasonRenewalRefused, explain(refusal), call.Ended)
	case vero.CodeCredentials:
		refuseCredentials(order, refusal, call)
	case vero.CodeRequest:
		fail(order, v1alpha1.ReasonRequestRefused, explain(refusal), call.Ended)
	case vero.CodeTooEarly:
		retry(order, v1alpha1.ReasonWaitingForWindow, refusal.Error()+tooEarlyAgain, tooEarlyRetry, call)
		planRetry(order, tooEarlyRetry, call.Ended) // from the first time on, where retry begins with seconds
	default:
		if order.Status.RefusedSince = since; since == nil || since.After(call.Ended) { // a clock was ahead
			order.Status.RefusedSince = at(call.Ended)
		}
		retry(order, failing(order), refusal.Error()+"; it is tried again"+unspent(order), longestRefusal, call)
	}
}

// documented is the code of a refusal if the service has documented it for the operation, else CodeTechnical.
func documented(refusal *vero.ServiceError, operation v1alpha1.Operation) vero.Code {
	meaning, _ := refusal.Meaning()
	for _, known := range meaning.Operations {
		if string(known) == string(operation) {
			return refusal.Code
		}
	}
	return vero.CodeTechnical
}

// refuseCredentials tells credentials that are wrong from credentials that this very order may have used up.
func refuseCredentials(order *v1alpha1.VeroOrder, refusal *vero.ServiceError, call Call) {
	if !order.Status.Uncertain {
		fail(order, v1alpha1.ReasonCredentialsRefused, explain(refusal), call.Ended)
		return
	}
	fail(order, v1alpha1.ReasonAnswerLost, fmt.Sprintf("the request was sent %d times; an earlier answer was lost, and "+
		"the service does not take the credentials again (%s): if it had accepted them, the certificate cannot be "+
		"fetched; order new transfer credentials and put them into Secret %s",
		order.Status.Submissions, refusal.Code, order.Spec.Transfer.SecretName), call.Ended)
}

// recordInterruption is for calls without an answer that can be relied on.
func recordInterruption(order *v1alpha1.VeroOrder, err error, call Call) {
	failure, isCall := errors.AsType[vero.CallError](err)
	if !isCall || !failure.MayHaveBeenProcessed() {
		retry(order, failing(order), err.Error()+"; it is tried again"+unspent(order), longestRetry, call)
		heed(order, err, call)
		return
	}
	order.Status.Uncertain = true
	if unverified, is := errors.AsType[*vero.UnverifiedError](err); is && unverified.Damage() == nil {
		retry(order, v1alpha1.ReasonUntrustedAnswer, err.Error(), longestRetry, call)
		blame(order, v1alpha1.ReasonUntrustedAnswer, err, call)
	} else {
		retry(order, v1alpha1.ReasonUncertain, err.Error()+"; it is sent again with the same authorisation",
			longestRetry, call)
	}
	order.Status.Phase = v1alpha1.PhaseSubmitting
	heed(order, err, call)
}

// heed puts the next submission off for as long as the endpoint wants to be left alone.
func heed(order *v1alpha1.VeroOrder, err error, call Call) {
	next := order.Status.NextSubmitTime.Sub(call.Ended)
	planRetry(order, max(next, wantedDistance(err)), call.Ended)
}
