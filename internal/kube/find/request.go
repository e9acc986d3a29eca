package find

import (
	"context"
	"slices"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/kube/outline"
)

// ConcernsUs reports whether a CertificateRequest names one of our kinds.
func ConcernsUs(request *outline.CertificateRequest) bool {
	return request.IssuerRef.Group == v1alpha1.GroupName && v1alpha1.IsIssuerKind(request.IssuerRef.Kind)
}

// RequestsWithKey lists the cached CertificateRequests of a namespace that bear a key.
func RequestsWithKey(
	ctx context.Context, outlines client.Reader, namespace, publicKeyDigest string,
) ([]outline.CertificateRequest, error) {
	return requests(ctx, outlines, key{byPublicKey, namespace, publicKeyDigest})
}

// RequestsOfIssuer lists the cached CertificateRequests that name an issuer.
func RequestsOfIssuer(
	ctx context.Context, outlines client.Reader, issuer v1alpha1.GenericIssuer,
) ([]outline.CertificateRequest, error) {
	return requests(ctx, outlines, issuerKey(issuer.IssuerKind(), issuer.GetNamespace(), issuer.GetName()))
}

func requests(ctx context.Context, outlines client.Reader, wanted key) ([]outline.CertificateRequest, error) {
	found := &outline.CertificateRequestList{}
	err := listBucket(ctx, outlines, wanted, found)
	return having(found.Items, wanted, requestKey), err
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

func requestKey(request *outline.CertificateRequest, by string) key {
	switch {
	case !ConcernsUs(request):
		return key{}
	case by == byIssuer:
		return issuerKey(request.IssuerRef.Kind, request.Namespace, request.IssuerRef.Name)
	default:
		return key{by, request.Namespace, request.PublicKeyDigest}
	}
}
