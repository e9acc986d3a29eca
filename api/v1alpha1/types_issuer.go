package v1alpha1

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Kinds that a Certificate may name in spec.issuerRef.kind.
const (
	// KindVeroIssuer serves CertificateRequests of its own namespace.
	KindVeroIssuer = "VeroIssuer"
	// KindVeroClusterIssuer serves CertificateRequests of every namespace.
	KindVeroClusterIssuer = "VeroClusterIssuer"
)

// VeroEnvironment is one of the two worlds of the certificate service. They share neither certificates nor
// credentials (chapter 3.1 of its interface description). Its values are written as in the service's messages.
//
// +kubebuilder:validation:Enum=TEST;PRODUCTION
type VeroEnvironment string

const (
	// VeroEnvironmentTest is the service's test environment. Its certificates are worth nothing in production.
	VeroEnvironmentTest VeroEnvironment = "TEST"
	// VeroEnvironmentProduction is the real thing.
	VeroEnvironmentProduction VeroEnvironment = "PRODUCTION"
)

// Public endpoints of the certificate service, used when spec.url is empty (docs/protocol.md, Transport).
const (
	EndpointTest       = "https://pkiws-testi.vero.fi/2017/10/CertificateServices"
	EndpointProduction = "https://pkiws.vero.fi/2017/10/CertificateServices"
)

// Defaults that the custom resource definition fills in; code uses them for objects that never met an API server.
const (
	// DefaultRenewalWindow is the service's own rule: a certificate is renewed during its last 60 days
	// (PKI080).
	DefaultRenewalWindow = 1440 * time.Hour
	// DefaultRetrievalTimeout is how long a certificate may take before the issuer starts to warn.
	DefaultRetrievalTimeout = 24 * time.Hour
	// DefaultBundleKey is the key that is read from a ConfigMap or Secret when none is named.
	DefaultBundleKey = "ca.crt"
)

