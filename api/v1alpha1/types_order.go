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
	// IssuerRef is the issuer in whose name the request is made.
	IssuerRef OrderIssuerReference `json:"issuerRef"`

	// Operation that starts the certificate.
	Operation VeroOperation `json:"operation"`

	// Environment of the service that the request belongs to.
	Environment VeroEnvironment `json:"environment"`

	// CustomerID that the certificate is for; the issued certificate must bear it as common name.
	//
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=30
	CustomerID string `json:"customerID"`

	// Request is the PEM encoded PKCS#10 certificate signing request.
	//
	// +kubebuilder:validation:MinLength=1
	Request []byte `json:"request"`

	// RequestUID is the CertificateRequest that the order was made for. Others with the same key may use it too.
	RequestUID types.UID `json:"requestUID"`

	// PublicKeyDigest is the SHA-256 digest, in lower-case hexadecimal, of the SubjectPublicKeyInfo of the request.
	// The service certifies nothing but the public key, so any CertificateRequest with this key can use the result.
	//
	// +kubebuilder:validation:Pattern=`^[0-9a-f]{64}$`
	PublicKeyDigest string `json:"publicKeyDigest"`

	// Transfer is the authorization of SignNewCertificate.
	//
	// +optional
	Transfer *TransferAuthorization `json:"transfer,omitempty"`

	// Renewal is the authorization of RenewCertificate.
	//
	// +optional
	Renewal *RenewalAuthorization `json:"renewal,omitempty"`

	// Attempt counts the orders with the same authorization, from 1. A further one is only made after the service
	// has refused the one before, in a verified response, so that nothing was bought with it.
	//
	// +kubebuilder:validation:Minimum=1
	Attempt int32 `json:"attempt"`
}

// OrderIssuerReference names an issuer, and which object of that name it was.
type OrderIssuerReference struct {
	// Kind is VeroIssuer or VeroClusterIssuer.
	//
	// +kubebuilder:validation:Enum=VeroIssuer;VeroClusterIssuer
	Kind string `json:"kind"`
	// Name of the issuer.
	//
	// +kubebuilder:validation:MinLength=1
	Name string `json:"name"`
	// UID of the issuer when the order was made. It is a record: an order follows its issuer by name (ADR 5), so that it
	// goes on with one that was restored or made anew, as long as that names the same customer and environment.
	UID types.UID `json:"uid"`
}

// TransferAuthorization says which transfer credentials pay for an order.
type TransferAuthorization struct {
	// SecretName is the Secret, in the namespace of the order, that held the credentials.
	//
	// +kubebuilder:validation:MinLength=1
	SecretName string `json:"secretName"`
	// TransferIDDigest is the SHA-256 digest of the TransferId, in lower-case hexadecimal.
	//
	// +kubebuilder:validation:Pattern=`^[0-9a-f]{64}$`
	TransferIDDigest string `json:"transferIDDigest"`
}

// RenewalAuthorization says which certificate signs for an order.
type RenewalAuthorization struct {
	// SecretName is the kubernetes.io/tls Secret, in the namespace of the order, that held certificate and key.
	//
	// +kubebuilder:validation:MinLength=1
	SecretName string `json:"secretName"`
	// SerialNumber of the certificate that is renewed, in lower-case hexadecimal.
	//
	// +kubebuilder:validation:Pattern=`^[0-9a-f]+$`
	SerialNumber string `json:"serialNumber"`
	// NotAfter is when that certificate expires.
	NotAfter metav1.Time `json:"notAfter"`
}

