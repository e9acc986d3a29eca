package find

import (
	"context"
	"fmt"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/pki"
)

// Indexes of cached CertificateRequests.
const (
	indexIssuer    = "varmenne.dev/issuer"
	indexPublicKey = "varmenne.dev/public-key"
)

// ConcernsUs reports whether a CertificateRequest names one of our kinds.
func ConcernsUs(request *cmapi.CertificateRequest) bool {
	reference := request.Spec.IssuerRef
	return reference.Group == v1alpha1.GroupName && v1alpha1.IsIssuerKind(reference.Kind)
}

// NamesUnknownKind reports whether a CertificateRequest names our group with a kind that is not of it.
func NamesUnknownKind(request *cmapi.CertificateRequest) bool {
	return request.Spec.IssuerRef.Group == v1alpha1.GroupName && !ConcernsUs(request)
}

// PublicKeyDigest is the digest of the key in a CertificateRequest, empty if it cannot be read.
func PublicKeyDigest(request *cmapi.CertificateRequest) string {
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

// RequestsWithKey lists the cached CertificateRequests of a namespace that bear a key. They belong to the cache, and
// are to be looked at only.
func RequestsWithKey(
	ctx context.Context, reader client.Reader, namespace, publicKeyDigest string,
) ([]cmapi.CertificateRequest, error) {
	return list(ctx, reader, namespace, indexPublicKey, publicKeyDigest)
}

// RequestsOfIssuer lists the cached CertificateRequests that name an issuer. They belong to the cache, and are to be
// looked at only.
func RequestsOfIssuer(
	ctx context.Context, reader client.Reader, issuer v1alpha1.GenericIssuer,
) ([]cmapi.CertificateRequest, error) {
	return list(ctx, reader, issuer.GetNamespace(), indexIssuer, issuer.IssuerKind()+"/"+issuer.GetName())
}

func list(
	ctx context.Context, reader client.Reader, namespace, index, value string,
) ([]cmapi.CertificateRequest, error) {
	found := &cmapi.CertificateRequestList{}
	err := reader.List(ctx, found, client.InNamespace(namespace), client.MatchingFields{index: value},
		client.UnsafeDisableDeepCopy)
	if err != nil {
		return nil, fmt.Errorf("list CertificateRequests by %s: %w", index, err)
	}
	return found.Items, nil
}

// ToReconcile makes reconcile requests of what a lookup has found.
func ToReconcile[T any, P interface {
	*T
	client.Object
}](ctx context.Context) func([]T, error) []reconcile.Request {
	return func(found []T, err error) []reconcile.Request {
		if err != nil {
			ctrl.LoggerFrom(ctx).Error(err, "cannot find the objects that an event concerns")
			return nil
		}
		requests := make([]reconcile.Request, 0, len(found))
		for i := range found {
			requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(P(&found[i]))})
		}
		return requests
	}
}

// ToReconcileOfIssuer finds the cached CertificateRequests that an event of an issuer of any kind concerns.
func ToReconcileOfIssuer(reader client.Reader) handler.MapFunc {
	return func(ctx context.Context, object client.Object) []reconcile.Request {
		issuer, isIssuer := object.(v1alpha1.GenericIssuer)
		if !isIssuer {
			return nil
		}
		return ToReconcile[cmapi.CertificateRequest](ctx)(RequestsOfIssuer(ctx, reader, issuer))
	}
}

func issuerIndex(object client.Object) []string {
	request, ok := object.(*cmapi.CertificateRequest)
	if !ok || !ConcernsUs(request) {
		return nil
	}
	return []string{request.Spec.IssuerRef.Kind + "/" + request.Spec.IssuerRef.Name}
}

func publicKeyIndex(object client.Object) []string {
	request, ok := object.(*cmapi.CertificateRequest)
	if !ok || !ConcernsUs(request) {
		return nil
	}
	if digest := PublicKeyDigest(request); digest != "" {
		return []string{digest}
	}
	return nil
}
