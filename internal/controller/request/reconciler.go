package request

import (
	"context"
	"errors"
	"fmt"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/issuance"
	"github.com/varmenne/varmenne-issuer/internal/lookup"
	"github.com/varmenne/varmenne-issuer/internal/metrics"
	"github.com/varmenne/varmenne-issuer/internal/reasons"
	"github.com/varmenne/varmenne-issuer/internal/status"
)

// approvalPatience is how long a request may be without an approval before it says that it waits for one. An approver
// needs a moment, and a write of ours would only get into its way.
const approvalPatience = 10 * time.Second

// approvalMessage names the usual cause: cert-manager's own approver does not know our issuers.
const approvalMessage = "no approver has approved this request yet; cert-manager's own approver needs the permission " +
	"to approve requests of veroissuers.varmenne.dev/* and veroclusterissuers.varmenne.dev/*"

// Options of the reconciler.
type Options struct {
	// Client reads from the cache and writes.
	Client client.Client
	// Reader reads from the API server: Secrets, which may not be cached, and what a stale read could spend.
	Reader client.Reader
	// Clock tells the time.
	Clock clock.PassiveClock
	// Events reports transitions.
	Events status.Events
	// Metrics holds what waits, and the renewals that are failing.
	Metrics *metrics.Metrics
	// Namespace is the controller's own, where the bundles of cluster issuers are.
	Namespace string
}

// actionRetry is what the events about a hindrance say is done.
const actionRetry = "Retry"

// Reconciler brings CertificateRequests and VeroOrders together.
type Reconciler struct {
	Options

	hindrances status.Hindrances
}

var _ reconcile.Reconciler = (*Reconciler)(nil)

//+kubebuilder:rbac:groups=cert-manager.io,resources=certificaterequests,verbs=get;list;watch
//+kubebuilder:rbac:groups=cert-manager.io,resources=certificaterequests/status,verbs=patch
//+kubebuilder:rbac:groups=cert-manager.io,resources=certificates,verbs=get
//+kubebuilder:rbac:groups=varmenne.dev,resources=veroorders,verbs=get;list;watch;create
//+kubebuilder:rbac:groups=varmenne.dev,resources=veroissuers;veroclusterissuers,verbs=get;list;watch
//+kubebuilder:rbac:groups="",resources=secrets;configmaps,verbs=get
//+kubebuilder:rbac:groups="";events.k8s.io,resources=events,verbs=create;patch

// Reconcile is one step of one CertificateRequest.
func (r *Reconciler) Reconcile(ctx context.Context, name reconcile.Request) (ctrl.Result, error) {
	request := &cmapi.CertificateRequest{}
	if err := client.IgnoreNotFound(r.Client.Get(ctx, name.NamespacedName, request)); err != nil {
		return status.Settle(ctx, fmt.Errorf("CertificateRequest %s: %w", name, err))
	}
	if lookup.NamesUnknownKind(request) {
		return r.explainKind(ctx, request)
	}
	if !lookup.ConcernsUs(request) || !request.DeletionTimestamp.IsZero() ||
		status.IsTrue(request, cmapi.CertificateRequestConditionReady) {
		r.Metrics.RequestServed(name.Namespace, name.Name) // or it is gone
		r.hindrances.Over(name.NamespacedName)
		return ctrl.Result{}, nil
	}
	before := request.DeepCopy()
	result, transition, failure := r.step(ctx, request)
	if failure != nil {
		if !r.hindrances.Last(ctx, name.NamespacedName, failure, r.Clock.Now()) {
			return status.Settle(ctx, fmt.Errorf("CertificateRequest %s: %w", name, failure))
		}
		transition = r.hindered(request, failure)
	}
	failing, err := r.watchExpiry(ctx, request, transition.reason)
	written := status.Patch(ctx, r.Client, request, before)
	if written == nil {
		r.tell(ctx, request, before, transition, failing)
	} else {
		r.unwritten(ctx, before, transition, written)
	}
	if err := errors.Join(written, failure, err); err != nil {
		return status.Settle(ctx, fmt.Errorf("CertificateRequest %s: %w", name, err))
	}
	r.hindrances.Passed(name.NamespacedName)
	if result.RequeueAfter == 0 && !status.IsFinal(request) {
		result.RequeueAfter = safetyNet
	}
	return sooner(sooner(result, until(failing.next, r.Clock.Now())), transition.credentials.next()), nil
}

// safetyNet is when a request that waits for something to change is looked at all the same.
const safetyNet = 10 * time.Minute

// hindered lets the request tell what the cluster has refused to the controller: whoever waits for a certificate does
// not read the controller's log.
func (r *Reconciler) hindered(request *cmapi.CertificateRequest, failure error) transition {
	now := r.Clock.Now()
	due := r.hindrances.Due(client.ObjectKeyFromObject(request), now)
	if due {
		status.SetPending(request, fmt.Sprintf("%v; it is tried again", failure), now)
	}
	return transition{
		reason: v1alpha1.ReasonClusterError, action: actionRetry, warning: true, hindered: true, hindrance: due,
	}
}

