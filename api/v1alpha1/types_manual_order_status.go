package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ManualOrderStatus is how far the order has come, and what was brought back. The controller writes it.
type ManualOrderStatus struct {
	// state is how far the order has come.
	//
	// +optional
	// +kubebuilder:default=AwaitingApplication
	State ManualOrderState `json:"state,omitempty"`

	// certificate is the PEM encoded certificate and its intermediates, leaf first, without the root.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1048576
	Certificate []byte `json:"certificate,omitempty"`

	// ca is the PEM encoded root.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1048576
	CA []byte `json:"ca,omitempty"`

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

	// changes are what the authority has issued in another way than it was requested.
	//
	// +optional
	// +listType=map
	// +listMapKey=field
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	Changes []SubjectChange `json:"changes,omitempty"`

	// completionTime is when the order was issued.
	//
	// +optional
	CompletionTime *metav1.Time `json:"completionTime,omitempty"`

	// staleTime is since when nobody waits for the order; left out while somebody does.
	//
	// +optional
	StaleTime *metav1.Time `json:"staleTime,omitempty"`

	// remindedDays is the least number of days before the end of the certificate in use at which somebody was reminded.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	RemindedDays *int32 `json:"remindedDays,omitempty"`

	// instructions are those of the issuer for this order, while a person has to do something for it.
	//
	// +optional
	// +listType=map
	// +listMapKey=language
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Instructions []OrderInstructions `json:"instructions,omitempty"`

	// observedGeneration is the generation of the spec that the conditions are about.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// conditions of the order; see the constants of this package for their types and reasons. Ready is Unknown until the
	// controller has looked at the order.
	//
	// +optional
	// +kubebuilder:default={{type: "Ready", status: "Unknown", reason: "OrderCreated", message: "the controller is about to say what a person has to do", lastTransitionTime: "1970-01-01T00:00:00Z"}}
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// OrderInstructions are the steps in one language, with everything filled in.
type OrderInstructions struct {
	// language of the steps, as in BCP 47: fi, sv, en.
	//
	// +required
	// +kubebuilder:validation:MinLength=2
	// +kubebuilder:validation:MaxLength=35
	Language string `json:"language,omitempty"`
	// steps in Markdown.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=32768
	Steps string `json:"steps,omitempty"`
	// url of the authority's form.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2048
	URL string `json:"url,omitempty"`
	// contact is whom to ask.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	Contact string `json:"contact,omitempty"`
}

// SubjectChange is a field of a certificate that differs from what was requested.
type SubjectChange struct {
	// field of a Certificate that differs.
	//
	// +required
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:MinLength=1
	Field string `json:"field,omitempty"`
	// old is what was requested; left out where nothing was.
	//
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=1024
	Old []string `json:"old,omitempty"`
	// new is what was issued; left out where nothing was.
	//
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=1024
	New []string `json:"new,omitempty"`
}
