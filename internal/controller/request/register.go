package request

import (
	"context"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/lookup"
)

// Register adds the reconciler to a manager whose cache lookup.Index has prepared. It is triggered by
// CertificateRequests of our group, by every change of a VeroOrder (for the requests with its key), and by issuers
// whose spec or readiness has changed.
func Register(manager ctrl.Manager, options Options, controllerOptions controller.Options) error {
	reconciler := &Reconciler{Options: options}
	ours := predicate.NewPredicateFuncs(func(object client.Object) bool {
		request, ok := object.(*cmapi.CertificateRequest)
		return ok && (lookup.ConcernsUs(request) || lookup.NamesUnknownKind(request))
	})
	return ctrl.NewControllerManagedBy(manager).
		Named("request").
		For(&cmapi.CertificateRequest{}, builder.WithPredicates(ours)).
		Watches(&v1alpha1.VeroOrder{}, handler.EnqueueRequestsFromMapFunc(reconciler.requestsOfOrder)).
		Watches(&v1alpha1.VeroIssuer{}, handler.EnqueueRequestsFromMapFunc(reconciler.requestsOfIssuer),
			builder.WithPredicates(lookup.IssuerChanged())).
		Watches(&v1alpha1.VeroClusterIssuer{}, handler.EnqueueRequestsFromMapFunc(reconciler.requestsOfIssuer),
			builder.WithPredicates(lookup.IssuerChanged())).
		WithOptions(controllerOptions).
		Complete(reconciler)
}

func (r *Reconciler) requestsOfOrder(ctx context.Context, object client.Object) []reconcile.Request {
	order, ok := object.(*v1alpha1.VeroOrder)
	if !ok {
		return nil
	}
	return names(ctx)(lookup.RequestsWithKey(ctx, r.Client, order.Namespace, order.Spec.PublicKeyDigest))
}

func (r *Reconciler) requestsOfIssuer(ctx context.Context, object client.Object) []reconcile.Request {
	issuer, ok := object.(v1alpha1.Issuer)
	if !ok {
		return nil
	}
	return names(ctx)(lookup.RequestsOfIssuer(ctx, r.Client, issuer))
}

// names makes reconcile requests of what a lookup has found.
func names(ctx context.Context) func([]cmapi.CertificateRequest, error) []reconcile.Request {
	return func(found []cmapi.CertificateRequest, err error) []reconcile.Request {
		if err != nil {
			ctrl.LoggerFrom(ctx).Error(err, "cannot find the CertificateRequests that an event concerns")
			return nil
		}
		requests := make([]reconcile.Request, 0, len(found))
		for i := range found {
			requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&found[i])})
		}
		return requests
	}
}
