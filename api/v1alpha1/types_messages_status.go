package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// MessagesPasswordState is how far a rotation has come.
//
// +kubebuilder:validation:Enum=Idle;Prepared;Sent;Settling
type MessagesPasswordState string

// The states of a MessagesPassword.
const (
	// MessagesPasswordIdle: no rotation is in flight; the service takes the password of the Secret.
	MessagesPasswordIdle MessagesPasswordState = "Idle"
	// MessagesPasswordPrepared: the new password lies beside the Secret, and nothing was sent.
	MessagesPasswordPrepared MessagesPasswordState = "Prepared"
	// MessagesPasswordSent: the new password is being sent, or was, and is to be proved.
	MessagesPasswordSent MessagesPasswordState = "Sent"
	// MessagesPasswordSettling: it is not known yet, or not for certain, which of the two passwords the service takes.
	MessagesPasswordSettling MessagesPasswordState = "Settling"
)

// PasswordOrigin is how a password came into the Secret.
//
// +kubebuilder:validation:Enum=Rotated;Found
type PasswordOrigin string

const (
	// PasswordRotated is one that a rotation has put there: its age is known.
	PasswordRotated PasswordOrigin = "Rotated"
	// PasswordFound is one that a person has put there: its age counts from when it was first seen.
	PasswordFound PasswordOrigin = "Found"
)

// PasswordVerdict is what the service has said of a password since the last attempt to change it.
//
// +kubebuilder:validation:Enum=Unknown;Accepted;Refused
type PasswordVerdict string

const (
	// PasswordUnknown: nothing.
	PasswordUnknown PasswordVerdict = "Unknown"
	// PasswordAccepted: it gave a token for it.
	PasswordAccepted PasswordVerdict = "Accepted"
	// PasswordRefused: it gave none. That is no proof that it is wrong: a locked account refuses the right one, too.
	PasswordRefused PasswordVerdict = "Refused"
)

