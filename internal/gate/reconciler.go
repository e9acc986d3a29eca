package gate

import (
	"context"
	"errors"
	"fmt"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/kube/conditions"
	"github.com/varmenne/varmenne-issuer/internal/kube/outline"
	"github.com/varmenne/varmenne-issuer/internal/kube/status"
	"github.com/varmenne/varmenne-issuer/internal/limiter"
	"github.com/varmenne/varmenne-issuer/internal/metrics"
	"github.com/varmenne/varmenne-issuer/internal/owner"
	"github.com/varmenne/varmenne-issuer/internal/reasons"
)

const (
	// approvalGrace is how long a request may be without an approval before it says that it waits for one.
	approvalGrace = 10 * time.Second
	// resyncInterval is when a request that waits for something to change is looked at all the same.
	resyncInterval = 10 * time.Minute
	// unseenInterval is when it is found out whether a request has come to replace something after all. One that waits for
	// a person does for weeks, and thousands may.
	unseenInterval = time.Hour
)

// Options of the reconciler.
type Options struct {
	// Client writes.
	Client client.Client
	// Outlines reads from the cache what is known of requests without reading them.
	Outlines client.Reader
	// Reader reads from the API server: requests, of which the cache has outlines, and Secrets, which may not be cached.
	Reader client.Reader
	// Clock tells the time.
	Clock clock.PassiveClock
	// Events reports transitions.
	Events status.Events
	// Metrics holds what waits, and the renewals that are failing.
	Metrics *metrics.Metrics
	// Proofs keeps for the one who spends something what was proved of a request; nil keeps nothing.
	Proofs *owner.Proofs
	// Turns are those of requests for which an order is to be made; nil bounds nothing.
	Turns *limiter.Turns
	// Fresh has requests that have just come; nil has none.
	Fresh *outline.Fresh
	// Backends are those of all kinds of issuers.
	Backends []Backend
}

// Reconciler serves CertificateRequests.
type Reconciler struct {
	Options

	errors status.ErrorReporter
	kept   kept
	// unthreatened are requests that were seen to replace nothing.
	unthreatened unthreatened
	queueing     queueing
}

var _ reconcile.Reconciler = (*Reconciler)(nil)

// NewReconciler makes one that knows of no request yet.
func NewReconciler(options Options) *Reconciler {
	return &Reconciler{
		Options: options, kept: newKept(), unthreatened: newUnthreatened(),
		queueing: queueing{since: map[types.NamespacedName]time.Time{}},
	}
}

//+kubebuilder:rbac:groups=cert-manager.io,resources=certificaterequests,verbs=get;list;watch
//+kubebuilder:rbac:groups=cert-manager.io,resources=certificaterequests/status,verbs=patch
//+kubebuilder:rbac:groups=cert-manager.io,resources=certificates,verbs=get
//+kubebuilder:rbac:groups="",resources=secrets,verbs=get
//+kubebuilder:rbac:groups="";events.k8s.io,resources=events,verbs=create;patch

// Reconcile is one step of one CertificateRequest.
func (r *Reconciler) Reconcile(ctx context.Context, name reconcile.Request) (ctrl.Result, error) {
	cached := &outline.CertificateRequest{}
	if err := client.IgnoreNotFound(r.Outlines.Get(ctx, name.NamespacedName, cached)); err != nil {
		return status.Settle(ctx, fmt.Errorf("CertificateRequest %s: %w", name, err))
	}
	if cached.UID == "" {
		r.Turns.Abandon(name.NamespacedName)
	}
	if wait := r.leaveToApprovers(cached); wait > 0 {
		r.forgetTurn(name.NamespacedName)
		return ctrl.Result{RequeueAfter: wait}, nil
	}
	if cached.Ready {
		r.forgetTurn(name.NamespacedName)
		r.served(name, cached.UID)
		return ctrl.Result{}, nil
	}
	inTurn := r.beginTurn(ctx, name.NamespacedName, cached)
	defer r.Turns.End(name.NamespacedName)
	if !inTurn {
		if wait := r.silence(name.NamespacedName, cached); wait > 0 {
			return ctrl.Result{RequeueAfter: wait}, nil
		}
	}
	request, err := r.read(ctx, name.NamespacedName, cached)
	if err != nil {
		r.reportUnread(ctx, cached, err)
		return status.Settle(ctx, fmt.Errorf("CertificateRequest %s: %w", name, err))
	}
	ours := request.Spec.IssuerRef.Group == v1alpha1.GroupName
	backend := r.backendOf(request.Spec.IssuerRef.Kind)
	switch {
	case ours && backend == nil:
		return r.explainKind(ctx, request)
	case !ours, !request.DeletionTimestamp.IsZero(), conditions.IsTrue(request, cmapi.CertificateRequestConditionReady):
		r.served(name, request.UID) // or it is gone
		return ctrl.Result{}, nil
	}
	wait, err := r.serve(ctx, backend, request, inTurn)
	if err != nil {
		return status.Settle(ctx, fmt.Errorf("CertificateRequest %s: %w", name, err))
	}
	r.errors.Passed(name.NamespacedName)
	return ctrl.Result{RequeueAfter: wait}, nil
}

// served forgets a request that needs nothing any more.
func (r *Reconciler) served(name reconcile.Request, uid types.UID) {
	r.Metrics.RequestServed(name.Namespace, name.Name)
	r.errors.Forget(name.NamespacedName)
	r.kept.forget(uid)
}

