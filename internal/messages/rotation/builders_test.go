package rotation_test

import (
	"encoding/json"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/messages/rotation"
)

const day = 24 * time.Hour

var now = time.Date(2026, time.November, 28, 12, 0, 0, 0, time.UTC)

// change makes a snapshot of another one.
type change func(*rotation.Snapshot)

// snapshot is of a password that was proved an hour ago, and is rotated every day, next in an hour.
func snapshot(changes ...change) rotation.Snapshot {
	s := rotation.Snapshot{
		Now: now,
		Object: &v1alpha1.MessagesPassword{
			ObjectMeta: metav1.ObjectMeta{
				Namespace: "messages", Name: "messages", Generation: 1, Finalizers: []string{rotation.Finalizer},
				Annotations: map[string]string{},
			},
			Spec: v1alpha1.MessagesPasswordSpec{SecretRef: v1alpha1.MessagesSecretReference{Name: "messages"}},
			Status: v1alpha1.MessagesPasswordStatus{
				State: v1alpha1.MessagesPasswordIdle, ObservedGeneration: 1, ProvedSecretVersion: "7",
				NextRotationTime: &metav1.Time{Time: now.Add(time.Hour)}, LastCallTime: ago(time.Hour),
				PasswordSince: &metav1.Time{Time: now.Add(-23 * time.Hour)}, PasswordOrigin: v1alpha1.PasswordFound,
				SecretWriteTime: &metav1.Time{Time: now.Add(-30 * day)},
			},
		},
		Secret: rotation.Secret{Version: "7", Written: now.Add(-30 * day)},
	}
	for _, change := range changes {
		change(&s)
	}
	return s
}

func ago(long time.Duration) *metav1.MicroTime { return &metav1.MicroTime{Time: now.Add(-long)} }

func status(change func(*v1alpha1.MessagesPasswordStatus)) change {
	return func(s *rotation.Snapshot) { change(&s.Object.Status) }
}

func spec(change func(*v1alpha1.MessagesPasswordSpec)) change {
	return func(s *rotation.Snapshot) { change(&s.Object.Spec) }
}

func secret(change func(*rotation.Secret)) change {
	return func(s *rotation.Snapshot) { change(&s.Secret) }
}

var (
	due     = status(func(s *v1alpha1.MessagesPasswordStatus) { s.NextRotationTime.Time = now })
	checked = status(func(s *v1alpha1.MessagesPasswordStatus) { s.ProofTime = ago(time.Minute) })
	// found is a Secret that nobody has proved yet.
	found = status(func(s *v1alpha1.MessagesPasswordStatus) { *s = v1alpha1.MessagesPasswordStatus{} })
	// said is what the service has said to the last log-in that it has refused.
	said      = status(func(s *v1alpha1.MessagesPasswordStatus) { s.RefusalReason = traceProblem })
	suspended = spec(func(s *v1alpha1.MessagesPasswordSpec) { s.Suspend = true })
	missing   = secret(func(s *rotation.Secret) { *s = rotation.Secret{Missing: true} })
	unusable  = secret(func(s *rotation.Secret) { s.Problem = "lacks password" })
	// changed is a Secret that somebody has changed since it was proved.
	changed   = secret(func(s *rotation.Secret) { s.Version, s.Holds, s.Written = "8", rotation.HoldsOther, now })
	otherUser = secret(func(s *rotation.Secret) { s.OtherUser = true })
	holdsNew  = secret(func(s *rotation.Secret) { s.Version, s.Holds = "8", rotation.HoldsNew })
)

func demanded(s *rotation.Snapshot) {
	s.Object.Annotations[v1alpha1.AnnotationRotate] = "a person leaves"
}
func deleted(s *rotation.Snapshot)  { s.Object.DeletionTimestamp = &metav1.Time{Time: now} }
func released(s *rotation.Snapshot) { s.Object.Finalizers = nil }
func orphan(s *rotation.Snapshot)   { s.Object.Spec.DeletionPolicy = v1alpha1.MessagesDeletionOrphan }
func rival(s *rotation.Snapshot)    { s.Rival = "MessagesPassword other" }
func unstaged(s *rotation.Snapshot) { s.Staging = rotation.Staging{} }
func broken(s *rotation.Snapshot)   { s.Staging.Problem = "lacks newPassword" }
func abandoned(s *rotation.Snapshot) {
	s.Staging.Owner = rotation.Abandoned
}
func foreign(s *rotation.Snapshot) { s.Staging.Owner = rotation.Foreign }
func stranger(s *rotation.Snapshot) {
	s.Staging = rotation.Staging{UID: "theirs", Owner: rotation.Stranger, Problem: "lacks everything"}
}
func restored(s *rotation.Snapshot) { s.Staging.UID = "restored" }
func uncallable(s *rotation.Snapshot) {
	s.Uncallable = rotation.Uncallable{Reason: v1alpha1.ReasonBundleInvalid, Problem: "spec.tls is none"}
}