// VeroIssuerSpec says for which customer certificates are asked, from which service, and whom to trust.
//
// +kubebuilder:validation:XValidation:rule="!has(self.url) || self.url.startsWith('https://')",message="spec.url must start with https://: transfer passwords are never sent in the clear"
// +kubebuilder:validation:XValidation:rule="!has(self.url) || (isURL(self.url) && url(self.url).getHostname().size() > 0)",message="spec.url is not a URL; leave it out to use the public endpoint of the environment"
type VeroIssuerSpec struct {
	// environment of the certificate service: TEST or PRODUCTION. It is sent with every message and must be the
	// environment of the service behind url; the service refuses anything else (PKI005).
	//
	// +required
	Environment VeroEnvironment `json:"environment,omitempty"`

	// url of the certificate service. Leave it out to use the public endpoint of the environment. Only https.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2048
	URL string `json:"url,omitempty"`

	// customerID is the official identifier with which the organization orders from the certificate service, 1 to 30
	// characters: a Finnish business id with its hyphen (0123456-7), a foreign company code or VAT number, the
	// Incomes Register's id of a data user, or in TEST the artificial business id. It becomes the common name of
	// every certificate, so a Certificate that uses this issuer has it as spec.commonName.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=30
	// +kubebuilder:validation:XValidation:rule="!self.matches('^[0-9]{8}$')",message="spec.customerID looks like a Finnish business id without its hyphen; write it as 0123456-7"
	// +kubebuilder:validation:XValidation:rule="!self.contains('--') && !self.contains('/*')",message="spec.customerID must not contain '--' or '/*'; the certificate service refuses such messages"
	// +kubebuilder:validation:XValidation:rule="self.matches('^[!-~]*$')",message="spec.customerID must be printable ASCII without blanks; what mail programs make of hyphens and blanks is not"
	CustomerID string `json:"customerID,omitempty"`

	// customerName is sent along to help the service's staff find faults, 1 to 100 characters. The subject of the
	// certificate comes from the service's own register, not from here.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=100
	// +kubebuilder:validation:XValidation:rule="!self.contains('--') && !self.contains('/*')",message="spec.customerName must not contain '--' or '/*'; the certificate service refuses such messages"
	// +kubebuilder:validation:XValidation:rule="self.matches(r'^[\\p{L}\\p{M}\\p{N}\\p{P}\\p{S}\\p{Zs}]*$') && !self.matches(r'[\\x{34F}\\x{115F}\\x{1160}\\x{17B4}\\x{17B5}\\x{180B}-\\x{180F}\\x{3164}\\x{FE00}-\\x{FE0F}\\x{FFA0}\\x{E0100}-\\x{E01EF}]') && self == self.trim()",message="spec.customerName must not contain control, format, private or invisible characters, or begin or end with white space"
	// +kubebuilder:validation:XValidation:rule="self.size() + self.findAll(r'[\\x{10000}-\\x{10FFFF}]').size() <= 100",message="spec.customerName must not have more than 100 characters; those beyond U+FFFF count twice"
	CustomerName string `json:"customerName,omitempty"`

	// transferSecretRef names the Secret with the transfer credentials (keys transferId and transferPassword) in
	// the namespace of the CertificateRequest. A Certificate names another one with the annotation
	// varmenne.dev/transfer-secret. Left out: every Certificate has to carry the annotation until it has its
	// first certificate.
	//
	// +optional
	TransferSecretRef *TransferSecretReference `json:"transferSecretRef,omitempty"`

	// trust says whose certificates are believed.
	//
	// +required
	Trust VeroTrust `json:"trust,omitzero"`

	// renewalWindow is how long before its end a certificate may be renewed. The service allows 60 days, which is
	// the default; a rehearsal against the simulator may use minutes.
	//
	// +optional
	// +kubebuilder:default="1440h"
	// +kubebuilder:validation:XValidation:rule="duration(self) > duration('0s')",message="spec.renewalWindow must be longer than nothing; the certificate service allows 1440h"
	// +kubebuilder:validation:XValidation:rule="duration(self) <= duration('17520h')",message="spec.renewalWindow must be at most 17520h, as long as a certificate lives; the certificate service allows 1440h"
	RenewalWindow *metav1.Duration `json:"renewalWindow,omitempty"`

	// retrievalTimeout is how long an accepted request may go without a certificate before the issuer warns and
	// asks only once an hour. It never gives up: what was accepted has been paid for. Default 24h.
	//
	// +optional
	// +kubebuilder:default="24h"
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('10s')",message="spec.retrievalTimeout must be at least 10s; the certificate service needs that long for the fastest response"
	// +kubebuilder:validation:XValidation:rule="duration(self) <= duration('1440h')",message="spec.retrievalTimeout must be at most 1440h: after that long a certificate that was to be renewed has expired, and nobody was warned"
	RetrievalTimeout *metav1.Duration `json:"retrievalTimeout,omitempty"`
}

// TransferSecretReference names a Secret in the namespace of the CertificateRequest. There is no namespace field
// on purpose: nobody reaches another namespace's credentials through an issuer.
type TransferSecretReference struct {
	// name of the Secret.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name,omitempty"`
}

// VeroTrust holds the trust anchors of an issuer. The authority that signs the service's responses and the one that
// issues customers' certificates are different chains (docs/protocol.md, XML signatures).
type VeroTrust struct {
	// tls verifies the service's TLS server certificate. Left out: the system's roots.
	//
	// +optional
	TLS *BundleSource `json:"tls,omitempty"`

	// responses holds the trust anchors, and intermediates if any, of the certificate that signs the service's
	// responses. A response by anybody else is not believed.
	//
	// +required
	Responses BundleSource `json:"responses,omitzero"`

	// issuance holds the trust anchors and intermediates of the certificates that the service issues. tls.crt and
	// ca.crt are made from them, and an issued certificate must chain to them.
	//
	// +required
	Issuance BundleSource `json:"issuance,omitzero"`
}