// leaveToApprovers is for how long a new request is left alone, zero if it is not: an approver needs a moment, and a
// write of ours would only get into its way.
func (r *Reconciler) leaveToApprovers(cached *outline.CertificateRequest) time.Duration {
	if !cached.Unapproved || r.backendOf(cached.IssuerRef.Kind) == nil {
		return 0
	}
	wait := cached.CreationTimestamp.Add(approvalGrace).Sub(r.Clock.Now())
	if wait > 0 {
		r.Metrics.RequestUnserved(whole(cached), v1alpha1.ReasonWaitingForApproval)
	}
	return max(wait, 0)
}

// read returns a request of which the cache knows a version; an empty one if it is gone.
func (r *Reconciler) read(
	ctx context.Context, name types.NamespacedName, cached *outline.CertificateRequest,
) (*cmapi.CertificateRequest, error) {
	if found := r.kept.find(cached); found != nil {
		return found, nil
	}
	request := &cmapi.CertificateRequest{}
	if cached.UID == "" {
		return request, nil
	}
	if whole := r.Fresh.Take(cached); whole != nil {
		return whole, nil
	}
	if err := client.IgnoreNotFound(r.Reader.Get(ctx, name, request)); err != nil {
		return nil, err
	}
	return request, nil
}

// serve decides, writes and reports, once each, and returns in what time to look again. What the cluster refuses comes
// back as an error; one that persists is reported, too.
func (r *Reconciler) serve(
	ctx context.Context, backend Backend, request *cmapi.CertificateRequest, inTurn bool,
) (time.Duration, error) {
	before := copyOf(request)
	report, failure := r.decide(ctx, backend, request, inTurn)
	if failure != nil {
		if !r.persists(ctx, request, failure) {
			return 0, failure
		}
		report = r.refused(request, failure)
	}
	expiry, expiryFailure := r.watchExpiry(ctx, backend, request, report.reason)
	report.expiry = expiry
	written, unannotated := r.write(ctx, request, before, report.annotations)
	switch {
	case written == nil:
		report.written = true
		r.publish(ctx, request, before, report)
	case !status.IsFinal(before) && r.persists(ctx, before, written):
		// The request has not got what it should hold: what it says is as before, and events and metrics say why.
		unwritten := r.refused(before, written)
		unwritten.credentials, unwritten.undecided = report.credentials, report.undecided
		unwritten.expiry, _ = r.watchExpiry(ctx, backend, before, unwritten.reason)
		r.publish(ctx, before, before, unwritten)
	}
	r.reportUnannotated(ctx, request, unannotated)
	if err := errors.Join(written, failure, expiryFailure, unannotated); err != nil {
		return 0, err
	}
	wait := report.wait
	if wait == 0 && !status.IsFinal(request) {
		wait = resyncInterval
	}
	return sooner(wait, until(report.expiry.next, r.Clock.Now())), nil
}

// persists reports whether somebody has to be told of an error.
func (r *Reconciler) persists(ctx context.Context, request *cmapi.CertificateRequest, err error) bool {
	return r.errors.Persists(ctx, client.ObjectKeyFromObject(request), err, r.Clock.Now())
}

// decide changes the request's status in memory only.
func (r *Reconciler) decide(
	ctx context.Context, backend Backend, request *cmapi.CertificateRequest, inTurn bool,
) (report, error) {
	now := r.Clock.Now()
	switch {
	case status.IsFinal(request):
		return report{reason: failureOf(request)}, nil
	case conditions.IsTrue(request, cmapi.CertificateRequestConditionDenied):
		status.SetDenied(request, "an approver has denied this request; nothing was sent", now)
		return report{reason: v1alpha1.ReasonDenied, action: "Deny", warning: true}, nil
	case !conditions.IsTrue(request, cmapi.CertificateRequestConditionApproved):
		status.SetPending(request, approvalMessage(backend.Kinds()), now)
		return report{reason: v1alpha1.ReasonWaitingForApproval, action: string(Wait)}, nil
	case !inTurn:
		status.SetPending(request, conditions.TurnMessage(request), now)
		return report{reason: v1alpha1.ReasonWaitingForTurn, action: string(Wait), undecided: true}, nil
	}
	behind := func(ctx context.Context) (owner.Owner, error) {
		found, err := r.Proofs.Of(ctx, r.Reader, request)
		if err == nil {
			r.unthreatened.note(request, found.Certificate, now)
		}
		return found, err
	}
	decision, err := backend.Decide(ctx, request, behind, now)
	if err != nil {
		return report{}, err
	}
	wait, err := r.execute(ctx, request, decision, now)
	found := report{
		reason: decision.Reason, action: string(decision.Verb), wait: wait, credentials: decision.Credentials,
		warning: decision.Warning || !reasons.Of(decision.Reason).Quiet,
	}
	if decision.Verb == Follow {
		found.annotations = decision.Order.Annotations
	}
	return found, err
}

// refused lets the request tell what the cluster has refused to the controller: whoever waits for a certificate does
// not read the controller's log.
func (r *Reconciler) refused(request *cmapi.CertificateRequest, failure error) report {
	now := r.Clock.Now()
	due := r.errors.Due(client.ObjectKeyFromObject(request), now)
	if due {
		status.SetPending(request, fmt.Sprintf("%v; it is tried again", failure), now)
	}
	return report{
		reason: v1alpha1.ReasonClusterError, action: "Retry", warning: true, undecided: true, errorReported: due,
	}
}

// failureOf is why a request has failed, as far as it was told before.
func failureOf(request *cmapi.CertificateRequest) string {
	if condition := conditions.Find(request, v1alpha1.ConditionRenewalFailing); condition != nil {
		return condition.Reason
	}
	return conditions.Find(request, cmapi.CertificateRequestConditionReady).Reason
}

// sooner is the shorter of two times to wait, of which zero stands for none.
func sooner(one, other time.Duration) time.Duration {
	if one == 0 || (other > 0 && other < one) {
		return other
	}
	return one
}
