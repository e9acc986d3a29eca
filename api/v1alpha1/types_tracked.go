package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ChangedFact is a fact of a certificate that somebody has to be told of when it changes.
//
// +kubebuilder:validation:Enum=CommonName;AuthorityChain;Any
type ChangedFact string

// The facts that a change notice can be about.
const (
	// ChangedCommonName is the common name of the subject.
	ChangedCommonName ChangedFact = "CommonName"
	// ChangedAuthorityChain are names and keys of the authorities up to the root.
	ChangedAuthorityChain ChangedFact = "AuthorityChain"
	// ChangedAny is the certificate as it is.
	ChangedAny ChangedFact = "Any"
)

// TrackedCertificateSpec says which certificate is tracked, and whom its end and its changes concern.
type TrackedCertificateSpec struct {
	// source is where the certificate is.
	//
	// +required
	Source TrackedSource `json:"source,omitzero"`

	// remindBefore is how long before its end somebody is reminded. Default 1440h.
	//
	// +optional
	// +kubebuilder:default="1440h"
	// +kubebuilder:validation:XValidation:rule="duration(self) > duration('0s') && duration(self) <= duration('17520h')",message="spec.remindBefore must be longer than nothing and at most 17520h, two years"
	RemindBefore *metav1.Duration `json:"remindBefore,omitempty"`

	// instructions are what to do then, for a person.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=4096
	// +kubebuilder:validation:MinLength=1
	Instructions string `json:"instructions,omitempty"`

	// contact is whom to ask.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:MinLength=1
	Contact string `json:"contact,omitempty"`

	// changeNotice is about somebody who has to be told when the certificate changes.
	//
	// +optional
	ChangeNotice *ChangeNotice `json:"changeNotice,omitempty"`

	// acknowledgedDigest is status.notice.digest of the last notice that was sent. Left out: the certificate that was
	// tracked first is known to whom it concerns.
	//
	// +optional
	// +kubebuilder:validation:Pattern=`^[0-9a-f]{64}$`
	// +kubebuilder:validation:MinLength=64
	// +kubebuilder:validation:MaxLength=64
	AcknowledgedDigest string `json:"acknowledgedDigest,omitempty"`
}

// TrackedSource is where a tracked certificate is: exactly one of its fields is set. Only certificates are read of it.
//
// +kubebuilder:validation:ExactlyOneOf=certificate;configMapKeyRef;secretKeyRef;certificateName
// +kubebuilder:validation:XValidation:rule=`!has(self.certificate) || !(self.certificate.contains('PRIVATE KEY') || self.certificate.contains('PuTTY-User-Key-File-') || (self.certificate.contains('"kty"') && self.certificate.contains('"d"')) || (self.certificate.contains('RSAKeyValue>') && self.certificate.contains('<D>')))`,message="spec.source.certificate holds a private key: treat it as leaked; only the certificate belongs here"
type TrackedSource struct {
	// certificate is the certificate itself, and the chain if it is known, as text.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=131072
	Certificate string `json:"certificate,omitempty"`

	// configMapKeyRef names a ConfigMap and the key that holds the certificate.
	//
	// +optional
	ConfigMapKeyRef *KeyReference `json:"configMapKeyRef,omitempty"`

	// secretKeyRef names a Secret and the key that holds the certificate. Nothing else of it is looked at.
	//
	// +optional
	SecretKeyRef *KeyReference `json:"secretKeyRef,omitempty"`

	// certificateName names a Certificate of cert-manager in the same namespace.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	CertificateName string `json:"certificateName,omitempty"`
}

// ChangeNotice is a message that somebody has to get when facts of a certificate change.
type ChangeNotice struct {
	// to is the recipient's e-mail address.
	//
	// +required
	// +kubebuilder:validation:MinLength=3
	// +kubebuilder:validation:MaxLength=254
	// +kubebuilder:validation:Pattern=`^[^@\s]+@[^@\s]+$`
	To string `json:"to,omitempty"`

	// subject of the message.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	Subject string `json:"subject,omitempty"`

	// when are the facts whose change is told.
	//
	// +required
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=3
	When []ChangedFact `json:"when,omitempty"`
}

