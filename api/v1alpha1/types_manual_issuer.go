package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ManualPreset is what is known of an authority whose certificates a person fetches.
//
// +kubebuilder:validation:Enum=DVVInterfaceCertificate
type ManualPreset string

// ManualPresetDVVInterfaceCertificate is the interface certificate of DVV's stamping service (leimapalvelun
// rajapintavarmenne): RSA keys of 2048 or 4096 bits, the names of DVV's authorities, and the steps of its form. It
// holds no certificate: what is trusted is in spec.trust.
const ManualPresetDVVInterfaceCertificate ManualPreset = "DVVInterfaceCertificate"

// SubjectField is a part of a certificate's subject that an authority may change, as spec.subject of a Certificate
// calls it.
//
// +kubebuilder:validation:Enum=organizations;organizationalUnits;countries;localities;provinces;streetAddresses;postalCodes;serialNumber
type SubjectField string

// KeyAlgorithm is an algorithm of private keys, as cert-manager names it.
//
// +kubebuilder:validation:Enum=RSA;ECDSA;Ed25519
type KeyAlgorithm string

// The algorithms that cert-manager makes keys for.
const (
	KeyAlgorithmRSA     KeyAlgorithm = "RSA"
	KeyAlgorithmECDSA   KeyAlgorithm = "ECDSA"
	KeyAlgorithmEd25519 KeyAlgorithm = "Ed25519"
)

// ManualIssuerSpec describes an authority that has no API: a person carries the certificate signing request there, and
// brings back what it has issued.
//
// +kubebuilder:validation:XValidation:rule="!has(self.instructions) || self.instructions.all(i, has(i.steps) || (has(self.preset) && i.language in ['en', 'fi']))",message="steps of spec.instructions can be left out only in the languages of the preset, en and fi: write what the person has to do"
type ManualIssuerSpec struct {
	// preset fills in keys, authorities and instructions of a known authority, each only where it is left out; of
	// instructions each field of each language by itself. It trusts nobody: trust has to be set all the same.
	//
	// +optional
	Preset ManualPreset `json:"preset,omitempty"`

	// trust holds the trust anchors of the certificates that the authority issues. What is brought back must chain to
	// them.
	//
	// +required
	Trust BundleSource `json:"trust,omitzero"`

	// intermediates are certificates between the anchors and what is brought back, which is often the leaf alone.
	//
	// +optional
	Intermediates *BundleSource `json:"intermediates,omitempty"`

	// authorities are the common names that certificates of trust and intermediates are expected to have. Where one is
	// missing the condition Ready tells it, and the issuer works all the same: what is trusted is in trust alone.
	//
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=8
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=256
	Authorities []string `json:"authorities,omitempty"`

	// keys that the authority certifies. A request with another one is refused before anybody has carried it there.
	// Left out, and without a preset: every key.
	//
	// +optional
	// +listType=map
	// +listMapKey=algorithm
	// +kubebuilder:validation:MaxItems=3
	// +kubebuilder:validation:MinItems=1
	Keys []ManualKey `json:"keys,omitempty"`

	// keepSubject are the fields of the subject that the authority must issue as they were requested. Common name and
	// subject alternative names always must; other fields may differ, and the order shows how.
	//
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=8
	// +kubebuilder:validation:MinItems=1
	KeepSubject []SubjectField `json:"keepSubject,omitempty"`

	// leadTime is how long people and authority need for a certificate. From then on before the end of the one in use,
	// the order says that it is late. Default 720h.
	//
	// +optional
	// +kubebuilder:validation:XValidation:rule="duration(self) > duration('0s') && duration(self) <= duration('8760h')",message="spec.leadTime must be longer than nothing and at most 8760h, a year"
	LeadTime *metav1.Duration `json:"leadTime,omitempty"`

	// instructions are what the person reads who carries the request, in their languages. Every order that waits for a
	// person shows them in its status.instructions.
	//
	// +optional
	// +listType=map
	// +listMapKey=language
	// +kubebuilder:validation:MaxItems=8
	// +kubebuilder:validation:MinItems=1
	Instructions []ManualInstructions `json:"instructions,omitempty"`
}

