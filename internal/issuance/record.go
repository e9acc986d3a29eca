package issuance

import (
	"errors"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/pki"
	"github.com/varmenne/varmenne-issuer/internal/vero"
)

// Call is what a call was made with: which issuer, which bundles, when it was intended and when it ended.
type Call struct {
	// IssuerGeneration and TrustDigest let a problem be reported of exactly what was used.
	IssuerGeneration int64
	TrustDigest      string
	// Intended is status.submittedAt of the intent that the call belongs to; unused for polls.
	Intended time.Time
	// Ended is when the answer, or the error, was there.
	Ended time.Time
	// Timeout is the issuer's retrievalTimeout.
	Timeout time.Duration
}

// Issued is the chain that GetCertificate has borne, checked.
type Issued struct {
	// Certificate is the leaf and its intermediates in PEM, CA the root.
	Certificate, CA []byte
}

// Intend writes into an order that its request is about to be sent. fingerprint is that of the transfer password,
// empty for renewals. An intent that is found without an outcome makes the order uncertain.
func Intend(order *v1alpha1.VeroOrder, fingerprint string, now time.Time) {
	status := &order.Status
	if status.Phase == v1alpha1.PhaseSubmitting {
		status.Uncertain = true
	}
	status.Phase = v1alpha1.PhaseSubmitting
	status.Submissions++
	status.SubmittedAt = at(now)
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
	var unverified *vero.UnverifiedError
	if errors.As(err, &unverified) && unverified.RetrievalID != "" {
		accept(order, unverified.RetrievalID, true, call)
		blame(order, v1alpha1.ReasonUntrustedAnswer, err, call)
		return
	}
	status := &order.Status
	if status.Phase != v1alpha1.PhaseSubmitting || status.SubmittedAt == nil ||
		!status.SubmittedAt.Time.Equal(call.Intended) {
		return
	}
	note(order, err, call)
	var refusal *vero.ServiceError
	if errors.As(err, &refusal) {
		recordRefusal(order, refusal, call)
		return
	}
	recordInterruption(order, err, call)
}

// accept keeps a RetrievalId. A verified one replaces one that is not, and nothing replaces a verified one.
func accept(order *v1alpha1.VeroOrder, retrievalID string, unverified bool, call Call) {
	status := &order.Status
	if status.Phase == v1alpha1.PhaseIssued || (status.RetrievalID != "" && !status.RetrievalIDUnverified) {
		return
	}
	status.Phase = v1alpha1.PhaseSubmitted
	status.RetrievalID = retrievalID
	status.RetrievalIDUnverified = unverified
	status.AcceptedAt = at(call.Ended)
	status.NextPollTime = at(call.Ended.Add(FirstPoll))
	status.NextSubmitTime, status.EndedAt = nil, nil
	if !unverified {
		status.IssuerProblem = nil
		awaiting(order, call)
	}
}

// recordRefusal is for verified answers with Status FAIL: the row of the code table decides.
func recordRefusal(order *v1alpha1.VeroOrder, refusal *vero.ServiceError, call Call) {
	if refusal.Code != vero.CodeWrongEnvironment {
		order.Status.IssuerProblem = nil
	}
	switch refusal.Code {
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
		retry(order, v1alpha1.ReasonWaitingForWindow, refusal.Error()+"; it is tried again every hour",
			tooEarlyRetry, call)
		order.Status.NextSubmitTime = at(call.Ended.Add(tooEarlyRetry))
	default:
		retry(order, failing(order), refusal.Error()+"; it is tried again, and nothing was spent", longestRefusal, call)
	}
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
		order.Status.Submissions, refusal.Code, secretOf(order)), call.Ended)
}

// recordInterruption is for calls without an answer that can be relied on.
func recordInterruption(order *v1alpha1.VeroOrder, err error, call Call) {
	var failure vero.CallError
	if !errors.As(err, &failure) || !failure.MayHaveBeenProcessed() {
		retry(order, failing(order), err.Error()+"; it is tried again, and nothing was spent", longestRetry, call)
		return
	}
	order.Status.Uncertain = true
	var unverified *vero.UnverifiedError
	if errors.As(err, &unverified) {
		retry(order, v1alpha1.ReasonUntrustedAnswer, err.Error(), longestRetry, call)
		blame(order, v1alpha1.ReasonUntrustedAnswer, err, call)
	} else {
		retry(order, v1alpha1.ReasonUncertain, err.Error()+"; it is sent again with the same authorisation",
			longestRetry, call)
	}
	order.Status.Phase = v1alpha1.PhaseSubmitting
}

