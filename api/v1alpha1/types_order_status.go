package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// VeroOrderState is how far an order has come. The state diagram is in the package comment of internal/vero/orderstate.
//
// +kubebuilder:validation:Enum=Pending;Submitting;Submitted;Issued;Failed
type VeroOrderState string

const (
	// VeroOrderPending: nothing was sent, or the service has said that it did not accept what was sent.
	VeroOrderPending VeroOrderState = "Pending"
	// VeroOrderSubmitting: the request may be on its way. Written before the call. An order found in this state after a
	// restart is uncertain: it was sent, or it was not.
	VeroOrderSubmitting VeroOrderState = "Submitting"
	// VeroOrderSubmitted: the service has accepted the request; its certificate is being fetched.
	VeroOrderSubmitted VeroOrderState = "Submitted"
	// VeroOrderIssued: the certificate is in status.certificate. Final.
	VeroOrderIssued VeroOrderState = "Issued"
	// VeroOrderFailed: this order will not bear a certificate; the condition Ready says why. Final, but for a response
	// that arrives late.
	VeroOrderFailed VeroOrderState = "Failed"
)

// VeroOrderStatus is what has become of an order. The controller writes it: the intent before a call, the outcome
// right after it.
type VeroOrderStatus struct {
	// state is how far the order has come.
	//
	// +optional
	// +kubebuilder:default=Pending
	State VeroOrderState `json:"state,omitempty"`

	// retrievalID is the service's receipt: with it, and only with it, the certificate can be fetched.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=32
	RetrievalID string `json:"retrievalID,omitempty"`

	// retrievalIDUnverified is true while no verified response has carried the RetrievalId: it stood in one that could not
	// be verified, or in the annotation varmenne.dev/adopt-retrieval-id. The id is kept and tried; only a verified
	// response can bear the certificate.
	//
	// +optional
	RetrievalIDUnverified bool `json:"retrievalIDUnverified,omitempty"`

	// refusedRetrievalID is a RetrievalId that could not be verified and was tried: the service refuses it, or answers
	// with a certificate for another key or customer. The request goes on without it, and it is not taken from a response
	// again.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=32
	RefusedRetrievalID string `json:"refusedRetrievalID,omitempty"`

	// submissions counts how often the request was sent, or may have been. Absent: never.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	Submissions int32 `json:"submissions,omitempty"`

	// uncertain is true once a submission ended without a response that can be relied on: the service may have
	// accepted the request, and the RetrievalId may be lost.
	//
	// +optional
	Uncertain bool `json:"uncertain,omitempty"`

	// submissionTime is when the request was last sent, written before it was sent.
	//
	// +optional
	SubmissionTime *metav1.MicroTime `json:"submissionTime,omitempty"`

	// pollStartTime is when a GetCertificate was begun that has no outcome yet, written before the call. It is written
	// only where an earlier controller may have ended in the middle of one.
	//
	// +optional
	PollStartTime *metav1.MicroTime `json:"pollStartTime,omitempty"`

	// interruptions is, while a call is under way or was interrupted, how many controllers had ended in a row during
	// calls for orders of the namespace when it was begun. The more they were, the later it is made again. Absent: none.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	Interruptions int32 `json:"interruptions,omitempty"`

	// passwordFingerprint tells whether a transfer password has been replaced since it was last sent: four
	// hexadecimal digits of a salted digest, far too few to find a password from.
	//
	// +optional
	// +kubebuilder:validation:MinLength=4
	// +kubebuilder:validation:MaxLength=4
	PasswordFingerprint string `json:"passwordFingerprint,omitempty"`

	// acceptanceTime is when the acceptance was received, or its RetrievalId was brought back.
	//
	// +optional
	AcceptanceTime *metav1.MicroTime `json:"acceptanceTime,omitempty"`

	// firstRefusalTime is when the service first refused the request for a technical reason (PKI099), if it has answered
	// nothing else since.
	//
	// +optional
	FirstRefusalTime *metav1.MicroTime `json:"firstRefusalTime,omitempty"`

	// nextSubmitTime is when the request is sent again after a passing failure.
	//
	// +optional
	NextSubmitTime *metav1.MicroTime `json:"nextSubmitTime,omitempty"`

	// nextPollTime is when the certificate is asked for next. Never earlier than 10 s after acceptanceTime.
	//
	// +optional
	NextPollTime *metav1.MicroTime `json:"nextPollTime,omitempty"`

	// polls counts the GetCertificate calls. Absent: none.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	Polls int32 `json:"polls,omitempty"`

	// issuerProblem is what this order has to tell about its issuer. The issuer takes it over into its Ready condition
	// until the issuer's spec or its bundles change, or the order succeeds.
	//
	// +optional
	IssuerProblem *VeroIssuerProblem `json:"issuerProblem,omitempty"`

	// lastError is the last failure, kept also after it has passed.
	//
	// +optional
	LastError *VeroOrderError `json:"lastError,omitempty"`

	// certificate is the issued chain in PEM: the leaf first, then intermediates, without the root. At most 1 MiB, which
	// is what a Secret can hold.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1398104
	Certificate []byte `json:"certificate,omitempty"`

	// ca is the root of that chain in PEM. At most 1 MiB.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1398104
	CA []byte `json:"ca,omitempty"`

	// completionTime is when the order became Issued or Failed.
	//
	// +optional
	CompletionTime *metav1.Time `json:"completionTime,omitempty"`

	// conditions of the order; see the constants of this package for their types and reasons. Ready is Unknown until the
	// controller has looked at the order.
	//
	// +optional
	// +kubebuilder:default={{type: "Ready", status: "Unknown", reason: "OrderCreated", message: "the order is about to be sent", lastTransitionTime: "1970-01-01T00:00:00Z"}}
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// VeroIssuerProblem is a misconfiguration of an issuer that only a call to the service could show. Reason and message
// may be as long as those of a condition, of which they become part.
type VeroIssuerProblem struct {
	// reason is WrongEnvironment, UntrustedResponse or UntrustedCertificate.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	Reason string `json:"reason,omitempty"`
	// message says what was seen and what to change.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=32768
	Message string `json:"message,omitempty"`
	// issuerUID is the object that was used: one of the same name may have been made since.
	//
	// +required
	IssuerUID types.UID `json:"issuerUID,omitempty"`
	// issuerGeneration is the generation of the issuer that was used.
	//
	// +required
	// +kubebuilder:validation:Minimum=1
	IssuerGeneration int64 `json:"issuerGeneration,omitempty"`
	// trustDigest is a digest of the bundles that were used.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	TrustDigest string `json:"trustDigest,omitempty"`
	// time of the call.
	//
	// +required
	Time metav1.Time `json:"time,omitzero"`
}

// VeroOrderError is a failure as the service, or the way to it, reported it. Code and message may be as long as reason
// and message of a condition, far longer than what is written: nothing may keep the outcome of a call from its record.
type VeroOrderError struct {
	// code is the service's code (PKI005 … PKI099), or a word for what went wrong on the way.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	Code string `json:"code,omitempty"`
	// message says what happened.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=32768
	Message string `json:"message,omitempty"`
	// time of the failure.
	//
	// +required
	Time metav1.Time `json:"time,omitzero"`
}
