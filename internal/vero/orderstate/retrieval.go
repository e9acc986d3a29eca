package orderstate

import (
	"errors"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/pki"
	"github.com/varmenne/varmenne-issuer/internal/vero"
)

// Issued is the chain that GetCertificate has borne, checked.
type Issued struct {
	// Certificate is the leaf and its intermediates in PEM, CA the root.
	Certificate, CA []byte
}

// RecordPoll writes into an order what GetCertificate has led to: the chain, or an error. The order may have moved on
// since: a chain counts even for one that has failed, an error only for one that is still waiting, and with the
// RetrievalId that was asked with: another controller may have put a verified one in the place of one that was not.
func RecordPoll(order *v1alpha1.VeroOrder, issued *Issued, err error, call Call) {
	status := &order.Status
	phase := PhaseOf(order)
	switch {
	case err == nil && phase != v1alpha1.PhaseIssued:
		status.Polls++
		concluded(order)
		issue(order, issued, call.Ended)
	case err != nil && phase == v1alpha1.PhaseSubmitted && status.RetrievalID == call.RetrievalID:
		status.Polls++
		status.Phase = phase
		concluded(order)
		if status.AcceptedAt == nil {
			// A person has brought a RetrievalId back, without its time, perhaps into an order that had ended.
			status.AcceptedAt, status.EndedAt = at(call.Ended), nil
		}
		note(order, err, call)
		forgetObsoleteProblem(order, call)
		waited := call.Ended.Sub(status.AcceptedAt.Time)
		distance := max(pollDistance(waited, call.Timeout), wantedDistance(err))
		status.NextPollTime = at(call.Ended.Add(nextPollDistance(order, distance, call)))
		recordPollFailure(order, err, call)
	}
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
const contact = vero.ContactService + " and the RetrievalId"

func recordPollFailure(order *v1alpha1.VeroOrder, err error, call Call) {
	refusal, isRefusal := errors.AsType[*vero.ServiceError](err)
	wrong, isWrong := errors.AsType[*pki.IssuedError](err)
	_, isUnverified := errors.AsType[*vero.UnverifiedError](err)
	if isRefusal || isWrong {
		order.Status.IssuerProblem = nil // the answer was verified; what follows may report another problem
	}
	switch {
	case order.Status.RetrievalIDUnverified && disowns(err):
		giveBack(order, err, call)
	case isRefusal && refusal.Code == vero.CodeCredentials:
		fail(order, v1alpha1.ReasonCredentialsRefused, refusedAtGet(order, refusal), call.Ended)
	case isRefusal && refusal.Code == vero.CodeWrongEnvironment:
		blame(order, v1alpha1.ReasonWrongEnvironment, err, call)
	case isUnverified:
		blame(order, v1alpha1.ReasonUntrustedAnswer, err, call)
	case isWrong && wrong.Reason == pki.IssuedUnknownAuthority:
		blame(order, v1alpha1.ReasonUntrustedCertificate, err, call)
	case isWrong:
		setReady(order, metav1.ConditionFalse, v1alpha1.ReasonWrongCertificate, withRemedy(err, fmt.Sprintf(
			"%s; the service is asked again with RetrievalId %s; if it lasts, %s, or delete VeroOrder %s to give it up",
			issuedRemedies[wrong.Reason], order.Status.RetrievalID, contact, order.Name)), call.Ended)
	case order.Status.IssuerProblem == nil:
		await(order, call)
	}
}

// disowns reports whether a verified answer to GetCertificate says that a RetrievalId is not that of the order: the
// service refuses it for good, or it is that of another customer's certificate, or of one for another key. PKI099 does
// not say so: the service answers with it for as long as it has no certificate, which can be days.
func disowns(err error) bool {
	if refusal, isRefusal := errors.AsType[*vero.ServiceError](err); isRefusal {
		return refusal.Code == vero.CodeCredentials
	}
	wrong, isWrong := errors.AsType[*pki.IssuedError](err)
	return isWrong && (wrong.Reason == pki.IssuedOtherPublicKey || wrong.Reason == pki.IssuedOtherCommonName)
}

// refusedAtGet explains PKI020 on GetCertificate: it is about the request that was accepted before (seed 004, 4).
func refusedAtGet(order *v1alpha1.VeroOrder, refusal *vero.ServiceError) string {
	if order.Spec.Operation == v1alpha1.OperationRenew {
		return refusal.Error() + "; the renewal has to be asked for anew"
	}
	return explain(refusal)
}

// await says what an accepted order waits for. The text changes when the order gets overdue and with the kind of
// trouble, not with every poll.
func await(order *v1alpha1.VeroOrder, call Call) {
	reason, message := awaiting(order, call.Ended, call.Timeout)
	setReady(order, metav1.ConditionFalse, reason, message, call.Ended)
}

func awaiting(order *v1alpha1.VeroOrder, now time.Time, timeout time.Duration) (reason, message string) {
	accepted := order.Status.AcceptedAt
	message = fmt.Sprintf("the certificate service has accepted the request (RetrievalId %s)", order.Status.RetrievalID)
	if order.Status.RetrievalIDUnverified {
		message = fmt.Sprintf("what came back for the request cannot be relied on, but RetrievalId %s stood in it and "+
			"is kept", order.Status.RetrievalID)
	}
	switch {
	case accepted != nil && timeout > 0 && now.Sub(accepted.Time) >= timeout:
		return v1alpha1.ReasonRetrievalOverdue, fmt.Sprintf("%s and gives no certificate: %s; it is asked every hour; %s, "+
			"or delete VeroOrder %s to give it up and use new transfer credentials",
			message, lastMessage(order), contact, order.Name)
	case unanswered(order):
		return v1alpha1.ReasonAwaitingCertificate, fmt.Sprintf(
			"%s, but the certificate cannot be fetched: %s; it is asked for again", message, lastMessage(order))
	case order.Status.RetrievalIDUnverified:
		return v1alpha1.ReasonAwaitingCertificate, message + "; the certificate is asked for with it"
	default:
		return v1alpha1.ReasonAwaitingCertificate, message + " and makes the certificate"
	}
}

// unanswered reports whether the last call was a GetCertificate without an answer. A failure from before the acceptance
// does not count; it is only kept.
func unanswered(order *v1alpha1.VeroOrder) bool {
	last, accepted := order.Status.LastError, order.Status.AcceptedAt
	return last != nil && last.Code == codeNoAnswer && accepted != nil && last.Time.After(accepted.Time)
}

func issue(order *v1alpha1.VeroOrder, issued *Issued, now time.Time) {
	status := &order.Status
	status.Phase = v1alpha1.PhaseIssued
	status.Certificate, status.CA = issued.Certificate, issued.CA
	status.RetrievalIDUnverified = false // a verified answer knew it
	status.NextPollTime, status.NextSubmitTime, status.IssuerProblem = nil, nil, nil
	status.EndedAt = &metav1.Time{Time: now}
	setReady(order, metav1.ConditionTrue, v1alpha1.ReasonIssued, "the certificate was issued", now)
}
