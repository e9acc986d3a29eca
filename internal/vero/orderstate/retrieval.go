package orderstate

import (
	"errors"
	"fmt"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/pki"
	"github.com/varmenne/varmenne-issuer/internal/vero/protocol"
)

// RecordPoll writes into an order what GetCertificate has led to: the chain, or an error.
func RecordPoll(order *v1alpha1.VeroOrder, issued *Issued, err error, call Call) {
	OutcomeOfPoll(order, issued, err, call).apply(order, call.Ended)
}

// OutcomeOfPoll is what a GetCertificate makes of an order. The order may have moved on since: a chain counts even for
// one that has failed, an error only for one that is still waiting, and with the RetrievalId that was asked with:
// another controller may have put a verified one in the place of one that was not.
func OutcomeOfPoll(order *v1alpha1.VeroOrder, issued *Issued, err error, call Call) Outcome {
	phase := StateOf(order)
	switch {
	case err == nil && phase != v1alpha1.VeroOrderIssued:
		return retrieved(order, issued, call)
	case err != nil && phase == v1alpha1.VeroOrderSubmitted && order.Status.RetrievalID == call.RetrievalID:
		return notRetrieved(order, err, call)
	default:
		return unchanged(order)
	}
}

// retrieved is for calls that have led to the certificate: a verified response knew the RetrievalId.
func retrieved(order *v1alpha1.VeroOrder, issued *Issued, call Call) Outcome {
	o := concluded(order)
	o.Polls++
	o.State, o.Reason, o.Message = v1alpha1.VeroOrderIssued, v1alpha1.ReasonIssued, "the certificate was issued"
	if o.RetrievalID == "" || o.Unverified {
		o.RetrievalID = call.RetrievalID // another one, where the order was deleted during the call, and is made again
	}
	o.Issued, o.Unverified = *issued, false
	o.NextPoll, o.NextSubmit, o.Problem = nil, nil, nil
	o.Ended = &metav1.Time{Time: call.Ended}
	return o
}

// notRetrieved is for calls that have not.
func notRetrieved(order *v1alpha1.VeroOrder, err error, call Call) Outcome {
	o := answered(order, err, call)
	o.Polls++
	o.State = v1alpha1.VeroOrderSubmitted
	if o.Accepted == nil {
		o.Accepted = at(call.Ended) // a backup has brought the status back without it
	}
	refusal, isRefusal := errors.AsType[*protocol.ServiceError](err)
	switch {
	case o.Unverified && disowns(err) && disownedBefore(order):
		return o.disowned(order, err, call)
	case o.Unverified && disowns(err):
		return o.doubted(call)
	case isRefusal && refusal.Code == protocol.CodeCredentials:
		return o.failed(v1alpha1.ReasonCredentialsRefused, refusedAtGet(order, refusal), call.Ended)
	}
	distance := pollDistance(call.Ended.Sub(o.Accepted.Time), call.Timeout)
	if o.unanswered() && !unchanged(order).unanswered() {
		distance = shortestPoll // the certificate may be there; whoever fails twice in a row is asked as planned
	}
	distance = max(distance, wantedDistance(err))
	o.NextPoll = at(call.Ended.Add(nextPollDistance(order, distance, call)))
	return o.stillAwaited(order, err, call)
}

// nextPollDistance is shorter while the certificate that is renewed comes near its end. Once it has expired, nothing is
// gained by hurry any more.
func nextPollDistance(order *v1alpha1.VeroOrder, distance time.Duration, call Call) time.Duration {
	if renewal := order.Spec.Renewal; renewal == nil || call.Ended.After(renewal.NotAfter.Time) {
		return distance
	}
	return beforeExpiry(order, distance, call.Ended)
}

// contact is the remedy for an accepted order without a certificate that can be used.
const contact = protocol.ContactService + " and the RetrievalId"

// givingUp is how a person ends an accepted order. One that is made again for the same transfer credentials would ask
// with the same RetrievalId.
func givingUp(order *v1alpha1.VeroOrder) string {
	deleted := fmt.Sprintf("delete VeroOrder %s to give it up", order.Name)
	if order.Spec.Renewal != nil {
		return deleted + " and renew once more"
	}
	return "replace the transfer credentials and " + deleted
}

// stillAwaited says why an order has no certificate yet that can get one. A problem that it has reported of its issuer
// lasts until a verified response comes.
func (o Outcome) stillAwaited(order *v1alpha1.VeroOrder, err error, call Call) Outcome {
	refusal, isRefusal := errors.AsType[*protocol.ServiceError](err)
	wrong, isWrong := errors.AsType[*pki.IssuedError](err)
	_, isUnverified := errors.AsType[*protocol.UnverifiedError](err)
	switch {
	case isRefusal && refusal.Code == protocol.CodeWrongEnvironment:
		return o.withIssuerProblem(o.problem(order, v1alpha1.ReasonWrongEnvironment, err, call))
	case isUnverified:
		return o.withIssuerProblem(o.problem(order, v1alpha1.ReasonUntrustedResponse, err, call))
	case isWrong && wrong.Reason == pki.IssuedUnknownAuthority:
		return o.withIssuerProblem(o.problem(order, v1alpha1.ReasonUntrustedCertificate, err, call))
	case isWrong:
		o.Problem, o.Reason = nil, v1alpha1.ReasonWrongCertificate
		o.Message = withRemedy(err, fmt.Sprintf(
			"%s; the service is asked again with RetrievalId %s; if it lasts, %s, or %s",
			issuedRemedies[wrong.Reason], o.RetrievalID, contact, givingUp(order)))
	case isRefusal, o.Problem == nil:
		o.Problem = nil
		o.Reason, o.Message = o.awaiting(order, call.Ended, call.Timeout)
	}
	return o
}

