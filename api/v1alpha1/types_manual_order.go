package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ManualOrderState is how far an order has come.
//
// +kubebuilder:validation:Enum=AwaitingApplication;Applied;AwaitingValidity;Issued;Stale
type ManualOrderState string

// The states of a ManualOrder.
const (
	// ManualOrderAwaitingApplication: somebody has to carry spec.request to the authority.
	ManualOrderAwaitingApplication ManualOrderState = "AwaitingApplication"
	// ManualOrderApplied: spec.application says that somebody has; what comes back is awaited.
	ManualOrderApplied ManualOrderState = "Applied"
	// ManualOrderAwaitingValidity: the certificate is in status.certificate, and is handed over when it begins.
	ManualOrderAwaitingValidity ManualOrderState = "AwaitingValidity"
	// ManualOrderIssued: the certificate is in status.certificate. Final.
	ManualOrderIssued ManualOrderState = "Issued"
	// ManualOrderStale: no CertificateRequest waits for this key and these names any more. Whoever has applied has to
	// stop it, because an application is binding. It goes on if such a request comes back.
	ManualOrderStale ManualOrderState = "Stale"
)

// ManualOrderSpec is what is to be carried to the authority, and what a person has brought back.
//
// +kubebuilder:validation:XValidation:rule="self.request == oldSelf.request && self.publicKeyDigest == oldSelf.publicKeyDigest && self.issuerRef == oldSelf.issuerRef",message="request, publicKeyDigest and issuerRef of a ManualOrder cannot be changed: a person may have carried them to the authority"
// +kubebuilder:validation:XValidation:rule="has(self.renews) == has(oldSelf.renews) && (!has(self.renews) || self.renews == oldSelf.renews)",message="renews of a ManualOrder cannot be changed"
// +kubebuilder:validation:XValidation:rule="!(has(self.certificate) && has(self.certificateFrom))",message="set certificate or certificateFrom, not both: in a merge patch, set the other one to null"
// +kubebuilder:validation:XValidation:rule=`!has(self.certificate) || !(self.certificate.contains('PRIVATE KEY') || self.certificate.contains('PuTTY-User-Key-File-') || (self.certificate.contains('"kty"') && self.certificate.contains('"d"')) || (self.certificate.contains('RSAKeyValue>') && self.certificate.contains('<D>')))`,message="spec.certificate holds a private key: treat it as leaked, and order a new certificate with a new key; only the certificate belongs here, and the key of this order has never left the cluster"
// +kubebuilder:validation:XValidation:rule="!has(oldSelf.application) || !has(self.application) || self.application.reference == oldSelf.application.reference",message="an application is noted already: look whether two were made, because each orders a certificate; to correct the note, remove spec.application first",messageExpression="'application ' + oldSelf.application.reference + ' is noted already, by ' + (has(oldSelf.application.by) ? oldSelf.application.by : 'somebody') + ': if two were made, stop one of them, because each orders a certificate; to correct the note, remove spec.application first'"
type ManualOrderSpec struct {
	// issuerRef is the issuer that the certificate is fetched for.
	//
	// +required
	IssuerRef ManualIssuerReference `json:"issuerRef,omitzero"`

	// request is the PEM encoded PKCS#10 certificate signing request, as it is carried to the authority.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=65536
	Request []byte `json:"request,omitempty"`

	// publicKeyDigest is the SHA-256 digest, in lower-case hexadecimal, of the SubjectPublicKeyInfo of the request.
	//
	// +required
	// +kubebuilder:validation:Pattern=`^[0-9a-f]{64}$`
	// +kubebuilder:validation:MinLength=64
	// +kubebuilder:validation:MaxLength=64
	PublicKeyDigest string `json:"publicKeyDigest,omitempty"`

	// renews is the certificate in use that the ordered one is to replace; left out for a first one.
	//
	// +optional
	Renews *ManualRenewal `json:"renews,omitempty"`

	// application is what the person notes who has carried the request to the authority. Another reference is refused
	// as long as there is one, so that whoever comes second learns of the first: each application orders a certificate.
	//
	// +optional
	Application *ManualApplication `json:"application,omitempty"`

	// certificate is what came back, as text: PEM, or PKCS#7 or DER in base64, whatever stands around it. What is no
	// text goes into a ConfigMap, and into certificateFrom.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=131072
	Certificate string `json:"certificate,omitempty"`

	// certificateFrom names the ConfigMap or Secret, in the namespace of the order, that holds what came back.
	//
	// +optional
	CertificateFrom *CertificateSource `json:"certificateFrom,omitempty"`
}