// BundleSource is where a bundle of PEM certificates comes from: exactly one of its fields is set. References of
// a VeroIssuer are read from its own namespace, those of a VeroClusterIssuer from the namespace of the controller.
//
// +kubebuilder:validation:ExactlyOneOf=caBundle;configMapKeyRef;secretKeyRef
type BundleSource struct {
	// caBundle is the bundle itself: PEM certificates, in base64 as usual for bytes. At most 256 KiB of PEM, so that
	// three bundles fit into an object as etcd takes it; a larger one goes into a ConfigMap.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=349528
	CABundle []byte `json:"caBundle,omitempty"`

	// configMapKeyRef names a ConfigMap and the key that holds the bundle.
	//
	// +optional
	ConfigMapKeyRef *BundleReference `json:"configMapKeyRef,omitempty"`

	// secretKeyRef names a Secret and the key that holds the bundle.
	//
	// +optional
	SecretKeyRef *BundleReference `json:"secretKeyRef,omitempty"`
}

// BundleReference is one key of a ConfigMap or Secret.
type BundleReference struct {
	// name of the ConfigMap or Secret.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name,omitempty"`

	// key that holds the bundle. Default ca.crt.
	//
	// +optional
	// +kubebuilder:default="ca.crt"
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Key string `json:"key,omitempty"`
}

// VeroIssuerStatus says whether an issuer can be used, and if not, what to change. The controller writes it.
type VeroIssuerStatus struct {
	// observedGeneration is the metadata.generation of the spec that was last checked: while the two differ, nothing here
	// is about the spec as it is.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// conditions of the issuer; see the constants of this package for their types and reasons. Ready is Unknown until the
	// issuer has been checked, so that nothing that waits for it takes an unchecked one for a good one.
	//
	// +optional
	// +kubebuilder:default={{type: "Ready", status: "Unknown", reason: "NotChecked", message: "the controller has not checked the issuer yet; if this stays, see whether it runs", lastTransitionTime: "1970-01-01T00:00:00Z"}}
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// VeroIssuer obtains certificates from the Finnish Tax Administration's certificate service for one organization,
// for the Certificates of its own namespace.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:scope=Namespaced,shortName=vi,categories={cert-manager,varmenne}
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Environment",type=string,JSONPath=`.spec.environment`
// +kubebuilder:printcolumn:name="Customer",type=string,JSONPath=`.spec.customerID`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Message",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].message`,priority=1
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type VeroIssuer struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard metadata of an object.
	//
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is what the user wants.
	//
	// +required
	Spec VeroIssuerSpec `json:"spec,omitzero"`
	// status is what the controller found.
	//
	// +optional
	// +kubebuilder:default={}
	Status VeroIssuerStatus `json:"status,omitzero"`
}

// VeroIssuerList is a list of VeroIssuers.
//
// +kubebuilder:object:root=true
type VeroIssuerList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	// Items of the list.
	Items []VeroIssuer `json:"items"`
}

// VeroClusterIssuer obtains certificates from the Finnish Tax Administration's certificate service for one
// organization, for the Certificates of every namespace. Transfer credentials still come from the namespace of
// the CertificateRequest.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:scope=Cluster,shortName=vci,categories={cert-manager,varmenne}
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Environment",type=string,JSONPath=`.spec.environment`
// +kubebuilder:printcolumn:name="Customer",type=string,JSONPath=`.spec.customerID`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Message",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].message`,priority=1
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type VeroClusterIssuer struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard metadata of an object.
	//
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is what the user wants.
	//
	// +required
	Spec VeroIssuerSpec `json:"spec,omitzero"`
	// status is what the controller found.
	//
	// +optional
	// +kubebuilder:default={}
	Status VeroIssuerStatus `json:"status,omitzero"`
}

// VeroClusterIssuerList is a list of VeroClusterIssuers.
//
// +kubebuilder:object:root=true
type VeroClusterIssuerList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	// Items of the list.
	Items []VeroClusterIssuer `json:"items"`
}
