package gate

import (
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/kube/outline"
)

// Register adds the reconciler to a manager. It is triggered by CertificateRequests of our group, and by what the
// Backends watch.
func Register(manager ctrl.Manager, options Options, controllerOptions controller.Options) error {
	reconciler := NewReconciler(options)
	ours := predicate.NewPredicateFuncs(func(object client.Object) bool {
		request, ok := object.(*outline.CertificateRequest)
		return ok && request.IssuerRef.Group == v1alpha1.GroupName
	})
	// What the reconciler has written itself, or has read since, is no news.
	news := predicate.Funcs{UpdateFunc: func(update event.UpdateEvent) bool {
		before, wasRequest := update.ObjectOld.(*outline.CertificateRequest)
		after, isRequest := update.ObjectNew.(*outline.CertificateRequest)
		return wasRequest && isRequest && reconciler.kept.news(before, after)
	}}
	built := ctrl.NewControllerManagedBy(manager).
		Named("request").
		Watches(&outline.CertificateRequest{}, &handler.EnqueueRequestForObject{}, builder.WithPredicates(ours, news))
	for _, backend := range options.Backends {
		for _, watch := range backend.Watches() {
			built = built.Watches(watch.Object, handler.EnqueueRequestsFromMapFunc(watch.Requests),
				builder.WithPredicates(watch.Predicates...))
		}
	}
	return built.WatchesRawSource(source.Func(reconciler.grants)).WithOptions(controllerOptions).Complete(reconciler)
}
