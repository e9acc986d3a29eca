package issuance

import (
	"fmt"
	"time"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
)

// credentials is the number of the attempt that the transfer credentials can pay for, or the reason why they cannot.
//
// A TransferId that an order has submitted is spent, unless the service itself has said, in a verified answer, that it
// bought nothing with it: then a corrected Secret may be used again, because a typing error in a password, or in the
// customer id, is no reason to order new credentials by post.
func (s Snapshot) credentials() (attempt int32, problem string) {
	if s.Transfer.Problem != "" {
		return 0, s.Transfer.Problem
	}
	last := s.lastWithTransferID()
	if last == nil {
		return 1, ""
	}
	switch phaseOf(last) {
	case v1alpha1.PhasePending:
		return 0, fmt.Sprintf("the transfer credentials in Secret %s are reserved for VeroOrder %s%s; "+
			"give each Certificate credentials of its own, in a Secret that its annotation %s names",
			s.Transfer.SecretName, last.Name, requestOf(last), v1alpha1.AnnotationTransferSecret)
	case v1alpha1.PhaseFailed:
		if problem := s.afterFailure(last); problem != "" {
			return 0, problem
		}
		return last.Spec.Attempt + 1, ""
	default:
		return 0, s.spent(last)
	}
}

// afterFailure is why credentials cannot be used again after an order with them has failed; empty if they can.
func (s Snapshot) afterFailure(last *v1alpha1.VeroOrder) string {
	switch readyReason(last) {
	case v1alpha1.ReasonWithdrawn, v1alpha1.ReasonIssuerChanged, v1alpha1.ReasonRequestRefused:
		return ""
	case v1alpha1.ReasonCredentialsRefused, v1alpha1.ReasonAnswerLost:
		if last.Status.PasswordFingerprint != s.Transfer.Fingerprint || !s.sameCustomer(last) {
			return ""
		}
		return fmt.Sprintf("the transfer credentials in Secret %s were refused (VeroOrder %s%s: %s)",
			s.Transfer.SecretName, last.Name, requestOf(last), readyMessage(last))
	default:
		return s.spent(last)
	}
}

func (s Snapshot) spent(last *v1alpha1.VeroOrder) string {
	when := ""
	if last.Status.SubmittedAt != nil {
		when = " on " + last.Status.SubmittedAt.UTC().Format(time.RFC3339)
	}
	return fmt.Sprintf("the transfer credentials in Secret %s were spent%s by VeroOrder %s%s; they work once: "+
		"order new ones and put them into the Secret, or name another Secret with the annotation %s",
		s.Transfer.SecretName, when, last.Name, requestOf(last), v1alpha1.AnnotationTransferSecret)
}

func (s Snapshot) lastWithTransferID() *v1alpha1.VeroOrder {
	var last *v1alpha1.VeroOrder
	for i := range s.Orders {
		order := &s.Orders[i]
		if order.Spec.Transfer == nil || order.Spec.Transfer.TransferIDDigest != s.Transfer.IDDigest {
			continue
		}
		if last == nil || last.Spec.Attempt < order.Spec.Attempt {
			last = order
		}
	}
	return last
}

func requestOf(order *v1alpha1.VeroOrder) string {
	if name := order.Annotations[v1alpha1.AnnotationRequestName]; name != "" {
		return " for CertificateRequest " + name
	}
	return ""
}