// ManualIssuerReference names an issuer of certificates that a person fetches.
type ManualIssuerReference struct {
	// kind is ManualIssuer or ManualClusterIssuer.
	//
	// +required
	// +kubebuilder:validation:Enum=ManualIssuer;ManualClusterIssuer
	Kind string `json:"kind,omitempty"`
	// name of the issuer.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name,omitempty"`
}

// ManualRenewal is a certificate in use.
type ManualRenewal struct {
	// serialNumber in lower-case hexadecimal.
	//
	// +required
	// +kubebuilder:validation:Pattern=`^[0-9a-f]+$`
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:MinLength=1
	SerialNumber string `json:"serialNumber,omitempty"`
	// notAfter is when the certificate expires.
	//
	// +required
	NotAfter metav1.Time `json:"notAfter,omitzero"`
}

// ManualApplication is what is known of an application to the authority. Messages and events repeat it.
//
// +kubebuilder:validation:XValidation:rule="!self.reference.contains('PRIVATE KEY') && (!has(self.by) || !self.by.contains('PRIVATE KEY'))",message="spec.application holds a private key: treat it as leaked; only what the authority calls the application belongs here"
// +kubebuilder:validation:XValidation:rule=`!self.reference.matches(r'[\pC\p{Zl}\p{Zp}]') && (!has(self.by) || !self.by.matches(r'[\pC\p{Zl}\p{Zp}]'))`,message="spec.application holds a line break or another character that cannot be seen: write it in one line of visible characters"
type ManualApplication struct {
	// reference that the authority has given, such as the number of the form.
	//
	// +kubebuilder:validation:XValidation:rule="self != '…'",message="put what names the application in the place of …: its number, or the day on which it was sent"
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	Reference string `json:"reference,omitempty"`
	// time of the application.
	//
	// +optional
	Time *metav1.Time `json:"time,omitempty"`
	// by is who has applied.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:MinLength=1
	By string `json:"by,omitempty"`
}

// CertificateSource is where a certificate comes from: exactly one of its fields is set.
//
// +kubebuilder:validation:ExactlyOneOf=configMapKeyRef;secretKeyRef
type CertificateSource struct {
	// configMapKeyRef names a ConfigMap and the key that holds the certificate.
	//
	// +optional
	ConfigMapKeyRef *KeyReference `json:"configMapKeyRef,omitempty"`

	// secretKeyRef names a Secret and the key that holds the certificate. Nothing else of it is looked at.
	//
	// +optional
	SecretKeyRef *KeyReference `json:"secretKeyRef,omitempty"`
}

// KeyReference is one key of a ConfigMap or Secret.
type KeyReference struct {
	// name of the ConfigMap or Secret.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name,omitempty"`

	// key in it.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Key string `json:"key,omitempty"`
}

// ManualOrder is one certificate that a person fetches: what is to be carried to the authority, and what came back. It
// outlives the CertificateRequest that it was made for.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:scope=Namespaced,shortName=mo,categories={cert-manager,varmenne}
// +kubebuilder:validation:XValidation:rule="!has(oldSelf.status) || !has(oldSelf.status.state) || oldSelf.status.state != 'Issued' || self.spec == oldSelf.spec",message="the ManualOrder is issued: its spec is a record now"
// +kubebuilder:printcolumn:name="State",type=string,JSONPath=`.status.state`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Reference",type=string,JSONPath=`.spec.application.reference`
// +kubebuilder:printcolumn:name="Replaces-Until",type=string,JSONPath=`.spec.renews.notAfter`
// +kubebuilder:printcolumn:name="Certificate",type=string,JSONPath=`.metadata.annotations.cert-manager\.io/certificate-name`
// +kubebuilder:printcolumn:name="Issuer",type=string,JSONPath=`.spec.issuerRef.name`,priority=1
// +kubebuilder:printcolumn:name="Message",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].message`,priority=1
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type ManualOrder struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard metadata of an object.
	//
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is what is to be carried to the authority, and what came back.
	//
	// +required
	Spec ManualOrderSpec `json:"spec,omitzero"`
	// status is what has become of it.
	//
	// +optional
	// +kubebuilder:default={state: "AwaitingApplication"}
	Status ManualOrderStatus `json:"status,omitzero"`
}

// ManualOrderList is a list of ManualOrders.
//
// +kubebuilder:object:root=true
type ManualOrderList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	// Items of the list.
	Items []ManualOrder `json:"items"`
}
