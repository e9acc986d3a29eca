package find

import (
	"context"
	"fmt"
	"slices"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/kube/outline"
)

// Indexes of cached CertificateRequests.
const (
	indexIssuer    = "varmenne.dev/issuer"
	indexPublicKey = "varmenne.dev/public-key"
)

// ConcernsUs reports whether a CertificateRequest names one of our kinds.
func ConcernsUs(request *outline.CertificateRequest) bool {
	return request.IssuerRef.Group == v1alpha1.GroupName && v1alpha1.IsIssuerKind(request.IssuerRef.Kind)
}

// RequestsWithKey lists the cached CertificateRequests of a namespace that bear a key.
func RequestsWithKey(
	ctx context.Context, outlines client.Reader, namespace, publicKeyDigest string,
) ([]outline.CertificateRequest, error) {
	found, err := list(ctx, outlines, namespace, indexPublicKey, keyBucket(publicKeyDigest))
	return slices.DeleteFunc(found, func(request outline.CertificateRequest) bool {
		return request.PublicKeyDigest != publicKeyDigest
	}), err
}

// RequestsOfIssuer lists the cached CertificateRequests that name an issuer.
func RequestsOfIssuer(
	ctx context.Context, outlines client.Reader, issuer v1alpha1.GenericIssuer,
) ([]outline.CertificateRequest, error) {
	return list(ctx, outlines, issuer.GetNamespace(), indexIssuer, issuer.IssuerKind()+"/"+issuer.GetName())
}

func list(
	ctx context.Context, outlines client.Reader, namespace, index, value string,
) ([]outline.CertificateRequest, error) {
	found := &outline.CertificateRequestList{}
	err := outlines.List(ctx, found, client.InNamespace(namespace), client.MatchingFields{index: value},
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

// ToReconcileWithKey finds the cached CertificateRequests of a namespace that bear a key, as far as they have no
// certificate yet.
func ToReconcileWithKey(
	ctx context.Context, outlines client.Reader, namespace, publicKeyDigest string,
) []reconcile.Request {
	return unserved(ctx)(RequestsWithKey(ctx, outlines, namespace, publicKeyDigest))
}

// ToReconcileOfIssuer finds the cached CertificateRequests that an event of an issuer of any kind concerns, as far as
// they have no certificate yet.
func ToReconcileOfIssuer(outlines client.Reader) handler.MapFunc {
	return func(ctx context.Context, object client.Object) []reconcile.Request {
		issuer, isIssuer := object.(v1alpha1.GenericIssuer)
		if !isIssuer {
			return nil
		}
		return unserved(ctx)(RequestsOfIssuer(ctx, outlines, issuer))
	}
}

func unserved(ctx context.Context) func([]outline.CertificateRequest, error) []reconcile.Request {
	return func(found []outline.CertificateRequest, err error) []reconcile.Request {
		isReady := func(request outline.CertificateRequest) bool { return request.Ready }
		return ToReconcile[outline.CertificateRequest](ctx)(slices.DeleteFunc(found, isReady), err)
	}
}

func issuerIndex(object client.Object) []string {
	request, ok := object.(*outline.CertificateRequest)
	if !ok || !ConcernsUs(request) {
		return nil
	}
	return []string{request.IssuerRef.Kind + "/" + request.IssuerRef.Name}
}

func publicKeyIndex(object client.Object) []string {
	request, ok := object.(*outline.CertificateRequest)
	if !ok || !ConcernsUs(request) || request.PublicKeyDigest == "" {
		return nil
	}
	return []string{keyBucket(request.PublicKeyDigest)}
}

// keyBucket is what about one of 256 keys have in common. An index keeps two sets for each of its values, which take
// several times as much as the one object that would be in them.
func keyBucket(publicKeyDigest string) string {
	const digits = 2
	return publicKeyDigest[:min(len(publicKeyDigest), digits)]
}