// MessagesPasswordStatus is what is known of the password, and how far a rotation has come. It holds no password, and
// no digest of one. The controller writes it, and each of its decisions can be made again from it: what is about to be
// done is written before it is done.
type MessagesPasswordStatus struct {
	// state is how far the rotation has come.
	//
	// +optional
	// +kubebuilder:default=Idle
	State MessagesPasswordState `json:"state,omitempty"`

	// lastRotationTime is when the Secret last got a new password that was proved.
	//
	// +optional
	LastRotationTime *metav1.Time `json:"lastRotationTime,omitempty"`

	// nextRotationTime is when the next rotation is due. Where it lies outside of spec.window, the rotation begins when
	// that opens.
	//
	// +optional
	NextRotationTime *metav1.Time `json:"nextRotationTime,omitempty"`

	// passwordSince is when the password in the Secret came there, as far as it is known; see passwordOrigin.
	//
	// +optional
	PasswordSince *metav1.Time `json:"passwordSince,omitempty"`

	// passwordOrigin says how it came there: Rotated, or Found, whose age is not known and counts from the first sight.
	//
	// +optional
	PasswordOrigin PasswordOrigin `json:"passwordOrigin,omitempty"`

	// lastHandledDemand is the value of the annotation varmenne.dev/rotate for which a rotation was made last.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	LastHandledDemand string `json:"lastHandledDemand,omitempty"`

	// rotation is the one in flight.
	//
	// +optional
	Rotation *MessagesRotation `json:"rotation,omitempty"`

	// stagingSecretName names the Secret that holds both passwords while a rotation is in flight.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	StagingSecretName string `json:"stagingSecretName,omitempty"`

	// retiredStagingUID is that of the last such Secret that is not needed any more, and is deleted.
	//
	// +optional
	RetiredStagingUID types.UID `json:"retiredStagingUID,omitempty"`

	// committedStagingUID is that of the Secret whose new password was put into the Secret of secretRef. It is kept for an
	// hour, in case that somebody puts the former password back.
	//
	// +optional
	CommittedStagingUID types.UID `json:"committedStagingUID,omitempty"`

	// failedLogins are the log-ins of the last hour that were refused, or whose outcome is not known. Each is written down
	// before it is made, and struck out when it has succeeded, so that no crash loses one.
	//
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	FailedLogins []metav1.MicroTime `json:"failedLogins,omitempty"`

	// lastCallTime is when the service was last called, written before it was.
	//
	// +optional
	LastCallTime *metav1.MicroTime `json:"lastCallTime,omitempty"`

	// nextCallTime is the time before which the service is not called, because it has not answered as it should, or has
	// asked for it.
	//
	// +optional
	NextCallTime *metav1.MicroTime `json:"nextCallTime,omitempty"`

	// unclearResponses is how many calls in a row had no response that can be relied on.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000000
	UnclearResponses int32 `json:"unclearResponses,omitempty"`

	// nextProbeTime is when the service is asked again about passwords that it has refused.
	//
	// +optional
	NextProbeTime *metav1.MicroTime `json:"nextProbeTime,omitempty"`

	// refusedProbes is how many times in a row it has refused all of them.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000000
	RefusedProbes int32 `json:"refusedProbes,omitempty"`

	// provedSecretVersion is the resourceVersion of the Secret whose password the service has taken, since the last
	// attempt to change it.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	ProvedSecretVersion string `json:"provedSecretVersion,omitempty"`

	// refusedSecretVersion is the resourceVersion of the Secret whose password the service has refused.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	RefusedSecretVersion string `json:"refusedSecretVersion,omitempty"`

	// refusalReason is what the service said when it last refused a log-in, with its traceId, cut and without what cannot
	// be printed. Absent once it has taken a password.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	RefusalReason string `json:"refusalReason,omitempty"`

	// secretWriteTime is when somebody last changed the password in the Secret, of what was proved last.
	//
	// +optional
	SecretWriteTime *metav1.Time `json:"secretWriteTime,omitempty"`

	// proofTime is when the service last gave a token for the password of the Secret, and events for the token.
	//
	// +optional
	ProofTime *metav1.MicroTime `json:"proofTime,omitempty"`

	// lastRetrievalTime is when messages of end users were last fetched, as spec.retrieval shows it.
	//
	// +optional
	LastRetrievalTime *metav1.Time `json:"lastRetrievalTime,omitempty"`

	// observedGeneration is the generation of the spec that the conditions are about.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// conditions of the password; see the constants of this package for their types and reasons. Ready is Unknown until
	// the controller has looked at the object.
	//
	// +optional
	// +kubebuilder:default={{type: "Ready", status: "Unknown", reason: "NotChecked", message: "the controller has not looked at it yet; if this stays, see whether the Deployment of the messages controller runs, and whether messages.namespaces names this namespace", lastTransitionTime: "1970-01-01T00:00:00Z"}}
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// MessagesRotation is a rotation in flight, which is about one new password.
type MessagesRotation struct {
	// stagingUID is the UID of the Secret that holds both passwords.
	//
	// +required
	StagingUID types.UID `json:"stagingUID,omitempty"`

	// demand is the value of the annotation varmenne.dev/rotate when it began.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	Demand string `json:"demand,omitempty"`

	// startTime is when it began.
	//
	// +required
	StartTime metav1.Time `json:"startTime,omitzero"`

	// sendTime is when the new password was last sent, written before it was.
	//
	// +optional
	SendTime *metav1.MicroTime `json:"sendTime,omitempty"`

	// attempts is how many times it may have been sent.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000000
	Attempts int32 `json:"attempts,omitempty"`

	// unclearSends are the last attempts whose outcome is not known. The service may still act on one.
	//
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	UnclearSends []metav1.MicroTime `json:"unclearSends,omitempty"`

	// nextSendTime is when the same password is sent again, should the service still take the old one.
	//
	// +optional
	NextSendTime *metav1.MicroTime `json:"nextSendTime,omitempty"`

	// change is what the service has said to the last attempt: Unknown, Accepted or Refused.
	//
	// +optional
	Change PasswordVerdict `json:"change,omitempty"`

	// newPassword is what it has said of the new password since then.
	//
	// +optional
	NewPassword PasswordVerdict `json:"newPassword,omitempty"`

	// currentPassword is what it has said of the one before since then.
	//
	// +optional
	CurrentPassword PasswordVerdict `json:"currentPassword,omitempty"`

	// refusals is how many attempts it has refused.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000000
	Refusals int32 `json:"refusals,omitempty"`

	// refusalTimes are the first refusals of as many days, in UTC.
	//
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=5
	RefusalTimes []metav1.Time `json:"refusalTimes,omitempty"`

	// refusalReason is the reason that the service gave last, cut and without what cannot be printed.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	RefusalReason string `json:"refusalReason,omitempty"`
}