// TrackedCertificateStatus is what is known of the certificate. The controller writes it.
type TrackedCertificateStatus struct {
	// subject of the certificate.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	Subject string `json:"subject,omitempty"`

	// issuer of the certificate.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	Issuer string `json:"issuer,omitempty"`

	// serialNumber of the certificate, in lower-case hexadecimal.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	SerialNumber string `json:"serialNumber,omitempty"`

	// notBefore is when the certificate begins.
	//
	// +optional
	NotBefore *metav1.Time `json:"notBefore,omitempty"`

	// notAfter is when the certificate ends.
	//
	// +optional
	NotAfter *metav1.Time `json:"notAfter,omitempty"`

	// firstDigest is the digest of the certificate's facts when spec.changeNotice was there first.
	//
	// +optional
	// +kubebuilder:validation:MinLength=64
	// +kubebuilder:validation:MaxLength=64
	FirstDigest string `json:"firstDigest,omitempty"`

	// notice is what is to be sent, while NoticeDue is True.
	//
	// +optional
	Notice *Notice `json:"notice,omitempty"`

	// remindedDays is the least number of days before the end at which somebody was reminded.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	RemindedDays *int32 `json:"remindedDays,omitempty"`

	// observedGeneration is the generation of the spec that the conditions are about.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// conditions of the certificate; see the constants of this package for their types and reasons. Ready is Unknown until
	// the certificate has been read.
	//
	// +optional
	// +kubebuilder:default={{type: "Ready", status: "Unknown", reason: "NotChecked", message: "the controller has not read the certificate yet; if this stays, see whether it runs", lastTransitionTime: "1970-01-01T00:00:00Z"}}
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// Notice is a message that is ready to be sent.
type Notice struct {
	// to is the recipient's e-mail address.
	//
	// +required
	// +kubebuilder:validation:MinLength=3
	// +kubebuilder:validation:MaxLength=254
	To string `json:"to,omitempty"`
	// subject of the message.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	Subject string `json:"subject,omitempty"`
	// certificate is the new certificate, PEM encoded.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=131072
	Certificate []byte `json:"certificate,omitempty"`
	// digest of the certificate's facts, of each in its own part. Whoever has sent the notice writes it into
	// spec.acknowledgedDigest.
	//
	// +required
	// +kubebuilder:validation:MinLength=64
	// +kubebuilder:validation:MaxLength=64
	Digest string `json:"digest,omitempty"`
}

// TrackedCertificate watches over a certificate that nobody in the cluster renews: it reminds of its end, and of whom a
// change has to be told.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:scope=Namespaced,shortName=tc,categories={cert-manager,varmenne}
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Expiring",type=string,JSONPath=`.status.conditions[?(@.type=="ExpiringSoon")].status`
// +kubebuilder:printcolumn:name="Notice-Due",type=string,JSONPath=`.status.conditions[?(@.type=="NoticeDue")].status`
// +kubebuilder:printcolumn:name="Not-After",type=string,JSONPath=`.status.notAfter`
// +kubebuilder:printcolumn:name="Subject",type=string,JSONPath=`.status.subject`,priority=1
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type TrackedCertificate struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard metadata of an object.
	//
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is what the user wants.
	//
	// +required
	Spec TrackedCertificateSpec `json:"spec,omitzero"`
	// status is what the controller found.
	//
	// +optional
	// +kubebuilder:default={}
	Status TrackedCertificateStatus `json:"status,omitzero"`
}

// TrackedCertificateList is a list of TrackedCertificates.
//
// +kubebuilder:object:root=true
type TrackedCertificateList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	// Items of the list.
	Items []TrackedCertificate `json:"items"`
}
