package orderstate

import (
	"fmt"
	"time"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/vero/facts"
)

// authorization checks that what the order was made with is still there, and ends the order or holds it up if it is
// not.
func (s Snapshot) authorization(doubt bool) (action Action, blocked bool) {
	if s.Order.Spec.Renewal != nil {
		return s.renewalKey(doubt)
	}
	return s.credentials(doubt)
}

// credentials checks that the transfer credentials are still those that the order was made with.
func (s Snapshot) credentials(doubt bool) (action Action, blocked bool) {
	if spender := s.acceptedElsewhere(); spender != nil {
		reason := v1alpha1.ReasonWithdrawn
		if doubt {
			reason = v1alpha1.ReasonResponseLost
		}
		return Action{Verb: Fail, Reason: reason, Message: fmt.Sprintf(
			"the service has accepted its transfer credentials for VeroOrder %s%s, and takes them once",
			spender.Name, RequestOf(spender))}, true
	}
	now, drawnOn := s.Transfer.Credentials, s.Order.Spec.Transfer
	there := now.Problem == "" && now.IDDigest == drawnOn.TransferIDDigest
	switch elsewhere := s.Transfer.Elsewhere; {
	case there && (doubt || elsewhere == ""):
		return Action{}, false
	case elsewhere != "":
		return replaced(doubt, fmt.Sprintf(
			"the CertificateRequest names Secret %s for transfer credentials instead of %s",
			elsewhere, drawnOn.SecretName)), true
	case now.Problem != "":
		return Action{Verb: Wait, Reason: v1alpha1.ReasonWaitingForCredentials,
			At: s.Now.Add(facts.CredentialsPollInterval), Message: now.Problem}, true
	default:
		return replaced(doubt, fmt.Sprintf("Secret %s now holds other transfer credentials", drawnOn.SecretName)), true
	}
}

// acceptedElsewhere is another order that the service has accepted with the TransferId of the order: one that was given
// up, until a late response has revived it.
func (s Snapshot) acceptedElsewhere() *v1alpha1.VeroOrder {
	return Newest(s.Transfer.Orders, func(order *v1alpha1.VeroOrder) bool {
		if order.Name == s.Order.Name || order.Spec.Transfer == nil ||
			order.Spec.Transfer.TransferIDDigest != s.Order.Spec.Transfer.TransferIDDigest {
			return false
		}
		return StateOf(order) == v1alpha1.VeroOrderSubmitted || StateOf(order) == v1alpha1.VeroOrderIssued
	})
}

// replaced ends an order whose transfer credentials have given way to others. One in doubt cannot be sent again without
// them, and what may have been lost with its response is lost.
func replaced(doubt bool, how string) Action {
	if doubt {
		return Action{Verb: Fail, Reason: v1alpha1.ReasonResponseLost,
			Message: "the request was sent and its response was lost; " + how + ", and a new order is made with those"}
	}
	return Action{Verb: Fail, Reason: v1alpha1.ReasonWithdrawn,
		Message: how + "; nothing was spent, and a new order is made"}
}

// renewalKey checks that the certificate that is renewed is still the one in the Secret, and usable. If it is not, the
// request is decided anew, by a look of its own at the certificate, should a clock have gone wrong here: waiting for a
// key would wait for ever where cert-manager writes the Secret only when this very request is satisfied. That holds in
// doubt, too: another renewal is no worse than the same one sent again.
func (s Snapshot) renewalKey(doubt bool) (action Action, blocked bool) {
	renewal, current := s.Order.Spec.Renewal, s.Renewal.Current
	expired := s.Now.After(renewal.NotAfter.Time)
	end := Action{Verb: Fail, Reason: v1alpha1.ReasonWithdrawn}
	switch {
	case expired && doubt:
		end.Reason, end.Message = v1alpha1.ReasonResponseLost, fmt.Sprintf(
			"the renewal was sent, its response was lost, and the certificate in Secret %s expired on %s",
			renewal.SecretName, renewal.NotAfter.UTC().Format(time.RFC3339))
	case expired:
		end.Reason, end.Message = v1alpha1.ReasonCertificateExpired, fmt.Sprintf(
			"the certificate in Secret %s expired on %s before it could be renewed",
			renewal.SecretName, renewal.NotAfter.UTC().Format(time.RFC3339))
	case current.SerialNumber != "" && current.SerialNumber != renewal.SerialNumber:
		end.Message = fmt.Sprintf("Secret %s no longer holds the certificate that was to be renewed", renewal.SecretName)
	case !current.Usable():
		end.Message = "the certificate that was to be renewed cannot sign: " + current.Problem
	case s.superseded():
		end.Reason, end.Message = v1alpha1.ReasonSubmissionFailing, fmt.Sprintf(
			"the service has refused the renewal since %s (%s), and there are transfer credentials in Secret %s: "+
				"they are used instead", s.Order.Status.FirstRefusalTime.UTC().Format(time.RFC3339),
			lastMessage(s.Order.Status.LastError), s.Renewal.CredentialsIn)
	default:
		return Action{}, false
	}
	return end, true
}

// superseded reports whether a renewal that the service keeps refusing gives way to transfer credentials that somebody
// has bought meanwhile; without them it is tried until the certificate expires.
func (s Snapshot) superseded() bool { return s.NeedsCredentials() && s.Renewal.CredentialsIn != "" }

// NeedsCredentials reports whether the decision for the order depends on transfer credentials: for SignNewCertificate
// always, for a renewal once all that the service has answered to it were technical errors, for as long as the issuer's
// timeout. A service that cannot be reached refuses nothing; credentials would be no better off there.
func (s Snapshot) NeedsCredentials() bool {
	order, phase := s.Order, StateOf(s.Order)
	if order.Spec.Transfer != nil {
		return phase == v1alpha1.VeroOrderPending || phase == v1alpha1.VeroOrderSubmitting
	}
	since, last := order.Status.FirstRefusalTime, order.Status.LastError
	return phase == v1alpha1.VeroOrderPending && order.Status.Submissions >= warnAfter &&
		since != nil && last != nil && last.Code != codeNoResponse && last.Time.Sub(since.Time) >= s.Issuer.Timeout
}
