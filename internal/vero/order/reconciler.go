package order

import (
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/kube/outline"
	"github.com/varmenne/varmenne-issuer/internal/kube/status"
	"github.com/varmenne/varmenne-issuer/internal/limiter"
	"github.com/varmenne/varmenne-issuer/internal/metrics"
	"github.com/varmenne/varmenne-issuer/internal/owner"
	"github.com/varmenne/varmenne-issuer/internal/reasons"
	"github.com/varmenne/varmenne-issuer/internal/secrets"
	"github.com/varmenne/varmenne-issuer/internal/vero/creation"
	"github.com/varmenne/varmenne-issuer/internal/vero/orderstate"
	"github.com/varmenne/varmenne-issuer/internal/vero/protocol"
)

// Service is what an order asks of the certificate service. Errors are protocol.CallErrors where anything was sent.
type Service interface {
	// SignNew returns the RetrievalId.
	SignNew(ctx context.Context, message *protocol.SignNew) (string, error)
	// Renew returns the RetrievalId; key and leaf are those of the certificate that is renewed.
	Renew(ctx context.Context, message *protocol.Renew, key crypto.Signer, leaf *x509.Certificate) (string, error)
	// Get returns the certificate, in DER or PEM.
	Get(ctx context.Context, message *protocol.Get) ([]byte, error)
}

// Connect makes a Service for an issuer's endpoint from the bundles as they are now.
type Connect func(issuer v1alpha1.GenericVeroIssuer, bundles *secrets.Bundles) (Service, error)

// Options of the reconciler.
type Options struct {
	// Client reads from the cache and writes.
	Client client.Client
	// Outlines finds requests in the cache.
	Outlines client.Reader
	// Reader reads from the API server.
	Reader client.Reader
	// Connect reaches the certificate service.
	Connect Connect
	// Clock tells the time, and when it has passed.
	Clock clock.WithDelayedExecution
	// Events reports transitions.
	Events status.Events
	// Metrics counts.
	Metrics *metrics.Metrics
	// Bundles are those of the issuers.
	Bundles *secrets.KeptBundles
	// Creations are the intents that this process has expressed by making orders; nil has none.
	Creations *creation.Intents
	// Proofs has what the gate has proved of a request seconds ago, and Issued takes orders that are issued, for the gate;
	// nil ones keep nothing.
	Proofs *owner.Proofs
	Issued *outline.Issued
	// Calls bounds the calls to the service of each issuer, and those for each namespace.
	Calls limiter.Calls
	// Turns are left by orders that do not wait to be sent any more; nil bounds nothing.
	Turns *limiter.Turns
	// Retention is how long an order is kept after it has ended.
	Retention time.Duration
	// Shutdown ends when the controller is asked to stop. A call that runs then is finished, and recorded.
	Shutdown context.Context //nolint:containedctx // it outlives every reconcile, and is only asked whether it is done
}

// Reconciler executes orders.
type Reconciler struct {
	Options

	errors status.ErrorReporter
	pacing pacing
	// written are the versions of orders that are the reconciler's own.
	written written
}

// NewReconciler makes one that knows of no order yet.
func NewReconciler(options Options) *Reconciler {
	return &Reconciler{Options: options, written: newWritten()}
}

// catchUp is how long an order is left alone of which the cache has an earlier version than this process has written.
const catchUp = 250 * time.Millisecond

// resyncInterval is when an order that waits for something to change is looked at all the same.
const resyncInterval = 10 * time.Minute

//+kubebuilder:rbac:groups=varmenne.dev,resources=veroorders,verbs=get;list;watch;create;delete
//+kubebuilder:rbac:groups=varmenne.dev,resources=veroorders/status,verbs=update

// Reconcile is one step of one order, as the cache knows it: what is written, before a call or after it, is refused by
// the API server if the order has changed since.
func (r *Reconciler) Reconcile(ctx context.Context, name reconcile.Request) (ctrl.Result, error) {
	defer r.leaveTurn(name.NamespacedName)
	order := &v1alpha1.VeroOrder{}
	err := r.Client.Get(ctx, name.NamespacedName, order)
	switch {
	case apierrors.IsNotFound(err):
		r.Calls.Forget(name.NamespacedName)
		r.errors.Forget(name.NamespacedName)
		return ctrl.Result{}, nil
	case err != nil:
		return status.Settle(ctx, fmt.Errorf("VeroOrder %s: %w", name, err))
	}
	if left := r.rests(order); left > 0 {
		r.Calls.Forget(name.NamespacedName) // it may have ended while it waited for its turn
		if left > sweepInterval {
			left = 0 // it is woken when it is time
		}
		return ctrl.Result{RequeueAfter: left}, nil
	}
	if r.written.outdated(order, r.Clock.Now()) {
		return ctrl.Result{RequeueAfter: catchUp}, nil // a call would be made once more, to no effect
	}
	// The cache keeps no more than the leaf of what was issued, and an order is deleted by what the API server has.
	if outline.Trimmed(order) {
		order = &v1alpha1.VeroOrder{}
		if err := r.Reader.Get(ctx, name.NamespacedName, order); err != nil {
			return status.Settle(ctx, fmt.Errorf("VeroOrder %s: %w", name, err))
		}
	}
	if !order.DeletionTimestamp.IsZero() {
		r.Calls.Forget(name.NamespacedName)
		return ctrl.Result{}, nil
	}
	own := r.Creations.Own(order)
	result, err := r.step(ctx, order, own)
	result.Priority = priorityOf(order)
	if err != nil {
		settled, err := status.Settle(ctx, fmt.Errorf("VeroOrder %s: %w", name, err))
		settled.Priority = result.Priority
		return settled, err
	}
	return result, nil
}

