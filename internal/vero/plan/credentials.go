package plan

import (
	"fmt"
	"time"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/reasons"
	"github.com/varmenne/varmenne-issuer/internal/vero/orderstate"
)

// credentials is the number of the attempt that the transfer credentials can pay for, or the reason why they cannot.
//
// A TransferId that an order has submitted is spent, unless the service itself has said, in a verified response, that
// it bought nothing with it: then a corrected Secret may be used again, because a typing error in a password, or in the
// customer id, is no reason to order new credentials. Those that the request itself was accepted with are no matter of
// that: the order that is made with them asks for the certificate, and spends nothing.
func (s Snapshot) credentials() (attempt int32, problem string) {
	switch {
	case s.Transfer.Problem != "":
		return 0, s.Transfer.Problem
	case s.Transfer.IDDigest == "":
		return 0, "no transfer credentials were looked for"
	}
	last, spender := s.ordersWithTransferID()
	switch {
	case spender != nil:
		return 0, s.spent(spender)
	case last == nil:
		return 1, ""
	case orderstate.StateOf(last) == v1alpha1.VeroOrderPending:
		return 0, s.reserved(last)
	}
	if problem := s.afterFailure(last); problem != "" && !s.paidBefore() {
		return 0, problem
	}
	return last.Spec.Attempt + 1, ""
}

// CredentialsAvailable reports whether the transfer credentials of the snapshot can pay for a new order.
func (s Snapshot) CredentialsAvailable() bool {
	_, problem := s.credentials()
	return problem == ""
}

// CredentialsProblem says why the transfer credentials of the snapshot could not pay for an order, empty if they could.
func (s Snapshot) CredentialsProblem() string {
	_, problem := s.credentials()
	return problem
}

// Unspent reports whether the transfer credentials of the snapshot can still pay for an order: those of one that waits
// to be sent, or of one that is to be made. Those that the request leaves alone are not told with it.
func (s Snapshot) Unspent() bool {
	if s.setAside() {
		return false
	}
	if s.CredentialsAvailable() {
		return true
	}
	last, spender := s.ordersWithTransferID()
	return s.Transfer.Problem == "" && s.Transfer.IDDigest != "" && spender == nil && last != nil &&
		orderstate.StateOf(last) == v1alpha1.VeroOrderPending && !orderstate.InDoubt(last)
}

// ordersWithTransferID is the last order that was made with the TransferId, and one that has spent it, or may have:
// not always the same, because a response that arrives late revives an order that others have followed.
func (s Snapshot) ordersWithTransferID() (last, spender *v1alpha1.VeroOrder) {
	for i := range s.Orders {
		order := &s.Orders[i]
		if order.Spec.Transfer == nil || order.Spec.Transfer.TransferIDDigest != s.Transfer.IDDigest {
			continue
		}
		if last == nil || last.Spec.Attempt < order.Spec.Attempt {
			last = order
		}
		switch orderstate.StateOf(order) {
		case v1alpha1.VeroOrderSubmitting, v1alpha1.VeroOrderSubmitted, v1alpha1.VeroOrderIssued:
			spender = order
		default:
		}
	}
	return last, spender
}

// afterFailure is why credentials cannot be used again after an order with them has failed; empty if they can.
func (s Snapshot) afterFailure(last *v1alpha1.VeroOrder) string {
	switch reasons.Of(orderstate.Reason(last)).Credentials {
	case reasons.Unspent:
		return ""
	case reasons.Judged:
		if !orderstate.RefusedCredentials(last) || last.Status.PasswordFingerprint != s.Transfer.Fingerprint ||
			!s.Issuer.SameCustomer(last) {
			return ""
		}
		return fmt.Sprintf("the transfer credentials in Secret %s were refused (VeroOrder %s%s: %s); "+
			"should they be right after all, delete that VeroOrder and they are tried once more",
			s.Transfer.SecretName, last.Name, orderstate.RequestOf(last), orderstate.Message(last))
	default:
		return s.spent(last)
	}
}

// refusedHint says why credentials that somebody bought before the window opened do not help.
func (s Snapshot) refusedHint() string {
	if s.Transfer.Problem != "" || s.Transfer.IDDigest == "" {
		return ""
	}
	last, spender := s.ordersWithTransferID()
	if spender != nil || last == nil || !orderstate.RefusedCredentials(last) {
		return ""
	}
	return "; " + s.afterFailure(last)
}

// reserved is for credentials that an order waits to be sent with.
func (s Snapshot) reserved(order *v1alpha1.VeroOrder) string {
	return fmt.Sprintf("the transfer credentials in Secret %s are reserved for VeroOrder %s%s; "+
		"give each Certificate credentials of its own, in a Secret that its annotation %s names",
		s.Transfer.SecretName, order.Name, orderstate.RequestOf(order), v1alpha1.AnnotationTransferSecret)
}

// spent is for credentials that an order was sent with. One of which only its creation is known may still wait.
func (s Snapshot) spent(order *v1alpha1.VeroOrder) string {
	if orderstate.IntendedByCreation(order) {
		return s.reserved(order)
	}
	when := ""
	if order.Status.SubmissionTime != nil {
		when = " on " + order.Status.SubmissionTime.UTC().Format(time.RFC3339)
	}
	return fmt.Sprintf("the transfer credentials in Secret %s were spent%s by VeroOrder %s%s; they work once: "+
		"order new ones and put them into the Secret, or name another Secret with the annotation %s",
		s.Transfer.SecretName, when, order.Name, orderstate.RequestOf(order), v1alpha1.AnnotationTransferSecret)
}
