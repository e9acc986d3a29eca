package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// KindMessagesPassword is the kind whose objects rotate a password of the REST API of Suomi.fi Messages.
const KindMessagesPassword = "MessagesPassword"

// MessagesEnvironment is one of the two environments of Suomi.fi Messages. They share neither users nor passwords.
//
// +kubebuilder:validation:Enum=TEST;PRODUCTION
type MessagesEnvironment string

const (
	// MessagesEnvironmentTest is the service's test environment.
	MessagesEnvironmentTest MessagesEnvironment = "TEST"
	// MessagesEnvironmentProduction is the real thing.
	MessagesEnvironmentProduction MessagesEnvironment = "PRODUCTION"
)

// MessagesDeletionPolicy is what becomes of a rotation in flight whose MessagesPassword is deleted.
//
// +kubebuilder:validation:Enum=Settle;Orphan
type MessagesDeletionPolicy string

const (
	// MessagesDeletionSettle has the deletion wait until it is known which password the service takes, and that one is
	// in the Secret.
	MessagesDeletionSettle MessagesDeletionPolicy = "Settle"
	// MessagesDeletionOrphan lets the object go at once, and leaves both passwords where they are.
	MessagesDeletionOrphan MessagesDeletionPolicy = "Orphan"
)

// Weekday is a day of the week.
//
// +kubebuilder:validation:Enum=Monday;Tuesday;Wednesday;Thursday;Friday;Saturday;Sunday
type Weekday string

// MessagesPasswordSpec says which password is rotated, and when.
//
// +kubebuilder:validation:ExactlyOneOf=environment;url
// +kubebuilder:validation:XValidation:rule="!has(self.url) || self.url.startsWith('https://')",message="spec.url must start with https://: passwords are never sent in the clear"
// +kubebuilder:validation:XValidation:rule="!has(self.url) || (isURL(self.url) && url(self.url).getHostname().size() > 0)",message="spec.url is not a URL; name an environment instead to use its public endpoint"
// +kubebuilder:validation:XValidation:rule="has(self.url) || !has(self.tls)",message="spec.tls is for spec.url; the public endpoints are verified with the system's roots"
// +kubebuilder:validation:XValidation:rule="has(self.url) || !has(self.interval) || duration(self.interval) >= duration('1h')",message="spec.interval must be at least 1h: the service refuses one password change after the other for a while; best is 24h"
// +kubebuilder:validation:XValidation:rule="has(self.environment) == has(oldSelf.environment) && (!has(self.environment) || self.environment == oldSelf.environment) && has(self.url) == has(oldSelf.url) && (!has(self.url) || self.url == oldSelf.url)",message="spec.environment and spec.url cannot be changed: a rotation may be in flight there; make another MessagesPassword"
type MessagesPasswordSpec struct {
	// environment of the service: TEST or PRODUCTION, each at its public endpoint. Set it or url.
	//
	// +optional
	Environment MessagesEnvironment `json:"environment,omitempty"`

	// url is where the service's REST API is, without the path of an operation: for a rehearsal, or a way to the service
	// of one's own. Only https. Set it or environment.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2048
	URL string `json:"url,omitempty"`

	// tls verifies the TLS server certificate of url. Left out: the system's roots.
	//
	// +optional
	TLS *BundleSource `json:"tls,omitempty"`

	// secretRef names the Secret whose password is rotated: the one that applications mount.
	//
	// +required
	SecretRef MessagesSecretReference `json:"secretRef,omitzero"`

	// interval from one rotation to the next. With spec.window the next one is when that last opens in the second half of
	// the interval, so that a nightly one stays at its hour; if it does not open there, at the end of the interval or when
	// it opens after that. The owner of the service recommends 4380h, six months, demands 8760h, a year, and calls 24h
	// best. Default 24h.
	//
	// +optional
	// +kubebuilder:default="24h"
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1m')",message="spec.interval must be at least 1m"
	// +kubebuilder:validation:XValidation:rule="duration(self) <= duration('8760h')",message="spec.interval must be at most 8760h: the owner of the service demands a rotation at least once a year"
	Interval *metav1.Duration `json:"interval,omitempty"`

	// window is when rotations may begin. A demand (annotation varmenne.dev/rotate) does not wait for it, and what has
	// begun goes on. Left out: at any time.
	//
	// +optional
	Window *MessagesWindow `json:"window,omitempty"`

	// suspend keeps rotations from beginning, demands included. One in flight is settled, and the age of the password is
	// watched all the same.
	//
	// +optional
	Suspend bool `json:"suspend,omitempty"`

	// passwordLength of new passwords, in characters. The service asks for 32 at least. Default 48.
	//
	// +optional
	// +kubebuilder:default=48
	// +kubebuilder:validation:Minimum=32
	// +kubebuilder:validation:Maximum=256
	PasswordLength int32 `json:"passwordLength,omitempty"`

	// deletionPolicy is what happens when this object is deleted while it is not known which password the service takes.
	// Settle waits until it is, and the Secret has it. Orphan does not wait, and leaves the Secret with the new password
	// beside it (status.stagingSecretName). The Secret itself is never deleted. Default Settle.
	//
	// +optional
	// +kubebuilder:default=Settle
	DeletionPolicy MessagesDeletionPolicy `json:"deletionPolicy,omitempty"`

	// retrieval watches what fetches the messages that end users send: the owner of the service wants it to be ensured,
	// and does not tell when it fails.
	//
	// +optional
	Retrieval *MessagesRetrieval `json:"retrieval,omitempty"`
}