// ManualKey is an algorithm, and the sizes of its keys that an authority certifies.
type ManualKey struct {
	// algorithm of the key.
	//
	// +required
	Algorithm KeyAlgorithm `json:"algorithm,omitempty"`

	// sizes of keys, in bits. Left out: all.
	//
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=8
	// +kubebuilder:validation:items:Minimum=224
	// +kubebuilder:validation:items:Maximum=8192
	// +kubebuilder:validation:MinItems=1
	Sizes []int32 `json:"sizes,omitempty"`
}

// ManualInstructions are the steps in one language.
//
// +kubebuilder:validation:XValidation:rule=`!has(self.steps) || !self.steps.replace("{{order}}", "").replace("{{namespace}}", "").replace("{{certificate}}", "").replace("{{issuer}}", "").replace("{{csrFile}}", "").replace("{{writeRequest}}", "").replace("{{noteApplication}}", "").replace("{{bringCertificate}}", "").replace("{{url}}", "").replace("{{contact}}", "").contains("{{")`,message="steps hold a placeholder that is unknown; the known ones are {{order}}, {{namespace}}, {{certificate}}, {{issuer}}, {{csrFile}}, {{writeRequest}}, {{noteApplication}}, {{bringCertificate}}, {{url}} and {{contact}}"
type ManualInstructions struct {
	// language of the steps, as in BCP 47: fi, sv, en.
	//
	// +required
	// +kubebuilder:validation:Pattern=`^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$`
	// +kubebuilder:validation:MaxLength=35
	// +kubebuilder:validation:MinLength=2
	Language string `json:"language,omitempty"`

	// steps in Markdown. Placeholders stand for what differs from order to order: {{order}}, {{namespace}},
	// {{certificate}} and {{issuer}} for names, {{csrFile}} for the file with the request, {{writeRequest}},
	// {{noteApplication}} and {{bringCertificate}} for the commands that write it, note the application and bring back
	// what came, {{url}} and {{contact}} for these fields. Left out: those of the preset.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=16384
	Steps string `json:"steps,omitempty"`

	// url of the authority's form.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=2048
	// +kubebuilder:validation:Pattern=`^https://`
	// +kubebuilder:validation:MinLength=1
	URL string `json:"url,omitempty"`

	// contact is whom to ask.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:MinLength=1
	Contact string `json:"contact,omitempty"`
}

// ManualIssuerStatus says whether an issuer can be used, and if not, what to change. The controller writes it.
type ManualIssuerStatus struct {
	// observedGeneration is the generation of the spec that the conditions are about.
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

// ManualIssuer has certificates fetched by a person from an authority that has no API, for the Certificates of its own
// namespace.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:scope=Namespaced,shortName=mi,categories={cert-manager,varmenne}
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Preset",type=string,JSONPath=`.spec.preset`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Message",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].message`,priority=1
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type ManualIssuer struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard metadata of an object.
	//
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is what the user wants.
	//
	// +required
	Spec ManualIssuerSpec `json:"spec,omitzero"`
	// status is what the controller found.
	//
	// +optional
	// +kubebuilder:default={}
	Status ManualIssuerStatus `json:"status,omitzero"`
}

// ManualIssuerList is a list of ManualIssuers.
//
// +kubebuilder:object:root=true
type ManualIssuerList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	// Items of the list.
	Items []ManualIssuer `json:"items"`
}

// ManualClusterIssuer has certificates fetched by a person from an authority that has no API, for the Certificates of
// every namespace.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:scope=Cluster,shortName=mci,categories={cert-manager,varmenne}
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Preset",type=string,JSONPath=`.spec.preset`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Message",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].message`,priority=1
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type ManualClusterIssuer struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard metadata of an object.
	//
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is what the user wants.
	//
	// +required
	Spec ManualIssuerSpec `json:"spec,omitzero"`
	// status is what the controller found.
	//
	// +optional
	// +kubebuilder:default={}
	Status ManualIssuerStatus `json:"status,omitzero"`
}

// ManualClusterIssuerList is a list of ManualClusterIssuers.
//
// +kubebuilder:object:root=true
type ManualClusterIssuerList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	// Items of the list.
	Items []ManualClusterIssuer `json:"items"`
}