// RecordPoll writes into an order what GetCertificate has led to: the chain, or an error.
func RecordPoll(order *v1alpha1.VeroOrder, issued *Issued, err error, call Call) {
	status := &order.Status
	if status.Phase != v1alpha1.PhaseSubmitted {
		return
	}
	status.Polls++
	if err == nil {
		issue(order, issued, call.Ended)
		return
	}
	note(order, err, call)
	status.NextPollTime = at(call.Ended.Add(pollDistance(call.Ended.Sub(acceptedAt(order)), call.Timeout)))
	recordPollFailure(order, err, call)
}

func recordPollFailure(order *v1alpha1.VeroOrder, err error, call Call) {
	var refusal *vero.ServiceError
	var unverified *vero.UnverifiedError
	var wrong *pki.IssuedError
	if errors.As(err, &refusal) || errors.As(err, &wrong) {
		order.Status.IssuerProblem = nil // the answer was verified; what follows may report another problem
	}
	switch {
	case errors.As(err, &refusal) && refusal.Code == vero.CodeCredentials:
		fail(order, v1alpha1.ReasonCredentialsRefused, explain(refusal), call.Ended)
	case errors.As(err, &refusal) && refusal.Code == vero.CodeWrongEnvironment:
		blame(order, v1alpha1.ReasonWrongEnvironment, err, call)
	case errors.As(err, &unverified):
		blame(order, v1alpha1.ReasonUntrustedAnswer, err, call)
	case errors.As(err, &wrong) && wrong.Reason == pki.IssuedUnknownAuthority:
		blame(order, v1alpha1.ReasonUntrustedCertificate, err, call)
	case errors.As(err, &wrong):
		setReady(order, metav1.ConditionFalse, v1alpha1.ReasonWrongCertificate, fmt.Sprintf(
			"%v; the service is asked again with RetrievalId %s; if it lasts, contact the Incomes Register",
			err, order.Status.RetrievalID), call.Ended)
	default:
		awaiting(order, call)
	}
}

// awaiting says what an accepted order waits for. The text changes when the order gets overdue and with the kind of
// trouble, not with every poll.
func awaiting(order *v1alpha1.VeroOrder, call Call) {
	id := order.Status.RetrievalID
	if call.Ended.Sub(acceptedAt(order)) >= call.Timeout && call.Timeout > 0 {
		setReady(order, metav1.ConditionFalse, v1alpha1.ReasonRetrievalOverdue, fmt.Sprintf(
			"the certificate service has accepted the request (RetrievalId %s) and gives no certificate: %s; "+
				"it is asked every hour; contact the Incomes Register with the RetrievalId", id, lastMessage(order)),
			call.Ended)
		return
	}
	setReady(order, metav1.ConditionFalse, v1alpha1.ReasonAwaitingCertificate, fmt.Sprintf(
		"the certificate service has accepted the request (RetrievalId %s) and makes the certificate", id), call.Ended)
}

func issue(order *v1alpha1.VeroOrder, issued *Issued, now time.Time) {
	status := &order.Status
	status.Phase = v1alpha1.PhaseIssued
	status.Certificate, status.CA = issued.Certificate, issued.CA
	status.NextPollTime, status.IssuerProblem = nil, nil
	status.EndedAt = &metav1.Time{Time: now}
	setReady(order, metav1.ConditionTrue, v1alpha1.ReasonIssued, "the certificate was issued", now)
}

// End writes into an order that it is abandoned, for the reason of the action. One that was accepted, or has ended, is
// left as it is.
func End(order *v1alpha1.VeroOrder, action Action, now time.Time) {
	switch phaseOf(order) {
	case v1alpha1.PhasePending, v1alpha1.PhaseSubmitting:
		fail(order, action.Reason, action.Message, now)
	default:
	}
}

// HoldUp writes into an order what it is waiting for.
func HoldUp(order *v1alpha1.VeroOrder, action Action, now time.Time) {
	setReady(order, metav1.ConditionFalse, action.Reason, action.Message, now)
}

func fail(order *v1alpha1.VeroOrder, reason, message string, now time.Time) {
	status := &order.Status
	status.Phase = v1alpha1.PhaseFailed
	status.NextPollTime, status.NextSubmitTime, status.IssuerProblem = nil, nil, nil
	status.EndedAt = &metav1.Time{Time: now}
	setReady(order, metav1.ConditionFalse, reason, message, now)
}

