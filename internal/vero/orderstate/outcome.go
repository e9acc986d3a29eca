package orderstate

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
)

// Call is what a call was made with: which issuer, which bundles, when it was intended and when it ended.
type Call struct {
	// IssuerUID, IssuerGeneration and TrustDigest let a problem be reported of exactly what was used.
	IssuerUID        types.UID
	IssuerGeneration int64
	TrustDigest      string
	// Intended is, of a submission, status.submissionTime of the intent that it belongs to.
	Intended time.Time
	// RetrievalID is, of a poll, what it has asked with.
	RetrievalID string
	// Ended is when the response, or the error, was there.
	Ended time.Time
	// Timeout is the issuer's retrievalTimeout.
	Timeout time.Duration
}

// Issued is the chain that GetCertificate has borne, checked.
type Issued struct {
	// Certificate is the leaf and its intermediates in PEM, CA the root.
	Certificate, CA []byte
}

// Outcome is what a call makes of an order: all of the order's status that a call can change, as it is to be.
type Outcome struct {
	// State is how far the order has come.
	State v1alpha1.VeroOrderState
	// Reason is one of the API's reasons, Message what a user reads. Without a Reason the order says what it said before.
	Reason, Message string
	// RetrievalID is the order's; Unverified reports whether no verified response has carried it, and RefusedID is the
	// last of those that has led to nothing.
	RetrievalID, RefusedID string
	Unverified             bool
	// Uncertain reports whether the service may have accepted a request whose response was lost.
	Uncertain bool
	// Accepted, NextSubmit, NextPoll and FirstRefusalTime are times of the status, nil where there is none.
	Accepted, NextSubmit, NextPoll, FirstRefusalTime *metav1.MicroTime
	// Ended is when the order has ended, nil while it goes on.
	Ended *metav1.Time
	// Problem is what the issuer's controller is told, LastError what support may ask for.
	Problem   *v1alpha1.VeroIssuerProblem
	LastError *v1alpha1.VeroOrderError
	// Issued is the certificate.
	Issued Issued
	// Polls counts the calls of GetCertificate. PollStarted and Interruptions are those of a call without an outcome.
	Polls         int32
	PollStarted   *metav1.MicroTime
	Interruptions int32
}

// unchanged is the outcome that leaves an order as it is.
func unchanged(order *v1alpha1.VeroOrder) Outcome {
	status := &order.Status
	return Outcome{
		State:       status.State,
		RetrievalID: status.RetrievalID, RefusedID: status.RefusedRetrievalID, Unverified: status.RetrievalIDUnverified,
		Uncertain: status.Uncertain,
		Accepted:  status.AcceptanceTime, NextSubmit: status.NextSubmitTime, NextPoll: status.NextPollTime,
		FirstRefusalTime: status.FirstRefusalTime, Ended: status.CompletionTime,
		Problem: status.IssuerProblem, LastError: status.LastError,
		Issued: Issued{Certificate: status.Certificate, CA: status.CA},
		Polls:  status.Polls, PollStarted: status.PollStartTime, Interruptions: status.Interruptions,
	}
}

// concluded is unchanged but for that the call has an outcome, whatever it is: it has not ended the controller.
func concluded(order *v1alpha1.VeroOrder) Outcome {
	o := unchanged(order)
	o.PollStarted, o.Interruptions = nil, 0
	return o
}

// answered is concluded for a call that has ended with an error. A problem that was reported of another spec or other
// bundles than the call was made with goes: it has served its purpose, to make the call at once; kept, it would make
// the next one at once, too, and so on.
func answered(order *v1alpha1.VeroOrder, err error, call Call) Outcome {
	o := concluded(order)
	o.LastError = lastError(err, call)
	if o.Problem != nil && Obsolete(o.Problem, call.IssuerUID, call.IssuerGeneration, call.TrustDigest) {
		o.Problem = nil
	}
	return o
}

// failed ends an order without a certificate.
func (o Outcome) failed(reason, message string, now time.Time) Outcome {
	o.State, o.Reason, o.Message = v1alpha1.VeroOrderFailed, reason, message
	o.NextPoll, o.NextSubmit, o.Problem = nil, nil, nil
	o.Ended = &metav1.Time{Time: now}
	return o
}

// retried has the request of an order sent again that was not accepted, or in the state Submitting not for certain.
func (o Outcome) retried(state v1alpha1.VeroOrderState, reason, message string, next *metav1.MicroTime) Outcome {
	o.State, o.Reason, o.Message, o.NextSubmit = state, reason, message, next
	return o
}

// apply writes an outcome into the order that it was made for. It is the one place where a call changes an order.
func (o Outcome) apply(order *v1alpha1.VeroOrder, now time.Time) {
	status := &order.Status
	status.State = o.State
	status.RetrievalID, status.RefusedRetrievalID, status.RetrievalIDUnverified = o.RetrievalID, o.RefusedID, o.Unverified
	status.Uncertain = o.Uncertain
	status.AcceptanceTime, status.NextSubmitTime, status.NextPollTime = o.Accepted, o.NextSubmit, o.NextPoll
	status.FirstRefusalTime, status.CompletionTime = o.FirstRefusalTime, o.Ended
	status.IssuerProblem, status.LastError = o.Problem, o.LastError
	status.Certificate, status.CA = o.Issued.Certificate, o.Issued.CA
	status.Polls, status.PollStartTime, status.Interruptions = o.Polls, o.PollStarted, o.Interruptions
	switch {
	case o.Reason == "":
	case o.State == v1alpha1.VeroOrderIssued:
		setReady(order, metav1.ConditionTrue, o.Reason, o.Message, now)
	default:
		setReady(order, metav1.ConditionFalse, o.Reason, o.Message, now)
	}
}