// VeroOrderStatus is what has become of an order. The controller writes it: the intent before a call, the outcome
// right after it.
type VeroOrderStatus struct {
	// State is how far the order has come.
	//
	// +optional
	// +kubebuilder:default=Pending
	State VeroOrderState `json:"state,omitempty"`

	// RetrievalID is the service's receipt: with it, and only with it, the certificate can be fetched.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=32
	RetrievalID string `json:"retrievalID,omitempty"`

	// RetrievalIDUnverified is true while the response that carried the RetrievalId has a signature that could not be
	// verified. The id is kept and tried; only a verified response can bear the certificate.
	//
	// +optional
	RetrievalIDUnverified bool `json:"retrievalIDUnverified,omitempty"`

	// RefusedRetrievalID is a RetrievalId that could not be verified and was tried: the service refuses it, or answers
	// with a certificate for another key or customer. The request goes on without it, and it is not taken again.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=32
	RefusedRetrievalID string `json:"refusedRetrievalID,omitempty"`

	// Submissions counts how often the request was sent, or may have been.
	//
	// +optional
	Submissions int32 `json:"submissions,omitempty"`

	// Uncertain is true once a submission ended without a response that can be relied on: the service may have
	// accepted the request, and the RetrievalId may be lost.
	//
	// +optional
	Uncertain bool `json:"uncertain,omitempty"`

	// SubmissionTime is when the request was last sent, written before it was sent.
	//
	// +optional
	SubmissionTime *metav1.MicroTime `json:"submissionTime,omitempty"`

	// PollStartTime is when a GetCertificate was begun that has no outcome yet, written before the call. It is written
	// only where an earlier controller may have ended in the middle of one.
	//
	// +optional
	PollStartTime *metav1.MicroTime `json:"pollStartTime,omitempty"`

	// Interruptions is, while a call is under way or was interrupted, how many controllers had ended in a row during
	// calls for orders of the namespace when it was begun. The more they were, the later it is made again.
	//
	// +optional
	Interruptions int32 `json:"interruptions,omitempty"`

	// PasswordFingerprint tells whether a transfer password has been replaced since it was last sent: four
	// hexadecimal digits of a salted digest, far too few to find a password from.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=4
	PasswordFingerprint string `json:"passwordFingerprint,omitempty"`

	// AcceptanceTime is when the service's acceptance was received.
	//
	// +optional
	AcceptanceTime *metav1.MicroTime `json:"acceptanceTime,omitempty"`

	// FirstRefusalTime is when the service first refused the request for a technical reason (PKI099), if it has answered
	// nothing else since.
	//
	// +optional
	FirstRefusalTime *metav1.MicroTime `json:"firstRefusalTime,omitempty"`

	// NextSubmitTime is when the request is sent again after a passing failure.
	//
	// +optional
	NextSubmitTime *metav1.MicroTime `json:"nextSubmitTime,omitempty"`

	// NextPollTime is when the certificate is asked for next. Never earlier than 10 s after AcceptanceTime.
	//
	// +optional
	NextPollTime *metav1.MicroTime `json:"nextPollTime,omitempty"`

	// Polls counts the GetCertificate calls.
	//
	// +optional
	Polls int32 `json:"polls,omitempty"`

	// IssuerProblem is what this order has to tell about its issuer. The issuer takes it over into its Ready condition
	// until the issuer's spec or its bundles change, or the order succeeds.
	//
	// +optional
	IssuerProblem *VeroIssuerProblem `json:"issuerProblem,omitempty"`

	// LastError is the last failure, kept also after it has passed.
	//
	// +optional
	LastError *VeroOrderError `json:"lastError,omitempty"`

	// Certificate is the issued chain in PEM: the leaf first, then intermediates, without the root.
	//
	// +optional
	Certificate []byte `json:"certificate,omitempty"`

	// CA is the root of that chain in PEM.
	//
	// +optional
	CA []byte `json:"ca,omitempty"`

	// CompletionTime is when the order became Issued or Failed.
	//
	// +optional
	CompletionTime *metav1.Time `json:"completionTime,omitempty"`

	// Conditions of the order; see the constants of this package for their types and reasons. Ready is Unknown until the
	// controller has looked at the order.
	//
	// +optional
	// +kubebuilder:default={{type: "Ready", status: "Unknown", reason: "OrderCreated", message: "the order is about to be sent", lastTransitionTime: "1970-01-01T00:00:00Z"}}
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// VeroIssuerProblem is a misconfiguration of an issuer that only a call to the service could show.
type VeroIssuerProblem struct {
	// Reason is WrongEnvironment, UntrustedResponse or UntrustedCertificate.
	Reason string `json:"reason"`
	// Message says what was seen and what to change.
	Message string `json:"message"`
	// IssuerUID is the object that was used: one of the same name may have been made since.
	IssuerUID types.UID `json:"issuerUID"`
	// IssuerGeneration is the generation of the issuer that was used.
	IssuerGeneration int64 `json:"issuerGeneration"`
	// TrustDigest is a digest of the bundles that were used.
	TrustDigest string `json:"trustDigest"`
	// Time of the call.
	Time metav1.Time `json:"time"`
}

// VeroOrderError is a failure as the service, or the way to it, reported it.
type VeroOrderError struct {
	// Code is the service's code (PKI005 … PKI099), or a word for what went wrong on the way.
	Code string `json:"code"`
	// Message says what happened.
	Message string `json:"message"`
	// Time of the failure.
	Time metav1.Time `json:"time"`
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
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// Spec is what was asked for.
	Spec VeroOrderSpec `json:"spec"`
	// Status is what has become of it.
	//
	// +optional
	// +kubebuilder:default={state: "Pending"}
	Status VeroOrderStatus `json:"status,omitempty"`
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
