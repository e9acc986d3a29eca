package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// VeroOperation is the operation of the certificate service that starts a certificate (chapter 2 of its interface
// description).
//
// +kubebuilder:validation:Enum=SignNewCertificate;RenewCertificate
type VeroOperation string

const (
	// VeroOperationSignNew asks for a certificate with one-time transfer credentials.
	VeroOperationSignNew VeroOperation = "SignNewCertificate"
	// VeroOperationRenew asks for a certificate with a signature made by the one that is about to expire.
	VeroOperationRenew VeroOperation = "RenewCertificate"
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

// VeroOrderSpec is what was asked for, on whose authority. It never changes.
//
// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="the spec of a VeroOrder cannot be changed: it is the record of one request to the certificate service"
// +kubebuilder:validation:XValidation:rule="self.operation == 'SignNewCertificate' ? has(self.transfer) && !has(self.renewal) : has(self.renewal) && !has(self.transfer)",message="SignNewCertificate is authorized by spec.transfer, RenewCertificate by spec.renewal"
type VeroOrderSpec struct {
	// issuerRef is the issuer in whose name the request is made.
	//
	// +required
	IssuerRef OrderIssuerReference `json:"issuerRef,omitzero"`

	// operation that starts the certificate.
	//
	// +required
	Operation VeroOperation `json:"operation,omitempty"`

	// environment of the service that the request belongs to.
	//
	// +required
	Environment VeroEnvironment `json:"environment,omitempty"`

	// customerID that the certificate is for; the issued certificate must bear it as common name.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=30
	CustomerID string `json:"customerID,omitempty"`

	// request is the PEM encoded PKCS#10 certificate signing request, at most 64 KiB of PEM.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=87384
	Request []byte `json:"request,omitempty"`

	// requestUID is the CertificateRequest that the order was made for. Others with the same key may use it too.
	//
	// +required
	RequestUID types.UID `json:"requestUID,omitempty"`

	// publicKeyDigest is the SHA-256 digest, in lower-case hexadecimal, of the SubjectPublicKeyInfo of the request.
	// The service certifies nothing but the public key, so any CertificateRequest with this key can use the result.
	//
	// +required
	// +kubebuilder:validation:MinLength=64
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:Pattern=`^[0-9a-f]{64}$`
	PublicKeyDigest string `json:"publicKeyDigest,omitempty"`

	// transfer is the authorization of SignNewCertificate.
	//
	// +optional
	Transfer *TransferAuthorization `json:"transfer,omitempty"`

	// renewal is the authorization of RenewCertificate.
	//
	// +optional
	Renewal *RenewalAuthorization `json:"renewal,omitempty"`

	// attempt counts the orders with the same authorization, from 1. A further one is only made after the service
	// has refused the one before, in a verified response, so that nothing was bought with it.
	//
	// +required
	// +kubebuilder:validation:Minimum=1
	Attempt int32 `json:"attempt,omitempty"`
}

// OrderIssuerReference names an issuer, and which object of that name it was.
type OrderIssuerReference struct {
	// kind is VeroIssuer or VeroClusterIssuer.
	//
	// +required
	// +kubebuilder:validation:Enum=VeroIssuer;VeroClusterIssuer
	Kind string `json:"kind,omitempty"`
	// name of the issuer.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name,omitempty"`
	// uid of the issuer when the order was made. It is a record: an order follows its issuer by name (ADR 5), so that it
	// goes on with one that was restored or made anew, as long as that names the same customer and environment.
	//
	// +required
	UID types.UID `json:"uid,omitempty"`
}

// TransferAuthorization says which transfer credentials pay for an order.
type TransferAuthorization struct {
	// secretName is the Secret, in the namespace of the order, that held the credentials.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	SecretName string `json:"secretName,omitempty"`
	// transferIDDigest is the SHA-256 digest of the TransferId, in lower-case hexadecimal.
	//
	// +required
	// +kubebuilder:validation:MinLength=64
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:Pattern=`^[0-9a-f]{64}$`
	TransferIDDigest string `json:"transferIDDigest,omitempty"`
}

// RenewalAuthorization says which certificate signs for an order.
type RenewalAuthorization struct {
	// secretName is the kubernetes.io/tls Secret, in the namespace of the order, that held certificate and key.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	SecretName string `json:"secretName,omitempty"`
	// serialNumber of the certificate that is renewed, in lower-case hexadecimal. RFC 5280 has at most 20 bytes; up to
	// 64 are taken, as an authority that breaks that rule still renews.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:Pattern=`^[0-9a-f]+$`
	SerialNumber string `json:"serialNumber,omitempty"`
	// notAfter is when that certificate expires.
	//
	// +required
	NotAfter metav1.Time `json:"notAfter,omitzero"`
}

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

	// retrievalIDUnverified is true while the response that carried the RetrievalId has a signature that could not be
	// verified. The id is kept and tried; only a verified response can bear the certificate.
	//
	// +optional
	RetrievalIDUnverified bool `json:"retrievalIDUnverified,omitempty"`

	// refusedRetrievalID is a RetrievalId that could not be verified and was tried: the service refuses it, or answers
	// with a certificate for another key or customer. The request goes on without it, and it is not taken again.
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

	// acceptanceTime is when the service's acceptance was received.
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

// VeroOrder is the durable record of one request to the certificate service, of what paid for it and of what it
// bore. It outlives the CertificateRequest that it was made for: a new request with the same key adopts it.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:scope=Namespaced,shortName=vo,categories={cert-manager,varmenne}
// +kubebuilder:printcolumn:name="State",type=string,JSONPath=`.status.state`
// +kubebuilder:printcolumn:name="Operation",type=string,JSONPath=`.spec.operation`
// +kubebuilder:printcolumn:name="Retrieval-ID",type=string,JSONPath=`.status.retrievalID`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Next-Poll",type=string,JSONPath=`.status.nextPollTime`
// +kubebuilder:printcolumn:name="Certificate",type=string,JSONPath=`.metadata.annotations.cert-manager\.io/certificate-name`
// +kubebuilder:printcolumn:name="Issuer",type=string,JSONPath=`.spec.issuerRef.name`,priority=1
// +kubebuilder:printcolumn:name="Message",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].message`,priority=1
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type VeroOrder struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard metadata of an object.
	//
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is what was asked for.
	//
	// +required
	Spec VeroOrderSpec `json:"spec,omitzero"`
	// status is what has become of it.
	//
	// +optional
	// +kubebuilder:default={state: "Pending"}
	Status VeroOrderStatus `json:"status,omitzero"`
}

// VeroOrderList is a list of VeroOrders.
//
// +kubebuilder:object:root=true
type VeroOrderList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	// Items of the list.
	Items []VeroOrder `json:"items"`
}
