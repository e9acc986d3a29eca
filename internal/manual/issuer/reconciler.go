// Package issuer says whether a ManualIssuer or ManualClusterIssuer can be used: whether its bundles can be read. It
// calls nobody outside the cluster.
package issuer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/kube/find"
	"github.com/varmenne/varmenne-issuer/internal/kube/status"
	"github.com/varmenne/varmenne-issuer/internal/metrics"
	"github.com/varmenne/varmenne-issuer/internal/secrets"
)

// Options of the reconciler.
type Options struct {
	// Client reads from the cache and writes.
	Client client.Client
	// Reader reads from the API server: issuers, whose status is written, ConfigMaps and Secrets.
	Reader client.Reader
	// Clock tells the time.
	Clock clock.PassiveClock
	// Events reports transitions.
	Events status.Events
	// Metrics holds the readiness.
	Metrics *metrics.Metrics
	// Namespace is the controller's own, where the bundles of cluster issuers are.
	Namespace string
}

// Reconciler checks the issuers of one kind.
type Reconciler struct {
	Options

	kind string
}

//+kubebuilder:rbac:groups=varmenne.dev,resources=manualissuers;manualclusterissuers,verbs=get;list;watch
//+kubebuilder:rbac:groups=varmenne.dev,resources=manualissuers/status;manualclusterissuers/status,verbs=patch
//+kubebuilder:rbac:groups="",resources=secrets;configmaps,verbs=get

// Register adds a reconciler for each kind to a manager.
func Register(manager ctrl.Manager, options Options, controllerOptions controller.Options) error {
	for kind, object := range map[string]client.Object{
		v1alpha1.KindManualIssuer:        &v1alpha1.ManualIssuer{},
		v1alpha1.KindManualClusterIssuer: &v1alpha1.ManualClusterIssuer{},
	} {
		err := ctrl.NewControllerManagedBy(manager).
			Named(kind).
			For(object, builder.WithPredicates(predicate.Or[client.Object](
				predicate.GenerationChangedPredicate{}, predicate.AnnotationChangedPredicate{}))).
			WithOptions(controllerOptions).
			Complete(&Reconciler{Options: options, kind: kind})
		if err != nil {
			return fmt.Errorf("register the controller of %s: %w", kind, err)
		}
	}
	return nil
}

// Reconcile checks one issuer. Its bundles are not watched, so it is checked again after some minutes.
func (r *Reconciler) Reconcile(ctx context.Context, request reconcile.Request) (ctrl.Result, error) {
	issuer, err := find.ManualIssuer(ctx, r.Reader, r.kind, request.Namespace, request.Name)
	if err != nil {
		return status.Settle(ctx, err)
	}
	if issuer == nil || !issuer.GetDeletionTimestamp().IsZero() {
		r.Metrics.IssuerGone(r.kind, request.Namespace, request.Name)
		return ctrl.Result{}, nil
	}
	r.Metrics.IssuerSeen(r.kind, request.Namespace, request.Name)
	reason, message, err := r.check(ctx, issuer)
	if err == nil {
		r.Metrics.IssuerReady(r.kind, request.Namespace, request.Name, reason, reason == v1alpha1.ReasonChecked)
		err = r.record(ctx, issuer, reason, message)
	}
	if err != nil {
		return status.Settle(ctx, fmt.Errorf("%s %s: %w", r.kind, request.NamespacedName, err))
	}
	r.Metrics.IssuerChecked(r.kind, request.Namespace, request.Name, r.Clock.Now())
	ready := meta.FindStatusCondition(issuer.IssuerConditions(), v1alpha1.ConditionReady)
	return ctrl.Result{RequeueAfter: status.UntilCheck(ready, r.Clock.Now())}, nil
}

// check reads what the issuer trusts.
func (r *Reconciler) check(
	ctx context.Context, issuer v1alpha1.GenericManualIssuer,
) (reason, message string, err error) {
	authority, err := secrets.ReadAuthority(
		ctx, r.Reader, issuer.ManualSpec(), secrets.BundleNamespace(issuer, r.Namespace))
	unusable, isUnusable := errors.AsType[*secrets.BundleError](err)
	switch {
	case isUnusable && unusable.Missing:
		return v1alpha1.ReasonBundleNotFound, unusable.Error() + expects(issuer.ManualSpec()), nil
	case isUnusable:
		return v1alpha1.ReasonBundleInvalid, unusable.Error() + expects(issuer.ManualSpec()), nil
	case err != nil:
		return "", "", err
	default:
		return v1alpha1.ReasonChecked, "the bundles are readable" + lacks(issuer.ManualSpec(), authority.Names), nil
	}
}

// expects says whose certificates belong into the bundles, where that is known.
func expects(spec *v1alpha1.ManualIssuerSpec) string {
	expected := spec.ExpectedAuthorities()
	if len(expected) == 0 {
		return ""
	}
	return "; the certificates of " + strings.Join(expected, ", ") + " are expected in spec.trust and spec.intermediates"
}

// lacks says which authority that is expected has no certificate in the bundles; names are those that have one. It
// keeps nobody from working: authorities get new names, and what is trusted is the user's to say.
func lacks(spec *v1alpha1.ManualIssuerSpec, names []string) string {
	missing := slices.DeleteFunc(slices.Clone(spec.ExpectedAuthorities()), func(name string) bool {
		return slices.Contains(names, name)
	})
	if len(missing) == 0 {
		return ""
	}
	return fmt.Sprintf("; spec.trust and spec.intermediates hold no certificate of %s, as is expected: compare with what "+
		"the authority publishes, or correct spec.authorities", strings.Join(missing, ", "))
}

// record writes what was found if it is new, and reports a change of it. What is as before writes nothing: most checks
// find the same, every ten minutes for years.
func (r *Reconciler) record(ctx context.Context, issuer v1alpha1.GenericManualIssuer, reason, message string) error {
	object, isObject := issuer.(client.Object)
	before, isCopy := issuer.DeepCopyObject().(client.Object)
	if !isObject || !isCopy {
		return fmt.Errorf("%T is no client.Object", issuer)
	}
	condition := metav1.Condition{
		Type: v1alpha1.ConditionReady, Status: metav1.ConditionFalse, Reason: reason, Message: message,
		ObservedGeneration: issuer.GetGeneration(), LastTransitionTime: metav1.Time{Time: r.Clock.Now()},
	}
	if reason == v1alpha1.ReasonChecked {
		condition.Status = metav1.ConditionTrue
	}
	written := issuer.ManualStatus()
	previous := meta.FindStatusCondition(written.Conditions, v1alpha1.ConditionReady)
	changed := previous == nil || previous.Reason != reason || previous.Message != message
	meta.SetStatusCondition(&written.Conditions, condition)
	written.ObservedGeneration = issuer.GetGeneration()
	if err := status.Patch(ctx, r.Client, object, before); err != nil {
		return err
	}
	if changed {
		r.Events.Report(object, reason != v1alpha1.ReasonChecked, reason, "Check", message)
		ctrl.LoggerFrom(ctx).Info("issuer checked", "reason", reason, "message", message)
	}
	return nil
}
