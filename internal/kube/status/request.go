package status

import (
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varmenne/varmenne-issuer/internal/kube/conditions"
)

// IsFinal reports whether a CertificateRequest has reached an end that it cannot leave: issued, failed or denied.
func IsFinal(request *cmapi.CertificateRequest) bool {
	condition := conditions.Find(request, cmapi.CertificateRequestConditionReady)
	if condition == nil {
		return false
	}
	switch condition.Reason {
	case cmapi.CertificateRequestReasonIssued, cmapi.CertificateRequestReasonFailed,
		cmapi.CertificateRequestReasonDenied:
		return true
	default:
		return condition.Status == cmmeta.ConditionTrue
	}
}

// Waits reports whether a CertificateRequest is approved and has not ended.
func Waits(request *cmapi.CertificateRequest) bool {
	return isOpen(request) && conditions.IsTrue(request, cmapi.CertificateRequestConditionApproved)
}

// Unapproved reports whether nobody has approved or denied a CertificateRequest that has not ended.
func Unapproved(request *cmapi.CertificateRequest) bool {
	return isOpen(request) && !conditions.IsTrue(request, cmapi.CertificateRequestConditionApproved)
}

// isOpen reports whether a CertificateRequest has not ended, and nobody has denied it.
func isOpen(request *cmapi.CertificateRequest) bool {
	return request.DeletionTimestamp.IsZero() && !IsFinal(request) &&
		!conditions.IsTrue(request, cmapi.CertificateRequestConditionDenied)
}

// SetPending says what a CertificateRequest is waiting for.
func SetPending(request *cmapi.CertificateRequest, message string, now time.Time) {
	Set(request, cmapi.CertificateRequestConditionReady, cmmeta.ConditionFalse,
		cmapi.CertificateRequestReasonPending, message, now)
}

// SetFailed ends a CertificateRequest: cert-manager drops its private key and makes a new request later. invalid says
// that the request itself is at fault, which cert-manager wants to know.
func SetFailed(request *cmapi.CertificateRequest, invalid bool, message string, now time.Time) {
	if invalid {
		Set(request, cmapi.CertificateRequestConditionInvalidRequest, cmmeta.ConditionTrue,
			cmapi.CertificateRequestReasonFailed, message, now)
	}
	Set(request, cmapi.CertificateRequestConditionReady, cmmeta.ConditionFalse,
		cmapi.CertificateRequestReasonFailed, message, now)
	setFailureTime(request, now)
}

// SetDenied ends a CertificateRequest that an approver has denied.
func SetDenied(request *cmapi.CertificateRequest, message string, now time.Time) {
	Set(request, cmapi.CertificateRequestConditionReady, cmmeta.ConditionFalse,
		cmapi.CertificateRequestReasonDenied, message, now)
	setFailureTime(request, now)
}

// SetIssued hands a CertificateRequest its chain, leaf first and without the root, and the root.
func SetIssued(request *cmapi.CertificateRequest, certificate, ca []byte, message string, now time.Time) {
	request.Status.Certificate, request.Status.CA = certificate, ca
	Set(request, cmapi.CertificateRequestConditionReady, cmmeta.ConditionTrue,
		cmapi.CertificateRequestReasonIssued, message, now)
}

// Set sets a condition of a CertificateRequest. The transition time is when the status last changed.
func Set(
	request *cmapi.CertificateRequest, kind cmapi.CertificateRequestConditionType, value cmmeta.ConditionStatus,
	reason, message string, transition time.Time,
) {
	moment := metav1.NewTime(transition)
	condition := cmapi.CertificateRequestCondition{
		Type: kind, Status: value, Reason: reason, Message: message, LastTransitionTime: &moment,
	}
	previous := conditions.Find(request, kind)
	if previous == nil {
		request.Status.Conditions = append(request.Status.Conditions, condition)
		return
	}
	if previous.Status == value {
		condition.LastTransitionTime = previous.LastTransitionTime
	}
	*previous = condition
}

func setFailureTime(request *cmapi.CertificateRequest, now time.Time) {
	if request.Status.FailureTime == nil {
		request.Status.FailureTime = &metav1.Time{Time: now}
	}
}
