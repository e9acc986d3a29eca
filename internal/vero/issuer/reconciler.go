package issuer

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/kube/find"
	"github.com/varmenne/varmenne-issuer/internal/kube/status"
	"github.com/varmenne/varmenne-issuer/internal/metrics"
	"github.com/varmenne/varmenne-issuer/internal/secrets"
	"github.com/varmenne/varmenne-issuer/internal/vero/protocol"
)

// Probe completes a TLS handshake with an issuer's endpoint. Its errors are *protocol.ForbiddenEndpointError,
// *protocol.UnreachableError and *protocol.UntrustedServerError.
type Probe func(ctx context.Context, issuer v1alpha1.GenericVeroIssuer, bundles *secrets.Bundles) error

// Options of the reconciler.
type Options struct {
	// Client reads from the cache and writes.
	Client client.Client
	// Reader reads from the API server: ConfigMaps and Secrets.
	Reader client.Reader
	// Probe tries the endpoint.
	Probe Probe
	// Clock tells the time.
	Clock clock.PassiveClock
	// Events reports transitions.
	Events status.Events
	// Metrics holds the readiness.
	Metrics *metrics.Metrics
	// Bundles reads those of the issuers, which orders and requests use then.
	Bundles *secrets.KeptBundles
}

// Reconciler checks the issuers of one kind.
type Reconciler struct {
	Options

	kind    string
	probing *probing
}

//+kubebuilder:rbac:groups=varmenne.dev,resources=veroissuers;veroclusterissuers,verbs=get;list;watch
//+kubebuilder:rbac:groups=varmenne.dev,resources=veroissuers/status;veroclusterissuers/status,verbs=patch

// checkResult is what a check has found.
type checkResult struct {
	reason, message string
	// warns is set where there is something to look at although the issuer is ready.
	warns bool
}

func (v checkResult) ready() bool { return v.reason == v1alpha1.ReasonChecked }

// pending reports that there is none yet: the handshake is still to be made.
func (v checkResult) pending() bool { return v.reason == "" }

// without adds to a verdict which certificates are not used, since one of them may be the one that is missed. Of many,
// the first few are enough to see what happened.
func (v checkResult) without(skipped []string) checkResult {
	if v.pending() || len(skipped) == 0 {
		return v
	}
	named := strings.Join(skipped[:min(len(skipped), maximumNamed)], "; ")
	if more := len(skipped) - maximumNamed; more > 0 {
		named += fmt.Sprintf("; and %d more", more)
	}
	v.message += "; not used: " + named
	v.warns = true
	return v
}

// Reconcile checks one issuer. While a handshake is made it says nothing new, and is called again at the end of it.
func (r *Reconciler) Reconcile(ctx context.Context, request reconcile.Request) (ctrl.Result, error) {
	issuer, err := find.Issuer(ctx, r.Reader, r.kind, request.Namespace, request.Name)
	if err != nil {
		return status.Settle(ctx, err)
	}
	if issuer == nil || !issuer.GetDeletionTimestamp().IsZero() {
		r.probing.settle(request.NamespacedName)
		r.Metrics.IssuerGone(r.kind, request.Namespace, request.Name)
		return ctrl.Result{}, nil
	}
	r.Metrics.IssuerSeen(r.kind, request.Namespace, request.Name)
	found, err := r.check(ctx, issuer)
	if err == nil && found.pending() {
		return ctrl.Result{}, nil
	}
	r.probing.settle(request.NamespacedName)
	if err == nil {
		r.Metrics.IssuerReady(r.kind, request.Namespace, request.Name, found.reason, found.ready())
		err = r.record(ctx, issuer, found)
	}
	if err != nil {
		return status.Settle(ctx, fmt.Errorf("%s %s: %w", r.kind, request.NamespacedName, err))
	}
	r.Metrics.IssuerChecked(r.kind, request.Namespace, request.Name, r.Clock.Now())
	ready := meta.FindStatusCondition(issuer.VeroStatus().Conditions, v1alpha1.ConditionReady)
	return ctrl.Result{RequeueAfter: status.UntilCheck(ready, r.Clock.Now())}, nil
}

