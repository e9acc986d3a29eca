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

	// intentID is set where the creation of the order is the intent to send its request: the controller that has made
	// the order knows it by that, and sends the request right after. To every other one the order is in doubt as long as
	// its status says nothing.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	IntentID string `json:"intentID,omitempty"`
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
