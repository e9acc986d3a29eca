package order

import (
	"context"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/kube/find"
	"github.com/varmenne/varmenne-issuer/internal/kube/outline"
)

// Register adds the reconciler to a manager whose cache find.Index has prepared. It is triggered by new orders, by
// issuers whose spec or readiness has changed, and by CertificateRequests that go away; all else it plans itself, from
// times that are in the order. Orders that have ended and are kept for longer stay out of the queue: see sweep. A
// RetrievalId is news: a person may have brought it in an annotation, or a controller that was frozen in the middle of
// its call in the status. Calls says how many workers there are: a call keeps one for as long as it takes.
func Register(manager ctrl.Manager, options Options, controllerOptions controller.Options) error {
	reconciler := NewReconciler(options)
	controllerOptions.MaxConcurrentReconciles = options.Calls.Workers()
	return ctrl.NewControllerManagedBy(manager).
		Named("veroorder").
		For(&v1alpha1.VeroOrder{}, builder.WithPredicates(reconciler.awake(), reconciler.written.byOthers(),
			predicate.Or[client.Object](predicate.GenerationChangedPredicate{}, broughtBack()))).
		Watches(&v1alpha1.VeroIssuer{}, handler.EnqueueRequestsFromMapFunc(reconciler.ordersOfIssuer),
			builder.WithPredicates(find.IssuerChanged())).
		Watches(&v1alpha1.VeroClusterIssuer{}, handler.EnqueueRequestsFromMapFunc(reconciler.ordersOfIssuer),
			builder.WithPredicates(find.IssuerChanged())).
		Watches(&outline.CertificateRequest{}, handler.EnqueueRequestsFromMapFunc(reconciler.ordersOfRequest),
			builder.WithPredicates(deleted())).
		WatchesRawSource(source.Func(reconciler.grants)).
		WatchesRawSource(source.Func(reconciler.sweep)).
		WithOptions(controllerOptions).
		Complete(reconciler)
}

// broughtBack lets an order through that has got another RetrievalId, and goes on with it, one whose annotation for one
// was set, changed or removed, and one that had ended and goes on, as with an etcd that was restored from a backup.
func broughtBack() predicate.Predicate {
	return predicate.Funcs{
		CreateFunc: func(event.CreateEvent) bool { return false },
		UpdateFunc: func(update event.UpdateEvent) bool {
			earlier, wasOrder := update.ObjectOld.(*v1alpha1.VeroOrder)
			later, isOrder := update.ObjectNew.(*v1alpha1.VeroOrder)
			if !wasOrder || !isOrder {
				return false
			}
			return adoptionChanged(earlier, later) || hasEnded(earlier) && !hasEnded(later) ||
				later.Status.State == v1alpha1.VeroOrderSubmitted && earlier.Status.RetrievalID != later.Status.RetrievalID
		},
		DeleteFunc:  func(event.DeleteEvent) bool { return false },
		GenericFunc: func(event.GenericEvent) bool { return false },
	}
}

// hasEnded reports whether nothing is to be done about an order any more. One that was brought back keeps the time of
// its completion.
func hasEnded(order *v1alpha1.VeroOrder) bool {
	return order.Status.State == v1alpha1.VeroOrderIssued || order.Status.State == v1alpha1.VeroOrderFailed
}

// adoptionChanged reports whether two states of an order differ in the annotation that brings a RetrievalId.
func adoptionChanged(earlier, later *v1alpha1.VeroOrder) bool {
	one, had := earlier.Annotations[v1alpha1.AnnotationAdoptRetrievalID]
	other, has := later.Annotations[v1alpha1.AnnotationAdoptRetrievalID]
	return one != other || had != has
}

func deleted() predicate.Predicate {
	return predicate.Funcs{
		CreateFunc:  func(event.CreateEvent) bool { return false },
		UpdateFunc:  func(event.UpdateEvent) bool { return false },
		GenericFunc: func(event.GenericEvent) bool { return false },
	}
}

func (r *Reconciler) ordersOfIssuer(ctx context.Context, object client.Object) []reconcile.Request {
	issuer, ok := object.(v1alpha1.GenericVeroIssuer)
	if !ok {
		return nil
	}
	return unfinished(ctx)(find.OrdersOfIssuer(ctx, r.Client, issuer))
}

func (r *Reconciler) ordersOfRequest(ctx context.Context, object client.Object) []reconcile.Request {
	request, ok := object.(*outline.CertificateRequest)
	if !ok || !find.ConcernsUs(request) {
		return nil
	}
	return unfinished(ctx)(find.OrdersWithKey(ctx, r.Client, request.Namespace, request.PublicKeyDigest))
}

// unfinished makes reconcile requests of those orders that a lookup has found and that have not ended.
func unfinished(ctx context.Context) func([]v1alpha1.VeroOrder, error) []reconcile.Request {
	return func(found []v1alpha1.VeroOrder, err error) []reconcile.Request {
		if err != nil {
			ctrl.LoggerFrom(ctx).Error(err, "cannot find the VeroOrders that an event concerns")
			return nil
		}
		var requests []reconcile.Request
		for i := range found {
			if order := &found[i]; order.Status.CompletionTime == nil {
				requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(order)})
			}
		}
		return requests
	}
}
