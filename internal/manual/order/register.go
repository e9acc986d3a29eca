package order

import (
	"context"
	"fmt"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/kube/find"
	"github.com/varmenne/varmenne-issuer/internal/kube/outline"
)

// Register adds the reconciler to a manager. An order is looked at when it changes, when a
// CertificateRequest with its key comes, goes or ends, when another order for that key changes, and when its issuer
// changes. Its own status counts: what was decided from a cache that did not have it yet is looked at once more.
func Register(manager ctrl.Manager, options Options, controllerOptions controller.Options) error {
	reconciler := &Reconciler{Options: options}
	changed, ofIssuer := builder.WithPredicates(orderChanged()), builder.WithPredicates(find.IssuerChanged())
	err := ctrl.NewControllerManagedBy(manager).
		Named("ManualOrder").
		Watches(&outline.ManualOrder{}, &handler.EnqueueRequestForObject{}, changed).
		Watches(&outline.ManualOrder{}, handler.EnqueueRequestsFromMapFunc(reconciler.othersOfOrder), changed).
		Watches(&outline.CertificateRequest{}, handler.EnqueueRequestsFromMapFunc(reconciler.ordersOfRequest),
			builder.WithPredicates(waitingChanged())).
		Watches(&v1alpha1.ManualIssuer{}, handler.EnqueueRequestsFromMapFunc(reconciler.ordersOfIssuer), ofIssuer).
		Watches(&v1alpha1.ManualClusterIssuer{}, handler.EnqueueRequestsFromMapFunc(reconciler.ordersOfIssuer), ofIssuer).
		WithOptions(controllerOptions).
		Complete(reconciler)
	if err != nil {
		return fmt.Errorf("register the controller of ManualOrders: %w", err)
	}
	return nil
}

func (r *Reconciler) ordersOfRequest(ctx context.Context, object client.Object) []reconcile.Request {
	request, isRequest := object.(*outline.CertificateRequest)
	if !isRequest || v1alpha1.NewManualIssuer(request.IssuerRef.Kind) == nil || request.PublicKeyDigest == "" {
		return nil
	}
	return find.ToReconcile[outline.ManualOrder](ctx)(
		find.ManualOrdersWithKey(ctx, r.Outlines, request.Namespace, request.PublicKeyDigest))
}

func (r *Reconciler) ordersOfIssuer(ctx context.Context, object client.Object) []reconcile.Request {
	issuer, isIssuer := object.(v1alpha1.GenericManualIssuer)
	if !isIssuer {
		return nil
	}
	return find.ToReconcile[outline.ManualOrder](ctx)(find.ManualOrdersOfIssuer(ctx, r.Outlines, issuer))
}

// orderChanged lets through every change: outlines do not have what most of them change.
func orderChanged() predicate.Predicate { return predicate.ResourceVersionChangedPredicate{} }

// waitingChanged lets through what makes a request wait, or wait no longer; what the gate shows on it does not.
func waitingChanged() predicate.Predicate {
	return predicate.Funcs{UpdateFunc: func(update event.UpdateEvent) bool {
		before, wasRequest := update.ObjectOld.(*outline.CertificateRequest)
		after, isRequest := update.ObjectNew.(*outline.CertificateRequest)
		return wasRequest && isRequest && before.Waits != after.Waits
	}}
}
