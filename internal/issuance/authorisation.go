package issuance

import (
	"fmt"
	"time"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/vero/facts"
)

// authorisation checks that what the order was made with is still there, and hinders the order if it is not.
func (s Snapshot) authorisation(doubt bool) (action Action, hindered bool) {
	if s.Order.Spec.Renewal != nil {
		return s.renewalKey(doubt)
	}
	if spender := s.acceptedElsewhere(); spender != nil {
		reason := v1alpha1.ReasonWithdrawn
		if doubt {
			reason = v1alpha1.ReasonAnswerLost
		}
		return Action{Verb: Abandon, Reason: reason, Message: fmt.Sprintf(
			"the service has accepted its transfer credentials for VeroOrder %s%s, and takes them once",
			spender.Name, requestOf(spender))}, true
	}
	secretName := s.Order.Spec.Transfer.SecretName
	there := s.Transfer.Problem == "" && s.Transfer.IDDigest == s.Order.Spec.Transfer.TransferIDDigest
	switch {
	case there && (doubt || s.Elsewhere == ""):
		return Action{}, false
	case s.Elsewhere != "":
		return replaced(doubt, fmt.Sprintf(
			"the CertificateRequest names Secret %s for transfer credentials instead of %s", s.Elsewhere, secretName)), true
	case s.Transfer.Problem != "":
		return Action{Verb: Wait, Reason: v1alpha1.ReasonWaitingForCredentials,
			At: s.Now.Add(facts.CredentialsPollInterval), Message: s.Transfer.Problem}, true
	default:
		return replaced(doubt, fmt.Sprintf("Secret %s now holds other transfer credentials", secretName)), true
	}
}

// acceptedElsewhere is another order that the service has accepted with the TransferId of the order: one that was given
// up, until a late answer has revived it.
func (s Snapshot) acceptedElsewhere() *v1alpha1.VeroOrder {
	return s.newest(func(order *v1alpha1.VeroOrder) bool {
		if order.Name == s.Order.Name || order.Spec.Transfer == nil ||
			order.Spec.Transfer.TransferIDDigest != s.Order.Spec.Transfer.TransferIDDigest {
			return false
		}
		return phaseOf(order) == v1alpha1.PhaseSubmitted || phaseOf(order) == v1alpha1.PhaseIssued
	})
}

// replaced ends an order whose transfer credentials have given way to others. One in doubt cannot be sent again without
// them, and what may have been lost with its answer is lost.
func replaced(doubt bool, how string) Action {
	if doubt {
		return Action{Verb: Abandon, Reason: v1alpha1.ReasonAnswerLost,
			Message: "the request was sent and its answer was lost; " + how + ", and a new order is made with those"}
	}
	return Action{Verb: Abandon, Reason: v1alpha1.ReasonWithdrawn,
		Message: how + "; nothing was spent, and a new order is made"}
}

// renewalKey checks that the certificate that is renewed is still the one in the Secret, and usable. If it is not, the
// request is decided anew, by a look of its own at the certificate, should a clock have gone wrong here: waiting for a
// key would wait for ever where cert-manager writes the Secret only when this very request is satisfied. That holds in
// doubt, too: another renewal is no worse than the same one sent again.
func (s Snapshot) renewalKey(doubt bool) (action Action, hindered bool) {
	renewal := s.Order.Spec.Renewal
	expired := s.Now.After(renewal.NotAfter.Time)
	end := Action{Verb: Abandon, Reason: v1alpha1.ReasonWithdrawn}
	switch {
	case expired && doubt:
		end.Reason, end.Message = v1alpha1.ReasonAnswerLost, fmt.Sprintf(
			"the renewal was sent, its answer was lost, and the certificate in Secret %s expired on %s",
			renewal.SecretName, renewal.NotAfter.UTC().Format(time.RFC3339))
	case expired:
		end.Reason, end.Message = v1alpha1.ReasonCertificateExpired, fmt.Sprintf(
			"the certificate in Secret %s expired on %s before it could be renewed",
			renewal.SecretName, renewal.NotAfter.UTC().Format(time.RFC3339))
	case s.Current.SerialNumber != "" && s.Current.SerialNumber != renewal.SerialNumber:
		end.Message = fmt.Sprintf("Secret %s no longer holds the certificate that was to be renewed", renewal.SecretName)
	case !s.Current.Usable():
		end.Message = "the certificate that was to be renewed cannot sign: " + s.Current.Problem
	case s.superseded():
		end.Reason, end.Message = v1alpha1.ReasonSubmissionFailing, fmt.Sprintf(
			"the service has refused the renewal since %s (%s), and there are transfer credentials in Secret %s: "+
				"they are used instead", s.Order.Status.RefusedSince.UTC().Format(time.RFC3339), lastMessage(s.Order),
			s.Transfer.SecretName)
	default:
		return Action{}, false
	}
	return end, true
}

// superseded is whether a renewal that the service keeps refusing gives way to transfer credentials that somebody has
// bought meanwhile; without them it is tried until the certificate expires.
func (s Snapshot) superseded() bool {
	if !s.NeedsTransfer() {
		return false
	}
	_, problem := s.credentials()
	return problem == ""
}

// NeedsTransfer is whether the decision for the order depends on transfer credentials: for SignNewCertificate always,
// for a renewal once all that the service has answered to it were technical errors, for as long as the issuer's
// timeout. A service that cannot be reached refuses nothing; credentials would be no better off there.
func (s Snapshot) NeedsTransfer() bool {
	order := s.Order
	switch {
	case order == nil:
		return s.NeedsAuthorisation()
	case order.Spec.Transfer != nil:
		return phaseOf(order) == v1alpha1.PhasePending || phaseOf(order) == v1alpha1.PhaseSubmitting
	default:
		since, last := order.Status.RefusedSince, order.Status.LastError
		return phaseOf(order) == v1alpha1.PhasePending && order.Status.Submissions >= warnAfter &&
			since != nil && last != nil && last.Code != codeNoAnswer && last.Time.Sub(since.Time) >= s.Issuer.Timeout
	}
}