// retry plans the next submission of an order that was not accepted.
func retry(order *v1alpha1.VeroOrder, reason, message string, longest time.Duration, call Call) {
	status := &order.Status
	status.Phase = v1alpha1.PhasePending
	status.NextSubmitTime = at(call.Ended.Add(retryDistance(status.Submissions, longest)))
	setReady(order, metav1.ConditionFalse, reason, message, call.Ended)
}

// failing is RetryingSubmission, or SubmissionFailing from the fifth time on.
func failing(order *v1alpha1.VeroOrder) string {
	if order.Status.Submissions >= warnAfter {
		return v1alpha1.ReasonSubmissionFailing
	}
	return v1alpha1.ReasonRetryingSubmission
}

// blame reports a problem with the issuer, where the issuer's controller looks for it.
func blame(order *v1alpha1.VeroOrder, reason string, err error, call Call) {
	message := blameMessage(order, reason, err)
	order.Status.IssuerProblem = &v1alpha1.IssuerProblem{
		Reason: reason, Message: message, IssuerGeneration: call.IssuerGeneration, TrustDigest: call.TrustDigest,
		Time: metav1.Time{Time: call.Ended},
	}
	setReady(order, metav1.ConditionFalse, reason, message, call.Ended)
}

func blameMessage(order *v1alpha1.VeroOrder, reason string, err error) string {
	kept := ""
	if id := order.Status.RetrievalID; id != "" {
		kept = fmt.Sprintf("; RetrievalId %s is kept, and the certificate is fetched once this is repaired", id)
	}
	switch reason {
	case v1alpha1.ReasonWrongEnvironment:
		return fmt.Sprintf("the service behind spec.url is not of the environment %s (PKI005): make spec.environment and "+
			"spec.url name the same environment%s", order.Spec.Environment, orNothingSpent(order, kept))
	case v1alpha1.ReasonUntrustedCertificate:
		return fmt.Sprintf("%v: put the issuing authority of the service into spec.trust.issuance%s", err, kept)
	default:
		return fmt.Sprintf("%v: put the authority that signs the service's answers into spec.trust.responses%s", err, kept)
	}
}

func orNothingSpent(order *v1alpha1.VeroOrder, kept string) string {
	if kept == "" && !order.Status.Uncertain {
		return "; nothing was spent"
	}
	return kept
}

// note keeps the last failure, for a reader and for support.
func note(order *v1alpha1.VeroOrder, err error, call Call) {
	code := "NoAnswer"
	var refusal *vero.ServiceError
	var unverified *vero.UnverifiedError
	var wrong *pki.IssuedError
	switch {
	case errors.As(err, &refusal):
		code = string(refusal.Code)
	case errors.As(err, &unverified):
		code = v1alpha1.ReasonUntrustedAnswer
	case errors.As(err, &wrong):
		code = v1alpha1.ReasonWrongCertificate
	}
	order.Status.LastError = &v1alpha1.OrderError{Code: code, Message: err.Error(), Time: metav1.Time{Time: call.Ended}}
}

func explain(refusal *vero.ServiceError) string {
	meaning, _ := refusal.Meaning()
	return refusal.Error() + "; " + meaning.Remedy
}

func setReady(order *v1alpha1.VeroOrder, status metav1.ConditionStatus, reason, message string, now time.Time) {
	meta.SetStatusCondition(&order.Status.Conditions, metav1.Condition{
		Type: v1alpha1.ConditionReady, Status: status, Reason: reason, Message: message,
		LastTransitionTime: metav1.Time{Time: now},
	})
}

func lastMessage(order *v1alpha1.VeroOrder) string {
	if order.Status.LastError == nil {
		return "no answer yet"
	}
	return order.Status.LastError.Message
}

func acceptedAt(order *v1alpha1.VeroOrder) time.Time {
	if order.Status.AcceptedAt == nil {
		return time.Time{}
	}
	return order.Status.AcceptedAt.Time
}

func secretOf(order *v1alpha1.VeroOrder) string {
	if order.Spec.Transfer != nil {
		return order.Spec.Transfer.SecretName
	}
	return order.Spec.Renewal.SecretName
}

// at rounds up to what the API stores, so that no time that is read back is earlier than it was meant.
func at(moment time.Time) *metav1.MicroTime {
	return &metav1.MicroTime{Time: moment.Add(time.Microsecond).Truncate(time.Microsecond)}
}
