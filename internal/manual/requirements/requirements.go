// Package requirements says what a ManualOrder requires of a certificate that somebody brings back, and which request
// waits for it. The controller judges by it what was brought, and kubectl varmenne before it is. It calls nobody.
package requirements

import (
	"crypto/x509"
	"fmt"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/kube/status"
	"github.com/varmenne/varmenne-issuer/internal/manual/csr"
	"github.com/varmenne/varmenne-issuer/internal/manual/delivery"
	"github.com/varmenne/varmenne-issuer/internal/pki"
)

// Order is an order with what is known of it.
type Order struct {
	// Order itself.
	Order *v1alpha1.ManualOrder
	// Request waits for it; see WaitsFor. Certificate is the one behind the request, nil if there is none.
	Request     *cmapi.CertificateRequest
	Certificate *cmapi.Certificate
	// Issuer is the spec of the order's issuer; Trust and Intermediates are its bundles.
	Issuer        *v1alpha1.ManualIssuerSpec
	Trust         pki.Trust
	Intermediates []*x509.Certificate
	// Earlier are other orders whose certificate somebody may have taken for this one's.
	Earlier []delivery.EarlierOrder
}

// Of is what delivery.Match has to know of an order. It is an error if the request of the order cannot be read.
func Of(order Order) (delivery.Order, error) {
	request, err := pki.ParseCertificateRequest(order.Order.Spec.Request)
	if err != nil {
		return delivery.Order{}, fmt.Errorf("spec.request: %w", err)
	}
	usage, extended := usagesOf(order.Request)
	ordered := delivery.Order{
		Request: request, KeyUsage: usage, ExtKeyUsages: extended, Trust: order.Trust,
		Intermediates: order.Intermediates, Earlier: order.Earlier, Policy: policyOf(order.Issuer),
		LiteralSubject: order.Certificate != nil && order.Certificate.Spec.LiteralSubject != "",
	}
	if renews := order.Order.Spec.Renews; renews != nil {
		ordered.Replaces, ordered.ReplacesUntil = renews.SerialNumber, renews.NotAfter.Time
	}
	return ordered, nil
}

// Earlier are orders for the key with a digest, or outlines of them, as delivery.Match knows them.
func Earlier[O any, P interface {
	*O
	metav1.Object
}](orders []O, digest string) []delivery.EarlierOrder {
	earlier := make([]delivery.EarlierOrder, 0, len(orders))
	for i := range orders {
		order := P(&orders[i])
		earlier = append(earlier, delivery.EarlierOrder{
			PublicKeyDigest: digest, Name: order.GetName(), Date: order.GetCreationTimestamp().Time,
		})
	}
	return earlier
}

// WaitsFor reports whether a request waits for an order: it names the order's issuer, and is for its key and names.
func WaitsFor(request *cmapi.CertificateRequest, order *v1alpha1.ManualOrder) bool {
	reference := request.Spec.IssuerRef
	return status.Waits(request) && reference.Group == v1alpha1.GroupName && reference.Kind == order.Spec.IssuerRef.Kind &&
		reference.Name == order.Spec.IssuerRef.Name && csr.Same(request.Spec.Request, order.Spec.Request)
}

func policyOf(spec *v1alpha1.ManualIssuerSpec) delivery.Policy {
	var policy delivery.Policy
	for _, field := range spec.KeepSubject {
		policy.Keep = append(policy.Keep, "spec.subject."+string(field))
	}
	return policy
}
