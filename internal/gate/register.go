package gate

import (
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
)

// Register adds the reconciler to a manager. It is triggered by CertificateRequests of our group, and by what the
// Backends watch.
func Register(manager ctrl.Manager, options Options, controllerOptions controller.Options) error {
	ours := predicate.NewPredicateFuncs(func(object client.Object) bool {
		request, ok := object.(*cmapi.CertificateRequest)
		return ok && request.Spec.IssuerRef.Group == v1alpha1.GroupName
	})
	built := ctrl.NewControllerManagedBy(manager).
		Named("request").
		For(&cmapi.CertificateRequest{}, builder.WithPredicates(ours))
	for _, backend := range options.Backends {
		for _, watch := range backend.Watches() {
			built = built.Watches(watch.Object, handler.EnqueueRequestsFromMapFunc(watch.Requests),
				builder.WithPredicates(watch.Predicates...))
		}
	}
	return built.WithOptions(controllerOptions).Complete(&Reconciler{Options: options})
}
