package rotation

import (
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
)

// Intend writes into an object what has to be there before a decision is carried out. The object is that of the
// snapshot, and is written with the resourceVersion that it was read with: whoever is second starts anew.
func Intend(object *v1alpha1.MessagesPassword, decision Decision) {
	s := decision.snapshot
	s.Object.Status.DeepCopyInto(&object.Status)
	status := &object.Status
	switch decision.Verb {
	case LogIn:
		s.intendCall(status)
	case Prepare:
		status.State = v1alpha1.MessagesPasswordPrepared
		status.Rotation = &v1alpha1.MessagesRotation{
			StagingUID: s.Staging.UID, StartTime: metav1.Time{Time: s.Now}, Demand: s.outstanding(),
		}
	case Send:
		s.intendSend(status)
	case Adopt:
		status.State = v1alpha1.MessagesPasswordSettling
		status.Rotation = &v1alpha1.MessagesRotation{
			StagingUID: s.Staging.UID, StartTime: metav1.Time{Time: s.Now}, Attempts: 1,
			UnclearSends: []metav1.MicroTime{{Time: s.Now}}, Change: v1alpha1.PasswordUnknown,
			NewPassword: v1alpha1.PasswordUnknown, CurrentPassword: v1alpha1.PasswordUnknown,
		}
		status.ProvedSecretVersion, status.RetiredStagingUID = "", ""
	case Retire:
		retire(status, s.Staging)
	default:
	}
	status.ObservedGeneration = object.Generation
	status.StagingSecretName = ""
	if status.Rotation != nil {
		status.StagingSecretName = StagingName(object.Spec.SecretRef.Name)
	}
	decision.writeConditions(object)
}

// outstanding is the demand that a rotation which begins now is for.
func (s Snapshot) outstanding() string {
	if s.demanded() {
		return s.demand()
	}
	return ""
}

// intendCall counts a log-in as failed before it is made.
func (s Snapshot) intendCall(status *v1alpha1.MessagesPasswordStatus) {
	status.LastCallTime = micro(s.Now)
	status.FailedLogins = append(status.FailedLogins, *micro(s.Now))
}

// intendSend assumes that the new password arrives and no response does, so that nothing that was known of either
// password holds any more.
func (s Snapshot) intendSend(status *v1alpha1.MessagesPasswordStatus) {
	s.intendCall(status)
	status.State = v1alpha1.MessagesPasswordSent
	status.ProvedSecretVersion, status.ProofTime = "", nil
	rotation := status.Rotation
	rotation.Attempts++
	rotation.SendTime = micro(s.Now)
	rotation.UnclearSends = append(rotation.UnclearSends, *micro(s.Now))
	rotation.UnclearSends = rotation.UnclearSends[max(0, len(rotation.UnclearSends)-keptSends):]
	rotation.Change = v1alpha1.PasswordUnknown
	rotation.NewPassword, rotation.CurrentPassword = v1alpha1.PasswordUnknown, v1alpha1.PasswordUnknown
}

// retire ends a rotation. That the staging Secret is not needed any more is written before it is deleted: a controller
// that has read the object before cannot write that it sends the password in it.
func retire(status *v1alpha1.MessagesPasswordStatus, staging Staging) {
	status.State, status.Rotation, status.CommittedStagingUID = v1alpha1.MessagesPasswordIdle, nil, ""
	if staging.ours() {
		status.RetiredStagingUID = staging.UID
	}
}

// strike takes one entry of a time out of a list.
func strike(times []metav1.MicroTime, at time.Time) []metav1.MicroTime {
	for i := range times {
		if times[i].Time.Equal(at) {
			return nonEmpty(slices.Delete(slices.Clone(times), i, i+1))
		}
	}
	return times
}
