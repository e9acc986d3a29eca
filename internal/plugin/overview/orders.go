package overview

import (
	"slices"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/manual/csr"
	"github.com/varmenne/varmenne-issuer/internal/pki"
)

// request is the last one that was made for a Certificate, nil if there is none.
func (in *index) request(certificate *cmapi.Certificate) *cmapi.CertificateRequest {
	requests := in.requestsOf[certificate.UID]
	if len(requests) == 0 {
		return nil
	}
	return slices.MaxFunc(requests, func(one, other *cmapi.CertificateRequest) int {
		return one.CreationTimestamp.Compare(other.CreationTimestamp.Time)
	})
}

// veroOrder is the order that a request waits for, or had its certificate from; nil if there is none. An order serves
// every request with its key, and of several the last attempt counts.
func (in *index) veroOrder(request *cmapi.CertificateRequest) *v1alpha1.VeroOrder {
	orders := in.byRequest[request.UID]
	if len(orders) == 0 {
		orders = in.vero[keyIn{request.Namespace, digestOf(request)}]
	}
	if len(orders) == 0 {
		return nil
	}
	return slices.MaxFunc(orders, func(one, other *v1alpha1.VeroOrder) int {
		return one.CreationTimestamp.Compare(other.CreationTimestamp.Time)
	})
}

// manualOrder is veroOrder for an authority without an API. Such an order is for a key and names; one that somebody
// still waits for goes before a stale one.
func (in *index) manualOrder(request *cmapi.CertificateRequest) *v1alpha1.ManualOrder {
	var best *v1alpha1.ManualOrder
	for _, order := range in.manual[keyIn{request.Namespace, digestOf(request)}] {
		reference := request.Spec.IssuerRef
		if order.Spec.IssuerRef.Kind != reference.Kind || order.Spec.IssuerRef.Name != reference.Name ||
			!csr.Same(order.Spec.Request, request.Spec.Request) {
			continue
		}
		if best == nil || isStale(best) && !isStale(order) ||
			isStale(best) == isStale(order) && best.CreationTimestamp.Before(&order.CreationTimestamp) {
			best = order
		}
	}
	return best
}

func isStale(order *v1alpha1.ManualOrder) bool {
	return order.Status.State == v1alpha1.ManualOrderStale
}

// digestOf is the digest of the key in a request, empty if it cannot be read.
func digestOf(request *cmapi.CertificateRequest) string {
	parsed, err := pki.ParseCertificateRequest(request.Spec.Request)
	if err != nil {
		return ""
	}
	digest, err := pki.PublicKeyDigest(parsed.PublicKey)
	if err != nil {
		return ""
	}
	return digest
}