// check looks at the nearest cause first: nothing is connected to with a spec that is wrong.
func (r *Reconciler) check(ctx context.Context, issuer v1alpha1.GenericVeroIssuer) (checkResult, error) {
	spec := issuer.VeroSpec()
	err := errors.Join(protocol.CheckCustomerID(spec.CustomerID), protocol.CheckCustomerName(spec.CustomerName))
	if err != nil {
		return checkResult{reason: v1alpha1.ReasonInvalidSpec, message: strings.ReplaceAll(err.Error(), "\n", "; ")}, nil
	}
	bundles, err := r.Bundles.Read(ctx, issuer)
	var unusable *secrets.BundleError
	switch {
	case errors.As(err, &unusable) && unusable.Missing:
		return checkResult{reason: v1alpha1.ReasonBundleNotFound, message: err.Error()}, nil
	case errors.As(err, &unusable):
		return checkResult{reason: v1alpha1.ReasonBundleInvalid, message: err.Error()}, nil
	case err != nil:
		return checkResult{}, err
	}
	if err := r.reportOverlap(ctx, issuer, bundles); err != nil {
		return checkResult{}, err
	}
	found, passed := r.probe(ctx, issuer, bundles)
	if passed {
		found, err = r.reported(ctx, issuer, bundles)
	}
	return found.without(bundles.Skipped), err
}

// probe tries the endpoint. Until the handshake is over there is no verdict.
func (r *Reconciler) probe(
	ctx context.Context, issuer v1alpha1.GenericVeroIssuer, bundles *secrets.Bundles,
) (found checkResult, passed bool) {
	known, err := r.probing.outcome(ctx, issuer, bundles)
	var (
		forbidden *protocol.ForbiddenEndpointError
		untrusted *protocol.UntrustedServerError
	)
	switch {
	case !known:
		return checkResult{}, false
	case err == nil:
		return checkResult{}, true
	case errors.As(err, &forbidden):
		return checkResult{reason: v1alpha1.ReasonEndpointNotAllowed, message: fmt.Sprintf(
			"%v: correct spec.url, or ask whoever runs the controller to add it", err)}, false
	case errors.As(err, &untrusted):
		return checkResult{reason: v1alpha1.ReasonEndpointUntrusted, message: fmt.Sprintf(
			"%v: %s", err, remedy(untrusted, len(bundles.TLS) > 0))}, false
	default:
		return checkResult{reason: v1alpha1.ReasonEndpointUnreachable, message: fmt.Sprintf(
			"%v: check spec.url, the network policy and the proxy; it is tried again after 1 to 10 minutes", err)}, false
	}
}

// record writes the verdict and reports a change of it. One that is as before writes nothing: most checks find the
// same, every ten minutes for years, and a write would wake whoever watches issuers.
func (r *Reconciler) record(ctx context.Context, issuer v1alpha1.GenericVeroIssuer, found checkResult) error {
	object, before, err := objects(issuer)
	if err != nil {
		return err
	}
	condition := metav1.Condition{
		Type: v1alpha1.ConditionReady, Status: metav1.ConditionFalse, Reason: found.reason, Message: found.message,
		ObservedGeneration: issuer.GetGeneration(), LastTransitionTime: metav1.Time{Time: r.Clock.Now()},
	}
	if found.ready() {
		condition.Status = metav1.ConditionTrue
	}
	previous := meta.FindStatusCondition(issuer.VeroStatus().Conditions, v1alpha1.ConditionReady)
	changed := previous == nil || previous.Reason != found.reason || previous.Message != found.message
	meta.SetStatusCondition(&issuer.VeroStatus().Conditions, condition)
	issuer.VeroStatus().ObservedGeneration = issuer.GetGeneration()
	if err := status.Patch(ctx, r.Client, object, before); err != nil {
		return err
	}
	if changed {
		r.Events.Report(object, !found.ready() || found.warns, found.reason, "Check", found.message)
		ctrl.LoggerFrom(ctx).Info("issuer checked", "reason", found.reason, "message", found.message)
	}
	return nil
}

// objects returns an issuer as what the client writes, and a copy of it as it is now.
func objects(issuer v1alpha1.GenericVeroIssuer) (object, before client.Object, err error) {
	object, isObject := issuer.(client.Object)
	before, isCopy := issuer.DeepCopyObject().(client.Object)
	if !isObject || !isCopy {
		return nil, nil, fmt.Errorf("%T is no client.Object", issuer)
	}
	return object, before, nil
}
