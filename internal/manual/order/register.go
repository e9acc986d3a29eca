package order

import (
	"context"
	"fmt"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"k8s.io/apimachinery/pkg/api/equality"
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
	"github.com/varmenne/varmenne-issuer/internal/kube/status"
)

// Register adds the reconciler to a manager. An order is looked at when its spec or status changes, when a
// CertificateRequest with its key comes, goes or ends, when another order for that key changes, and when its issuer
// changes. Its own status counts: what was decided from a cache that did not have it yet is looked at once more.
func Register(manager ctrl.Manager, options Options, controllerOptions controller.Options) error {
	reconciler := &Reconciler{Options: options}
	changed, ofIssuer := builder.WithPredicates(orderChanged()), builder.WithPredicates(find.IssuerChanged())
	err := ctrl.NewControllerManagedBy(manager).
		Named("ManualOrder").
		For(&v1alpha1.ManualOrder{}, changed).
		Watches(&v1alpha1.ManualOrder{}, handler.EnqueueRequestsFromMapFunc(reconciler.othersOfOrder), changed).
		Watches(&cmapi.CertificateRequest{}, handler.EnqueueRequestsFromMapFunc(reconciler.ordersOfRequest),
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
	request, isRequest := object.(*cmapi.CertificateRequest)
	if !isRequest || v1alpha1.NewManualIssuer(request.Spec.IssuerRef.Kind) == nil {
		return nil
	}
	digest := find.PublicKeyDigest(request)
	if digest == "" {
		return nil
	}
	return find.ToReconcile[v1alpha1.ManualOrder](ctx)(
		find.ManualOrdersWithKey(ctx, r.Client, request.Namespace, digest))
}

func (r *Reconciler) ordersOfIssuer(ctx context.Context, object client.Object) []reconcile.Request {
	issuer, isIssuer := object.(v1alpha1.GenericManualIssuer)
	if !isIssuer {
		return nil
	}
	return find.ToReconcile[v1alpha1.ManualOrder](ctx)(find.ManualOrdersOfIssuer(ctx, r.Client, issuer))
}

// orderChanged lets through every change of spec and status.
func orderChanged() predicate.Predicate {
	return predicate.Funcs{UpdateFunc: func(update event.UpdateEvent) bool {
		before, wasOrder := update.ObjectOld.(*v1alpha1.ManualOrder)
		after, isOrder := update.ObjectNew.(*v1alpha1.ManualOrder)
		return wasOrder && isOrder && (before.Generation != after.Generation ||
			!equality.Semantic.DeepEqual(before.Status, after.Status))
	}}
}

// waitingChanged lets through what makes a request wait, or wait no longer; what the gate shows on it does not.
func waitingChanged() predicate.Predicate {
	return predicate.Funcs{UpdateFunc: func(update event.UpdateEvent) bool {
		before, wasRequest := update.ObjectOld.(*cmapi.CertificateRequest)
		after, isRequest := update.ObjectNew.(*cmapi.CertificateRequest)
		return wasRequest && isRequest && waits(before) != waits(after)
	}}
}

// waits reports whether a request is approved and has not ended.
func waits(request *cmapi.CertificateRequest) bool {
	return request.DeletionTimestamp.IsZero() && !status.IsFinal(request) &&
		status.IsTrue(request, cmapi.CertificateRequestConditionApproved) &&
		!status.IsTrue(request, cmapi.CertificateRequestConditionDenied)
}
