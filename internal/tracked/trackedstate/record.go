package trackedstate

import (
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/pki"
)

// Record writes what is to be said of a certificate into its status.
func (o Outcome) Record(tracked *v1alpha1.TrackedCertificate, s Snapshot) {
	status := &tracked.Status
	status.ObservedGeneration, status.Notice, status.FirstDigest = tracked.Generation, o.Notice, o.FirstDigest
	if s.Leaf != nil {
		if s.isAnother() {
			status.RemindedDays = nil
		}
		status.Subject, status.Issuer = pki.WriteName(s.Leaf.Subject), pki.WriteName(s.Leaf.Issuer)
		status.SerialNumber = pki.SerialNumber(s.Leaf)
		status.NotBefore, status.NotAfter = &metav1.Time{Time: s.Leaf.NotBefore}, &metav1.Time{Time: s.Leaf.NotAfter}
	}
	if o.Reminder > 0 {
		status.RemindedDays = &o.Reminder
	}
	o.Ready.write(tracked, v1alpha1.ConditionReady, s.Now)
	o.Expiring.write(tracked, v1alpha1.ConditionExpiringSoon, s.Now)
	o.Changed.write(tracked, v1alpha1.ConditionNoticeDue, s.Now)
}

func (s Statement) write(tracked *v1alpha1.TrackedCertificate, kind string, now time.Time) {
	condition := metav1.Condition{
		Type: kind, Status: metav1.ConditionFalse, Reason: s.Reason, Message: s.Message,
		ObservedGeneration: tracked.Generation, LastTransitionTime: metav1.Time{Time: now},
	}
	if s.Holds {
		condition.Status = metav1.ConditionTrue
	}
	meta.SetStatusCondition(&tracked.Status.Conditions, condition)
}