// MessagesSecretReference names a Secret in the object's own namespace.
type MessagesSecretReference struct {
	// name of the Secret. Its keys are username, which the owner of the service calls systemId, and password.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=240
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="spec.secretRef.name cannot be changed: a rotation may be in flight there; make another MessagesPassword"
	Name string `json:"name,omitempty"`
}

// MessagesWindow is a time of the week, in a time zone.
//
// +kubebuilder:validation:MinProperties=1
// +kubebuilder:validation:XValidation:rule="has(self.start) == has(self.end)",message="spec.window needs both start and end, or none for whole days"
// +kubebuilder:validation:XValidation:rule="!has(self.start) || !has(self.end) || self.start != self.end",message="spec.window.start and end must differ; leave both out for whole days"
type MessagesWindow struct {
	// days on which it begins. Left out: every day.
	//
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=7
	Days []Weekday `json:"days,omitempty"`

	// start of it, as 02:00.
	//
	// +optional
	// +kubebuilder:validation:MinLength=5
	// +kubebuilder:validation:MaxLength=5
	// +kubebuilder:validation:Pattern=`^([01][0-9]|2[0-3]):[0-5][0-9]$`
	Start string `json:"start,omitempty"`

	// end of it, as 05:00; one that is before start is on the next day.
	//
	// +optional
	// +kubebuilder:validation:MinLength=5
	// +kubebuilder:validation:MaxLength=5
	// +kubebuilder:validation:Pattern=`^([01][0-9]|2[0-3]):[0-5][0-9]$`
	End string `json:"end,omitempty"`

	// timeZone by its name in the IANA database. Default Europe/Helsinki.
	//
	// +optional
	// +kubebuilder:default="Europe/Helsinki"
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:Pattern=`^[A-Za-z][A-Za-z0-9_+/-]*$`
	// +kubebuilder:validation:XValidation:rule="self != 'Local'",message="spec.window.timeZone must be a name of the IANA database, as Europe/Helsinki: where the controller runs is not known"
	TimeZone string `json:"timeZone,omitempty"`
}

// MessagesRetrieval is what shows that messages of end users are fetched: exactly one of cronJobName and heartbeat.
//
// +kubebuilder:validation:ExactlyOneOf=cronJobName;heartbeat
type MessagesRetrieval struct {
	// cronJobName names a CronJob in the same namespace that fetches them. Its last success counts.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	CronJobName string `json:"cronJobName,omitempty"`

	// heartbeat is a Deployment whose application writes down when it has fetched them.
	//
	// +optional
	Heartbeat *MessagesHeartbeat `json:"heartbeat,omitempty"`

	// maxAge of the last retrieval: from then on the condition RetrievalLate is True.
	//
	// +required
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1m') && duration(self) <= duration('8760h')",message="spec.retrieval.maxAge must be from 1m to 8760h"
	MaxAge *metav1.Duration `json:"maxAge,omitempty"`
}

// MessagesHeartbeat is an annotation of a Deployment.
type MessagesHeartbeat struct {
	// deploymentName names the Deployment in the same namespace.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	DeploymentName string `json:"deploymentName,omitempty"`

	// annotation that holds the time of the last retrieval, as 2026-11-28T12:00:00Z. Default
	// varmenne.dev/messages-retrieved.
	//
	// +optional
	// +kubebuilder:default="varmenne.dev/messages-retrieved"
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=317
	Annotation string `json:"annotation,omitempty"`
}

// MessagesPassword rotates the password of one system of the REST API of Suomi.fi Messages.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:scope=Namespaced,shortName=mp,categories={cert-manager,varmenne}
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="State",type=string,JSONPath=`.status.state`
// +kubebuilder:printcolumn:name="Secret",type=string,JSONPath=`.spec.secretRef.name`
// +kubebuilder:printcolumn:name="Last-Rotation",type=date,JSONPath=`.status.lastRotationTime`
// +kubebuilder:printcolumn:name="Next-Rotation",type=string,JSONPath=`.status.nextRotationTime`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Needs-Person",type=string,JSONPath=`.status.conditions[?(@.type=="NeedsPerson")].status`
// +kubebuilder:printcolumn:name="Message",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].message`,priority=1
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type MessagesPassword struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard metadata of an object.
	//
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is what the user wants.
	//
	// +required
	Spec MessagesPasswordSpec `json:"spec,omitzero"`
	// status is what the controller found and did.
	//
	// +optional
	// +kubebuilder:default={}
	Status MessagesPasswordStatus `json:"status,omitzero"`
}

// MessagesPasswordList is a list of MessagesPasswords.
//
// +kubebuilder:object:root=true
type MessagesPasswordList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	// Items of the list.
	Items []MessagesPassword `json:"items"`
}