// silentQueueing is how long an order waits for its turn without saying so: most wait for seconds, and a write for each
// would keep all of them waiting longer. By then a restored order has long got its status.
const silentQueueing = 5 * time.Minute

// queue lets an order that waits for its turn say so after a while. One that tells nothing looks like one whose status
// cannot be written.
func (r *Reconciler) queue(ctx context.Context, order *v1alpha1.VeroOrder) (ctrl.Result, error) {
	if !orderstate.Untouched(order) {
		return ctrl.Result{RequeueAfter: resyncInterval}, nil
	}
	due := order.CreationTimestamp.Add(silentQueueing)
	if r.Clock.Now().Before(due) {
		return ctrl.Result{RequeueAfter: r.until(due)}, nil
	}
	action := orderstate.Action{
		Verb: orderstate.Wait, Reason: v1alpha1.ReasonOrderCreated,
		Message: fmt.Sprintf("VeroOrder %s waits for its turn behind others of %s %s or of its namespace",
			order.Name, order.Spec.IssuerRef.Kind, order.Spec.IssuerRef.Name),
	}
	err := r.update(ctx, order, func(order *v1alpha1.VeroOrder) { orderstate.RecordWaiting(order, action, r.Clock.Now()) })
	if err != nil {
		return status.Settle(ctx, fmt.Errorf("VeroOrder %s: %w", client.ObjectKeyFromObject(order), err))
	}
	return ctrl.Result{RequeueAfter: resyncInterval}, nil
}

func (r *Reconciler) step(ctx context.Context, order *v1alpha1.VeroOrder, own bool) (ctrl.Result, error) {
	if until := orderstate.UntouchedUntil(order, r.Clock.Now()); !own && r.Clock.Now().Before(until) {
		r.Calls.Forget(client.ObjectKeyFromObject(order))
		return ctrl.Result{RequeueAfter: r.until(until)}, nil
	}
	orderstate.Recall(order, own)
	result, err := r.act(ctx, order, own)
	if err != nil {
		return ctrl.Result{}, errors.Join(err, r.reportError(ctx, order, err))
	}
	return result, nil
}

// act does what is to be done next. What a submission spends is read in its slot: who waits for one would have to read
// it again.
func (r *Reconciler) act(ctx context.Context, order *v1alpha1.VeroOrder, own bool) (ctrl.Result, error) {
	name := client.ObjectKeyFromObject(order)
	result, adopted, err := r.adopt(ctx, order)
	if err != nil || adopted {
		r.Calls.Forget(name)
		return r.passed(name, result, err)
	}
	gathered, err := r.gather(ctx, order)
	if err != nil {
		r.Calls.Forget(name)
		return ctrl.Result{}, err
	}
	gathered.own = own
	slot, free := r.enter(order, orderstate.MayCall(gathered.Snapshot))
	if !free {
		return r.queue(ctx, order) // it is woken when it is its turn
	}
	r.Turns.Leave(name)
	if slot != nil {
		defer slot.Release()
		gathered.slot = slot
	}
	if result, err := r.pace(ctx, order, own); err != nil || result.RequeueAfter > 0 {
		return result, err
	}
	if err := r.gatherAuthorization(ctx, gathered); err != nil {
		return ctrl.Result{}, err
	}
	result, err = r.execute(ctx, order, gathered)
	return r.passed(name, result, err)
}

// passed notes that nothing has kept an order from its step, if so.
func (r *Reconciler) passed(name types.NamespacedName, result ctrl.Result, err error) (ctrl.Result, error) {
	if err == nil {
		r.errors.Passed(name)
	}
	return result, err
}

// execute does what is decided.
func (r *Reconciler) execute(ctx context.Context, order *v1alpha1.VeroOrder, gathered *gathered) (ctrl.Result, error) {
	action := orderstate.Decide(gathered.Snapshot)
	switch action.Verb {
	case orderstate.Submit:
		return r.submit(ctx, order, gathered)
	case orderstate.Poll:
		return r.poll(ctx, order, gathered)
	case orderstate.Fail:
		err := r.update(ctx, order, func(order *v1alpha1.VeroOrder) { orderstate.RecordFailure(order, action, gathered.Now) })
		return ctrl.Result{RequeueAfter: resyncInterval}, err // it is removed some day
	case orderstate.Done:
		return r.garbageCollect(ctx, order)
	default: // Wait
		err := r.update(ctx, order, func(order *v1alpha1.VeroOrder) { orderstate.RecordWaiting(order, action, gathered.Now) })
		return ctrl.Result{RequeueAfter: r.until(action.At)}, err
	}
}