// others are failed log-ins of another object, so many minutes ago.
func others(minutes ...int) change {
	return func(s *rotation.Snapshot) {
		for _, ago := range minutes {
			s.OtherLogins = append(s.OtherLogins, now.Add(-time.Duration(ago)*time.Minute))
		}
	}
}

// staged has a new password that was not sent.
func staged(s *rotation.Snapshot) {
	s.Staging.UID, s.Secret.Holds = "staging-1", rotation.HoldsCurrent
}

// former has the one of the last rotation, which is not needed any more.
func former(s *rotation.Snapshot) {
	retired(s)
	s.Object.Status.CommittedStagingUID = "staging-1"
}

// rotatedBefore has a rotation that has ended some time ago.
func rotatedBefore(ago time.Duration) change {
	return func(s *rotation.Snapshot) { s.Object.Status.LastRotationTime = &metav1.Time{Time: s.Now.Add(-ago)} }
}

// retired has one that is not needed any more.
func retired(s *rotation.Snapshot) {
	staged(s)
	s.Object.Status.RetiredStagingUID = "staging-1"
}

func prepared(s *rotation.Snapshot) {
	staged(s)
	s.Object.Status.State = v1alpha1.MessagesPasswordPrepared
	s.Object.Status.Rotation = &v1alpha1.MessagesRotation{StagingUID: "staging-1", StartTime: metav1.Time{Time: now}}
}

// inFlight has a new password that was sent so long ago.
func inFlight(
	long time.Duration, response v1alpha1.PasswordVerdict, changes ...func(*v1alpha1.MessagesRotation),
) change {
	return func(s *rotation.Snapshot) {
		prepared(s)
		s.Object.Status.State = v1alpha1.MessagesPasswordSettling
		s.Object.Status.ProvedSecretVersion = ""
		r := s.Object.Status.Rotation
		r.Attempts, r.SendTime, r.Change = 1, ago(long), response
		r.NewPassword, r.CurrentPassword = v1alpha1.PasswordUnknown, v1alpha1.PasswordUnknown
		if response == v1alpha1.PasswordUnknown {
			r.UnclearSends = []metav1.MicroTime{*ago(long)}
		}
		for _, change := range changes {
			change(r)
		}
		if r.CurrentPassword == v1alpha1.PasswordAccepted {
			s.Object.Status.ProvedSecretVersion = s.Secret.Version
		}
	}
}

// Verdicts since the last attempt, and refusals on so many days.
func currentTaken(r *v1alpha1.MessagesRotation)   { r.CurrentPassword = v1alpha1.PasswordAccepted }
func currentRefused(r *v1alpha1.MessagesRotation) { r.CurrentPassword = v1alpha1.PasswordRefused }
func newTaken(r *v1alpha1.MessagesRotation)       { r.NewPassword = v1alpha1.PasswordAccepted }
func newRefused(r *v1alpha1.MessagesRotation)     { r.NewPassword = v1alpha1.PasswordRefused }
func sendLater(r *v1alpha1.MessagesRotation)      { r.NextSendTime = ago(-time.Hour) }
func unclearLately(r *v1alpha1.MessagesRotation) {
	r.UnclearSends = []metav1.MicroTime{*ago(23 * time.Hour)}
}
func refusedFor(days int) func(*v1alpha1.MessagesRotation) {
	return func(r *v1alpha1.MessagesRotation) {
		r.Refusals = int32(days)
		for i := range days {
			r.RefusalTimes = append(r.RefusalTimes, metav1.Time{Time: now.Add(time.Duration(i-days) * day)})
		}
	}
}

// failed are log-ins so long ago.
func failed(all ...time.Duration) change {
	return status(func(s *v1alpha1.MessagesPasswordStatus) {
		for _, long := range all {
			s.FailedLogins = append(s.FailedLogins, *ago(long))
		}
	})
}

// stored is an object as the API server keeps it.
func stored(t *testing.T, object *v1alpha1.MessagesPassword) *v1alpha1.MessagesPassword {
	t.Helper()
	data, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	read := &v1alpha1.MessagesPassword{}
	if err := json.Unmarshal(data, read); err != nil {
		t.Fatal(err)
	}
	return read
}

func condition(object *v1alpha1.MessagesPassword, kind string) metav1.Condition {
	if found := meta.FindStatusCondition(object.Status.Conditions, kind); found != nil {
		return *found
	}
	return metav1.Condition{}
}
