// Package order executes ManualOrders: it finds out whether somebody still waits for an order, reads what a person has
// brought back, and writes down what the order says of both. It calls nobody outside the cluster.
package order

import (
	"context"
	"fmt"
	"time"

	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/kube/status"
	"github.com/varmenne/varmenne-issuer/internal/manual/orderstate"
	"github.com/varmenne/varmenne-issuer/internal/reasons"
)

// staleRetention is how long a stale order is kept: somebody may still answer an application. DVV lets those that stay
// incomplete expire after six months.
const staleRetention = 183 * 24 * time.Hour

// Options of the reconciler.
type Options struct {
	// Client reads from the cache, which find.Index has prepared, and writes.
	Client client.Client
	// Reader reads from the API server: ConfigMaps, Secrets, Certificates.
	Reader client.Reader
	// Clock tells the time.
	Clock clock.PassiveClock
	// Events reports transitions and reminders.
	Events status.Events
	// Namespace is the controller's own, where the bundles of cluster issuers are.
	Namespace string
	// Retention is how long an order is kept after it was issued.
	Retention time.Duration
}

// Reconciler executes orders.
type Reconciler struct{ Options }

var _ reconcile.Reconciler = (*Reconciler)(nil)

//+kubebuilder:rbac:groups=varmenne.dev,resources=manualorders,verbs=get;list;watch;delete
//+kubebuilder:rbac:groups=varmenne.dev,resources=manualorders/status,verbs=patch
//+kubebuilder:rbac:groups="",resources=secrets;configmaps,verbs=get

// Reconcile is one look at one order.
func (r *Reconciler) Reconcile(ctx context.Context, name reconcile.Request) (ctrl.Result, error) {
	order := &v1alpha1.ManualOrder{}
	if err := client.IgnoreNotFound(r.Client.Get(ctx, name.NamespacedName, order)); err != nil {
		return status.Settle(ctx, fmt.Errorf("ManualOrder %s: %w", name, err))
	}
	if order.UID == "" || !order.DeletionTimestamp.IsZero() {
		return ctrl.Result{}, nil
	}
	result, err := r.step(ctx, order)
	if err != nil {
		return status.Settle(ctx, fmt.Errorf("ManualOrder %s: %w", name, err))
	}
	return result, nil
}

func (r *Reconciler) step(ctx context.Context, order *v1alpha1.ManualOrder) (ctrl.Result, error) {
	if ends := r.ends(order); !ends.IsZero() {
		if left := ends.Sub(r.Clock.Now()); left > 0 && order.Status.State == v1alpha1.ManualOrderIssued {
			return ctrl.Result{RequeueAfter: left}, nil
		} else if left <= 0 {
			precondition := client.Preconditions{UID: &order.UID, ResourceVersion: &order.ResourceVersion}
			return ctrl.Result{}, client.IgnoreNotFound(r.Client.Delete(ctx, order, precondition))
		}
	}
	snapshot, err := r.gather(ctx, order)
	if err != nil {
		return ctrl.Result{}, err
	}
	outcome := orderstate.Decide(snapshot)
	if err := r.record(ctx, order, outcome, snapshot.Now); err != nil {
		return ctrl.Result{}, err
	}
	return ctrl.Result{RequeueAfter: r.distance(order, outcome)}, nil
}

// distance is after what time to look again.
func (r *Reconciler) distance(order *v1alpha1.ManualOrder, outcome orderstate.Outcome) time.Duration {
	next := outcome.Next
	if ends := r.ends(order); next.IsZero() || !ends.IsZero() && ends.Before(next) {
		next = ends
	}
	if next.IsZero() {
		return 0
	}
	return max(next.Sub(r.Clock.Now()), time.Second)
}

// ends is when an order is removed, zero if it is not to be.
func (r *Reconciler) ends(order *v1alpha1.ManualOrder) time.Time {
	switch now := &order.Status; {
	case now.State == v1alpha1.ManualOrderIssued && now.CompletionTime != nil:
		return now.CompletionTime.Add(r.Retention)
	case now.State == v1alpha1.ManualOrderStale && now.StaleTime != nil:
		return now.StaleTime.Add(staleRetention)
	default:
		return time.Time{}
	}
}

// record writes an outcome if it changes anything, and reports what has changed.
func (r *Reconciler) record(
	ctx context.Context, order *v1alpha1.ManualOrder, outcome orderstate.Outcome, now time.Time,
) error {
	changed := order.DeepCopy()
	outcome.Record(changed, now)
	if isSame(order, changed) {
		return nil
	}
	before := orderstate.Ready(order)
	// A patch of the status alone: whatever somebody has pasted into the spec is not repeated in an audit log.
	if err := status.Patch(ctx, r.Client, changed, order); err != nil {
		return err
	}
	if before == nil || before.Reason != outcome.Reason || before.Message != outcome.Message {
		warning := outcome.Warning || !reasons.Of(outcome.Reason).Quiet
		r.Events.Report(changed, warning, outcome.Reason, string(outcome.State), outcome.Message)
		ctrl.LoggerFrom(ctx).Info("order changed", "state", outcome.State, "reason", outcome.Reason)
	}
	if outcome.Reminder != nil {
		r.Events.Report(changed, true, outcome.Reason, fmt.Sprintf("RemindAt%dDays", outcome.Reminder.Days),
			outcome.Reminder.Message)
	}
	*order = *changed
	return nil
}