// reportError lets the order tell what the cluster has refused to the controller, and with it the request that waits.
// Where that cannot be written either, an event is left.
func (r *Reconciler) reportError(ctx context.Context, order *v1alpha1.VeroOrder, failure error) error {
	name, now := client.ObjectKeyFromObject(order), r.Clock.Now()
	if !r.errors.Persists(ctx, name, failure, now) || !r.errors.Due(name, now) {
		return nil
	}
	action := orderstate.Action{
		Verb: orderstate.Wait, Reason: v1alpha1.ReasonClusterError, Message: fmt.Sprintf("%v; it is tried again", failure),
	}
	err := r.update(ctx, order, func(order *v1alpha1.VeroOrder) { orderstate.RecordWaiting(order, action, now) })
	switch {
	case err == nil:
		r.errors.Reported(name, now)
	case status.Lasts(ctx, err):
		r.errors.Reported(name, now)
		r.Events.Report(order, true, action.Reason, string(order.Status.State), action.Message)
	}
	return err
}

// errTrimmed keeps a chain that the cache does not hold from being overwritten with what it holds.
var errTrimmed = errors.New("the order is as the cache keeps it, without its chain, and cannot be written")

// write puts a change of the order that is reconciled: to be woken by it is not necessary.
func (r *Reconciler) write(
	ctx context.Context, order *v1alpha1.VeroOrder, change func(*v1alpha1.VeroOrder),
) error {
	before := order.ResourceVersion
	err := r.put(ctx, order, change)
	if err == nil && order.ResourceVersion != before {
		r.written.note(order, before, r.Clock.Now())
	}
	return err
}

// put changes the status of the order that was read. The resourceVersion goes with it. The order takes the change
// over only when the API server has: a change that was not written must not look written when it is tried again.
func (r *Reconciler) put(
	ctx context.Context, order *v1alpha1.VeroOrder, change func(*v1alpha1.VeroOrder),
) error {
	changed := order.DeepCopy()
	change(changed)
	if status.Equal(order.Status, changed.Status) {
		return nil
	}
	if outline.Trimmed(order) {
		return errTrimmed
	}
	r.Issued.Expect(changed)
	if err := r.Client.Status().Update(ctx, changed); err != nil {
		return err
	}
	r.Issued.Keep(changed)
	*order = *changed
	return nil
}

// update writes a change and reports it.
func (r *Reconciler) update(ctx context.Context, order *v1alpha1.VeroOrder, change func(*v1alpha1.VeroOrder)) error {
	before := order.DeepCopy()
	if err := r.write(ctx, order, change); err != nil {
		return err
	}
	r.report(ctx, before, order)
	return nil
}

// report turns a change of what an order waits for into a log line, and a measurement when it has ended; and into an
// event, unless all goes as usual. Of its end the event is that about the request, which is there for people.
func (r *Reconciler) report(ctx context.Context, before, after *v1alpha1.VeroOrder) {
	condition := meta.FindStatusCondition(after.Status.Conditions, v1alpha1.ConditionReady)
	if condition == nil {
		return
	}
	previous := meta.FindStatusCondition(before.Status.Conditions, v1alpha1.ConditionReady)
	if previous != nil && previous.Reason == condition.Reason && previous.Message == condition.Message {
		return
	}
	meaning := reasons.Of(condition.Reason)
	if disturbed := after.Status.State == v1alpha1.VeroOrderSubmitted && after.Status.LastError != nil; !meaning.Usual ||
		disturbed {
		r.Events.Report(after, !meaning.Quiet, condition.Reason, string(after.Status.State), condition.Message)
	}
	ctrl.LoggerFrom(ctx).Info("order changed", "state", after.Status.State, "reason", condition.Reason,
		"message", condition.Message)
	if after.Status.State == v1alpha1.VeroOrderIssued {
		r.Metrics.Issued(after.Spec.Operation, r.Clock.Since(after.CreationTimestamp.Time))
	}
}

// next is when an order has to be looked at again.
func (r *Reconciler) next(order *v1alpha1.VeroOrder) time.Duration {
	switch {
	case order.Status.NextPollTime != nil:
		return r.until(order.Status.NextPollTime.Time)
	case order.Status.NextSubmitTime != nil:
		return r.until(order.Status.NextSubmitTime.Time)
	default:
		return resyncInterval
	}
}

// until is the time left, at least a moment and at most until the safety net.
func (r *Reconciler) until(moment time.Time) time.Duration {
	if moment.IsZero() {
		return resyncInterval
	}
	return min(max(moment.Sub(r.Clock.Now()), time.Millisecond), resyncInterval)
}