// doubted asks once more with a RetrievalId that no verified response carried, and of which a verified one says that it
// is not that of the order: it may be what was paid for, and a service that confuses certificates once may not do so
// again.
func (o Outcome) doubted(call Call) Outcome {
	o.Problem, o.NextPoll = nil, at(call.Ended.Add(shortestPoll))
	o.Reason = v1alpha1.ReasonAwaitingCertificate
	o.Message = fmt.Sprintf("RetrievalId %s, which no verified response carried, seems to lead to nothing: %s; "+
		"it is tried once more", o.RetrievalID, o.LastError.Message)
	return o
}

// disowned takes a RetrievalId from an order again that no verified response carried, because verified ones have said
// twice in a row that it is not that of the order: the order goes on as if it had never had it. What the service has
// accepted is not lost by that, since nothing leads to it.
func (o Outcome) disowned(order *v1alpha1.VeroOrder, err error, call Call) Outcome {
	message := fmt.Sprintf("the RetrievalId %s, which no verified response carried, leads to nothing: %v"+
		"; the request is sent again with the same authorization%s", o.RetrievalID, err, o.unspent())
	o.RefusedID, o.RetrievalID, o.Unverified = o.RetrievalID, "", false
	o.Accepted, o.NextPoll, o.Problem = nil, nil, nil
	next := nextTry(order, longestRetry, call)
	if o.Uncertain {
		return o.retried(v1alpha1.VeroOrderSubmitting, v1alpha1.ReasonUncertain, message, next)
	}
	return o.retried(v1alpha1.VeroOrderPending, retryReason(order), message, next)
}

// disowns reports whether a verified response to GetCertificate says that a RetrievalId is not that of the order: the
// service refuses it for good, or it is that of another customer's certificate, or of one for another key. PKI099 does
// not say so: the service answers with it for as long as it has no certificate, which can be days.
func disowns(err error) bool {
	if refusal, isRefusal := errors.AsType[*protocol.ServiceError](err); isRefusal {
		return refusal.Code == protocol.CodeCredentials
	}
	wrong, isWrong := errors.AsType[*pki.IssuedError](err)
	return isWrong && (wrong.Reason == pki.IssuedOtherPublicKey || wrong.Reason == pki.IssuedOtherCommonName)
}

// disownedBefore reports whether that was so the last time, too.
func disownedBefore(order *v1alpha1.VeroOrder) bool {
	return unchanged(order).lastPollFailed(string(protocol.CodeCredentials), codeOthersCertificate)
}

// refusedAtGet explains PKI020 on GetCertificate: it is about the request that was accepted before (interface
// description 4).
func refusedAtGet(order *v1alpha1.VeroOrder, refusal *protocol.ServiceError) string {
	if order.Spec.Operation == v1alpha1.VeroOperationRenew {
		return refusal.Error() + "; the renewal has to be asked for anew"
	}
	return explain(refusal)
}

// awaiting is what an accepted order waits for.
func (o Outcome) awaiting(order *v1alpha1.VeroOrder, now time.Time, timeout time.Duration) (reason, message string) {
	message = fmt.Sprintf("the certificate service has accepted the request (RetrievalId %s)", o.RetrievalID)
	if o.Unverified {
		message = fmt.Sprintf("RetrievalId %s, which no verified response carried, is kept", o.RetrievalID)
	}
	switch {
	case o.Accepted != nil && timeout > 0 && now.Sub(o.Accepted.Time) >= timeout:
		return v1alpha1.ReasonRetrievalOverdue, fmt.Sprintf(
			"%s and gives no certificate: %s; it is asked every hour; %s, or %s",
			message, lastMessage(o.LastError), contact, givingUp(order))
	case o.unanswered():
		return v1alpha1.ReasonAwaitingCertificate, fmt.Sprintf(
			"%s, but the certificate cannot be fetched: %s; it is asked for again", message, lastMessage(o.LastError))
	case o.Unverified:
		return v1alpha1.ReasonAwaitingCertificate, message + "; the certificate is asked for with it" + o.soFar()
	default:
		return v1alpha1.ReasonAwaitingCertificate, message + " and makes the certificate"
	}
}

// soFar is what has come of a RetrievalId that cannot be relied on: what was wrong with the response that it stood in,
// if any, then what the service answers to it. An id that it does not know it answers as one whose certificate takes
// long.
func (o Outcome) soFar() string {
	if o.LastError == nil {
		return ""
	}
	return "; the last error: " + o.LastError.Message
}

// unanswered reports whether the last call was a GetCertificate without a response.
func (o Outcome) unanswered() bool { return o.lastPollFailed(codeNoResponse) }

// lastPollFailed reports whether the last call was a GetCertificate that has failed with one of these codes. A failure
// from before the acceptance does not count; it is only kept.
func (o Outcome) lastPollFailed(codes ...string) bool {
	return o.LastError != nil && o.Accepted != nil && o.LastError.Time.After(o.Accepted.Time) &&
		slices.Contains(codes, o.LastError.Code)
}
