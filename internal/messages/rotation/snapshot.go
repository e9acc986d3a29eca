package rotation

import (
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
)

// Finalizer keeps a MessagesPassword until its rotation in flight is settled.
const Finalizer = "varmenne.dev/messages-rotation"

// StagingName is the name of the Secret that holds the current and the new password during a rotation. It comes from
// the Secret and not from the MessagesPassword, so that the API server refuses whoever is second.
func StagingName(secretName string) string { return secretName + "-rotation" }

// Snapshot is what is known of a MessagesPassword.
type Snapshot struct {
	// Now is the time.
	Now time.Time
	// Object is looked at only.
	Object *v1alpha1.MessagesPassword
	// Secret is the one whose password is rotated.
	Secret Secret
	// Staging is the Secret beside it.
	Staging Staging
	// Rival names another MessagesPassword that goes first with the same account; empty if there is none.
	Rival string
	// OtherLogins are log-ins for the same account that failed, or may have, of which the object's status knows nothing:
	// those of other objects, and of objects that are gone.
	OtherLogins []time.Time
	// Uncallable is why the service cannot be called as the object's spec has it. It is looked at only where a decision
	// needs a call, so that it may be left out before there is one.
	Uncallable Uncallable
	// Retrieval is what spec.retrieval names.
	Retrieval Retrieval
}

// Uncallable is what keeps the service from being called, until somebody changes it. The zero value is nothing.
type Uncallable struct {
	// Reason is that of the condition.
	Reason string
	// Problem says what it is, for people.
	Problem string
}

// Secret is what is known of the Secret that applications mount.
type Secret struct {
	// Missing reports whether there is none.
	Missing bool
	// Deleting reports whether it is about to go, and only its finalizers keep it: what is put into it is lost. Problem
	// says so, too.
	Deleting bool
	// Problem says why no log-in can be made with what it holds, or why there can be none; empty if one can.
	Problem string
	// Version is its resourceVersion.
	Version string
	// Written is when somebody last changed username or password in it.
	Written time.Time
	// Unchanged reports whether its password is the last one that the service has taken for this object, whatever Written
	// says: the API server notes one time for all that a tool has written. False where that is not known.
	Unchanged bool
	// Holds is which password of the staging Secret it has.
	Holds Holds
	// OtherUser reports whether its username is not that of the staging Secret.
	OtherUser bool
}

// Holds is which password of the staging Secret the Secret has.
type Holds int

// The Secret has another password than the staging Secret, or either of them is missing; or the one that the rotation
// began with; or the new one.
const (
	HoldsOther Holds = iota
	HoldsCurrent
	HoldsNew
)

// Staging is what is known of the Secret that holds both passwords.
type Staging struct {
	// UID is empty if there is none.
	UID types.UID
	// Deleting reports whether it is about to go, and only its finalizers keep it.
	Deleting bool
	// Problem says what it lacks, empty if it has username and both passwords.
	Problem string
	// Owner is who made it.
	Owner Owner
	// Maker names the MessagesPassword that made it, where that is Foreign.
	Maker string
}

// Owner is who made a staging Secret, as its annotation tells by UID.
type Owner int

// It was made by the MessagesPassword of the snapshot; by one that does not exist any more; by another; or by somebody
// else for something else, who has only used the name.
const (
	Own Owner = iota
	Abandoned
	Foreign
	Stranger
)

// ours reports whether a MessagesPassword made the staging Secret for which this one answers now.
func (s Staging) ours() bool { return s.UID != "" && (s.Owner == Own || s.Owner == Abandoned) }

// Retrieval is what is known of the retrieval of end users' messages.
type Retrieval struct {
	// Last is when they were last fetched; zero if that is not known.
	Last time.Time
	// Problem says why that is not known.
	Problem string
	// Remark says for people why there may have been none for a while; empty where nothing is known of a reason.
	Remark string
}

// deleting reports whether somebody has deleted the object.
func (s Snapshot) deleting() bool { return !s.Object.DeletionTimestamp.IsZero() }

// status of the object, which Decide has made its own.
func (s Snapshot) status() *v1alpha1.MessagesPasswordStatus { return &s.Object.Status }

// inFlight reports whether the new password may have been sent.
func (s Snapshot) inFlight() bool {
	state := s.status().State
	return s.status().Rotation != nil &&
		(state == v1alpha1.MessagesPasswordSent || state == v1alpha1.MessagesPasswordSettling)
}

// sent reports whether this object itself may have sent the new password that lies beside the Secret.
func (s Snapshot) sent() bool {
	return s.inFlight() && s.status().Rotation.SendTime != nil && s.status().Rotation.StagingUID == s.Staging.UID
}

// usable reports whether a log-in can be made with what the Secret holds.
func (s Snapshot) usable() bool { return !s.Secret.Missing && s.Secret.Problem == "" }

// proved reports whether the service has taken the password of the Secret as it is, since it was last asked to change
// it.
func (s Snapshot) proved() bool {
	return s.usable() && s.status().ProvedSecretVersion == s.Secret.Version
}

// refused reports whether the service has refused the password of the Secret as it is, and is not asked again yet.
func (s Snapshot) refused() bool { return s.status().RefusedSecretVersion == s.Secret.Version }

// demand is the value of the annotation that demands a rotation, as far as it is compared.
func (s Snapshot) demand() string {
	const longest = 256
	value := []rune(s.Object.Annotations[v1alpha1.AnnotationRotate])
	return string(value[:min(len(value), longest)])
}

// demanded reports whether somebody has demanded a rotation that was not made yet.
func (s Snapshot) demanded() bool {
	demand := s.demand()
	return demand != "" && demand != s.status().LastHandledDemand
}
