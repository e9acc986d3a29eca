package outline

import (
	"fmt"
	"unique"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/json"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/kube/conditions"
	"github.com/varmenne/varmenne-issuer/internal/kube/status"
	"github.com/varmenne/varmenne-issuer/internal/pki"
)

// CertificateRequest is what is kept of a cert-manager CertificateRequest. Its metadata are those that identify says.
type CertificateRequest struct {
	metav1.TypeMeta
	metav1.ObjectMeta

	// Certificate is the name of the Certificate that it was made for, as its annotation says; empty if it says nothing.
	Certificate string
	// IssuerRef is spec.issuerRef.
	IssuerRef cmmeta.IssuerReference
	// PublicKeyDigest is that of the key in spec.request, empty if it cannot be read.
	PublicKeyDigest string
	// Waits reports whether it is approved and has not ended, as status.Waits says; Ready whether it has its certificate;
	// Unapproved whether nobody has approved or denied it, and it has not ended.
	Waits, Ready, Unapproved bool

	// whole is the request on its way to a Fresh.
	whole *cmapi.CertificateRequest
}

// CertificateRequestList is a list of them.
type CertificateRequestList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata"`

	Items []CertificateRequest `json:"items"`
}

// ManualOrder is what is kept of a ManualOrder. Its metadata are those that identify says.
type ManualOrder struct {
	metav1.TypeMeta
	metav1.ObjectMeta

	// Certificate is the name of the Certificate that it was made for, as its annotation says; empty if it says nothing.
	Certificate string
	// IssuerRef and PublicKeyDigest are those of the spec.
	IssuerRef       v1alpha1.ManualIssuerReference
	PublicKeyDigest string
	// Brought reports whether its spec has, or names, what the authority has sent.
	Brought bool
	// RenewsUntil is when the certificate ends that it renews, nil if it renews none.
	RenewsUntil *metav1.Time
	// State, CompletionTime and StaleTime are those of the status.
	State                     v1alpha1.ManualOrderState
	CompletionTime, StaleTime *metav1.Time
	// PersonDue is the reason of its condition PersonDue, empty while that is not True.
	PersonDue string
}

// ManualOrderList is a list of them.
type ManualOrderList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata"`

	Items []ManualOrder `json:"items"`
}

// OfCertificateRequest is what is kept of a CertificateRequest.
func OfCertificateRequest(request *cmapi.CertificateRequest) CertificateRequest {
	reference := request.Spec.IssuerRef
	return CertificateRequest{
		ObjectMeta:  identify(&request.ObjectMeta),
		Certificate: request.Annotations[cmapi.CertificateNameKey],
		IssuerRef: cmmeta.IssuerReference{
			Group: shared(reference.Group), Kind: shared(reference.Kind), Name: shared(reference.Name),
		},
		PublicKeyDigest: publicKeyDigest(request),
		Waits:           status.Waits(request),
		Ready:           conditions.IsTrue(request, cmapi.CertificateRequestConditionReady),
		Unapproved:      status.Unapproved(request),
	}
}

// OfManualOrder is what is kept of a ManualOrder.
func OfManualOrder(order *v1alpha1.ManualOrder) ManualOrder {
	outline := ManualOrder{
		ObjectMeta:  identify(&order.ObjectMeta),
		Certificate: order.Annotations[cmapi.CertificateNameKey],
		IssuerRef: v1alpha1.ManualIssuerReference{
			Kind: shared(order.Spec.IssuerRef.Kind), Name: shared(order.Spec.IssuerRef.Name),
		},
		PublicKeyDigest: order.Spec.PublicKeyDigest,
		Brought:         order.Spec.Certificate != "" || order.Spec.CertificateFrom != nil,
		State:           shared(order.Status.State),
		CompletionTime:  order.Status.CompletionTime,
		StaleTime:       order.Status.StaleTime,
	}
	if renews := order.Spec.Renews; renews != nil {
		outline.RenewsUntil = renews.NotAfter.DeepCopy() // its own, or the serial number would be kept with it
	}
	due := meta.FindStatusCondition(order.Status.Conditions, v1alpha1.ConditionPersonDue)
	if due != nil && due.Status == metav1.ConditionTrue {
		outline.PersonDue = shared(due.Reason)
	}
	return outline
}

// identify is what is kept of an object's metadata. Of annotations it is the one by which a stream of objects says that
// those which were there at its beginning have all come. That one is on an object without a name, which no cache keeps.
func identify(object *metav1.ObjectMeta) metav1.ObjectMeta {
	kept := metav1.ObjectMeta{
		Namespace: shared(object.Namespace), Name: object.Name, UID: object.UID, ResourceVersion: object.ResourceVersion,
		CreationTimestamp: object.CreationTimestamp, DeletionTimestamp: object.DeletionTimestamp,
	}
	if end, ended := object.Annotations[metav1.InitialEventsAnnotationKey]; ended && object.Name == "" {
		kept.Annotations = map[string]string{metav1.InitialEventsAnnotationKey: end}
	}
	return kept
}

func publicKeyDigest(request *cmapi.CertificateRequest) string {
	csr, err := pki.ParseCertificateRequest(request.Spec.Request)
	if err != nil {
		return ""
	}
	digest, err := pki.PublicKeyDigest(csr.PublicKey)
	if err != nil {
		return ""
	}
	return digest
}

// shared is a text that many outlines have, kept once: a decoder makes each of them anew.
func shared[T ~string](text T) T { return unique.Make(text).Value() }

// UnmarshalJSON reads the outline from the whole object.
func (r *CertificateRequest) UnmarshalJSON(data []byte) error {
	var whole cmapi.CertificateRequest
	if err := json.Unmarshal(data, &whole); err != nil {
		return fmt.Errorf("read a CertificateRequest: %w", err)
	}
	*r = OfCertificateRequest(&whole)
	silent := conditions.ReadyMessage(&whole) == ""
	if whole.Spec.IssuerRef.Group == v1alpha1.GroupName && r.Waits && silent && len(data) <= largestFresh {
		whole.ManagedFields = nil
		r.whole = &whole
	}
	return nil
}

// UnmarshalJSON reads the outline from the whole object.
func (o *ManualOrder) UnmarshalJSON(data []byte) error {
	var whole v1alpha1.ManualOrder
	if err := json.Unmarshal(data, &whole); err != nil {
		return fmt.Errorf("read a ManualOrder: %w", err)
	}
	*o = OfManualOrder(&whole)
	return nil
}
