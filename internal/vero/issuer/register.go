package issuer

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
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
)

// Register adds a reconciler for each kind of issuer to a manager. They are triggered by changes of an issuer's spec or
// annotations, by handshakes that have ended, by orders that report a problem with their issuer, or report it no
// longer, and by orders that get on where the issuer is not ready. The number of workers is also that of the slots for
// handshakes.
func Register(manager ctrl.Manager, options Options, controllerOptions controller.Options) error {
	for kind, object := range map[string]client.Object{
		v1alpha1.KindVeroIssuer:        &v1alpha1.VeroIssuer{},
		v1alpha1.KindVeroClusterIssuer: &v1alpha1.VeroClusterIssuer{},
	} {
		reconciler := &Reconciler{
			Options: options, kind: kind, probing: newProbing(options.Probe, controllerOptions.MaxConcurrentReconciles),
		}
		err := ctrl.NewControllerManagedBy(manager).
			Named(kind).
			For(object, builder.WithPredicates(predicate.Or[client.Object](
				predicate.GenerationChangedPredicate{}, predicate.AnnotationChangedPredicate{}))).
			Watches(&v1alpha1.VeroOrder{}, handler.EnqueueRequestsFromMapFunc(reconciler.issuerOf),
				builder.WithPredicates(problemChanged())).
			WatchesRawSource(source.Func(reconciler.ends)).
			WithOptions(controllerOptions).
			Complete(reconciler)
		if err != nil {
			return fmt.Errorf("register the controller of %s: %w", kind, err)
		}
	}
	return nil
}

// ends lets the end of a handshake have its issuer checked again.
func (r *Reconciler) ends(_ context.Context, queue workqueue.TypedRateLimitingInterface[reconcile.Request]) error {
	r.probing.onEnd(func(name types.NamespacedName) { queue.Add(reconcile.Request{NamespacedName: name}) })
	return nil
}

// issuerOf is the issuer that an order names, if it is of this reconciler's kind.
func (r *Reconciler) issuerOf(ctx context.Context, object client.Object) []reconcile.Request {
	order, ok := object.(*v1alpha1.VeroOrder)
	if !ok || order.Spec.IssuerRef.Kind != r.kind {
		return nil
	}
	name := client.ObjectKey{Namespace: order.Namespace, Name: order.Spec.IssuerRef.Name}
	if r.kind == v1alpha1.KindVeroClusterIssuer {
		name.Namespace = ""
	}
	if order.Status.IssuerProblem == nil && r.isReady(ctx, name) {
		return nil
	}
	return []reconcile.Request{{NamespacedName: name}}
}

// isReady reports whether an issuer is, as far as the cache knows: then an order that gets on is no news.
func (r *Reconciler) isReady(ctx context.Context, name client.ObjectKey) bool {
	issuer, err := find.Issuer(ctx, r.Client, r.kind, name.Namespace, name.Name)
	return err == nil && issuer != nil &&
		meta.IsStatusConditionTrue(issuer.VeroStatus().Conditions, v1alpha1.ConditionReady)
}

func problemChanged() predicate.Predicate {
	return predicate.Funcs{
		CreateFunc: func(event.CreateEvent) bool { return false },
		UpdateFunc: func(update event.UpdateEvent) bool {
			before, wasOrder := update.ObjectOld.(*v1alpha1.VeroOrder)
			after, isOrder := update.ObjectNew.(*v1alpha1.VeroOrder)
			return wasOrder && isOrder && (before.Status.State != after.Status.State ||
				!equality.Semantic.DeepEqual(before.Status.IssuerProblem, after.Status.IssuerProblem))
		},
		DeleteFunc: func(deletion event.DeleteEvent) bool {
			order, ok := deletion.Object.(*v1alpha1.VeroOrder)
			return ok && order.Status.IssuerProblem != nil
		},
	}
}