// tell reports what has been written.
func (r *Reconciler) tell(
	ctx context.Context, request, before *cmapi.CertificateRequest, transition transition, failing notice,
) {
	if transition.hindrance {
		r.hindrances.Told(client.ObjectKeyFromObject(request), r.Clock.Now())
	}
	r.measure(request, transition)
	if failing.over {
		r.Metrics.RenewalServed(request.Namespace, request.Name)
	}
	r.report(ctx, request, before, transition)
	r.give(ctx, failing)
}

// unwritten is for a request whose status cannot be written, which has not got what it should hold therefore. Events
// and metrics are left to say so. What is written into the request, as it was before, is in memory only.
func (r *Reconciler) unwritten(
	ctx context.Context, request *cmapi.CertificateRequest, decided transition, failure error,
) {
	name, now := client.ObjectKeyFromObject(request), r.Clock.Now()
	if status.IsFinal(request) || !r.hindrances.Last(ctx, name, failure, now) {
		return
	}
	hindrance := r.hindered(request, failure)
	hindrance.hindered, hindrance.credentials = decided.hindered, decided.credentials
	r.measure(request, hindrance)
	failing, err := r.watchExpiry(ctx, request, hindrance.reason)
	if !hindrance.hindrance {
		return
	}
	r.hindrances.Told(name, now)
	r.Events.Report(request, hindrance.warning, hindrance.reason, hindrance.action, status.ReadyMessage(request))
	if err == nil {
		r.give(ctx, failing)
	}
}

// report turns a change of what a request waits for into an event and a log line.
func (r *Reconciler) report(ctx context.Context, request, before *cmapi.CertificateRequest, transition transition) {
	message := status.ReadyMessage(request)
	if message == status.ReadyMessage(before) || !transition.notable() {
		return
	}
	r.Events.Report(request, transition.warning, transition.reason, transition.action, message)
	ctrl.LoggerFrom(ctx).Info("request changed", "reason", transition.reason, "message", message)
}

// sooner brings the next look forward; zero stands for none.
func sooner(result ctrl.Result, wait time.Duration) ctrl.Result {
	if wait > 0 && (result.RequeueAfter == 0 || wait < result.RequeueAfter) {
		result.RequeueAfter = wait
	}
	return result
}

// transition is how a change of the Ready message is reported.
type transition struct {
	reason, action string
	warning        bool
	// hindered is whether the cluster has hindered the decision, hindrance whether the request was made to tell it.
	hindered, hindrance bool
	// credentials are those that the request waits with.
	credentials unspent
}

// notable leaves out what follows within moments, and is told by the order's own events.
func (t transition) notable() bool { return !reasons.Of(t.reason).Momentary }

// step changes the request's status in memory only.
func (r *Reconciler) step(
	ctx context.Context, request *cmapi.CertificateRequest,
) (ctrl.Result, transition, error) {
	now := r.Clock.Now()
	switch {
	case status.IsFinal(request):
		return ctrl.Result{}, transition{reason: failureOf(request)}, nil
	case status.IsTrue(request, cmapi.CertificateRequestConditionDenied):
		status.SetDenied(request, "an approver has denied this request; nothing was sent", now)
		return ctrl.Result{}, transition{reason: v1alpha1.ReasonDenied, action: "Deny", warning: true}, nil
	case !status.IsTrue(request, cmapi.CertificateRequestConditionApproved):
		return r.awaitApproval(request, now), transition{reason: v1alpha1.ReasonWaitingForApproval, action: "Wait"}, nil
	}
	snapshot, err := r.gather(ctx, request, now)
	if err != nil {
		return ctrl.Result{}, transition{}, err
	}
	action := issuance.Decide(snapshot)
	result, err := r.execute(ctx, request, snapshot, action)
	return result, transition{
		reason: action.Reason, action: string(action.Verb), warning: !reasons.Of(action.Reason).Quiet,
		credentials: unspentIn(snapshot),
	}, err
}

// failureOf is why a request has failed, as far as it was told before.
func failureOf(request *cmapi.CertificateRequest) string {
	if condition := status.Find(request, v1alpha1.ConditionRenewalFailing); condition != nil {
		return condition.Reason
	}
	return status.Find(request, cmapi.CertificateRequestConditionReady).Reason
}

func (r *Reconciler) awaitApproval(request *cmapi.CertificateRequest, now time.Time) ctrl.Result {
	if patience := request.CreationTimestamp.Add(approvalPatience).Sub(now); patience > 0 {
		return ctrl.Result{RequeueAfter: patience}
	}
	status.SetPending(request, approvalMessage, now)
	return ctrl.Result{}
}
