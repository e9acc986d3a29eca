// Package order executes ManualOrders: it finds out whether somebody still waits for an order, reads what a person has
// brought back, and writes down what the order says of both. It calls nobody outside the cluster.
package order

import (
	"context"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/kube/outline"
	"github.com/varmenne/varmenne-issuer/internal/kube/status"
	"github.com/varmenne/varmenne-issuer/internal/manual/orderstate"
	"github.com/varmenne/varmenne-issuer/internal/reasons"
)

// staleRetention is how long a stale order is kept: somebody may still answer an application. DVV lets those that stay
// incomplete expire after six months.
const staleRetention = 183 * 24 * time.Hour

// Options of the reconciler.
type Options struct {
	// Client reads issuers from the cache, which find.Index has prepared, and writes.
	Client client.Client
	// Outlines finds orders and requests in the cache.
	Outlines client.Reader
	// Reader reads from the API server: orders, requests, ConfigMaps, Secrets, Certificates.
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
	cached := &outline.ManualOrder{}
	if err := client.IgnoreNotFound(r.Outlines.Get(ctx, name.NamespacedName, cached)); err != nil {
		return status.Settle(ctx, fmt.Errorf("ManualOrder %s: %w", name, err))
	}
	if cached.UID == "" || !cached.DeletionTimestamp.IsZero() {
		return ctrl.Result{}, nil
	}
	result, err := r.step(ctx, cached)
	if err != nil {
		return status.Settle(ctx, fmt.Errorf("ManualOrder %s: %w", name, err))
	}
	return result, nil
}

// step ends an order by its outline, or else reads it and decides.
func (r *Reconciler) step(ctx context.Context, cached *outline.ManualOrder) (ctrl.Result, error) {
	if ends := r.ends(cached.State, cached.CompletionTime, cached.StaleTime); !ends.IsZero() {
		if left := ends.Sub(r.Clock.Now()); left > 0 && cached.State == v1alpha1.ManualOrderIssued {
			return ctrl.Result{RequeueAfter: left}, nil
		} else if left <= 0 {
			return ctrl.Result{}, r.remove(ctx, cached)
		}
	}
	order := &v1alpha1.ManualOrder{}
	err := r.Reader.Get(ctx, client.ObjectKeyFromObject(cached), order)
	if err != nil || !order.DeletionTimestamp.IsZero() {
		return ctrl.Result{}, client.IgnoreNotFound(err)
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

// remove deletes an order, unless it has changed since it was cached.
func (r *Reconciler) remove(ctx context.Context, cached *outline.ManualOrder) error {
	order := &v1alpha1.ManualOrder{ObjectMeta: metav1.ObjectMeta{Namespace: cached.Namespace, Name: cached.Name}}
	unchanged := client.Preconditions{UID: &cached.UID, ResourceVersion: &cached.ResourceVersion}
	return client.IgnoreNotFound(r.Client.Delete(ctx, order, unchanged))
}

// distance is after what time to look again.
func (r *Reconciler) distance(order *v1alpha1.ManualOrder, outcome orderstate.Outcome) time.Duration {
	next := outcome.Next
	now := &order.Status
	if ends := r.ends(now.State, now.CompletionTime, now.StaleTime); next.IsZero() || !ends.IsZero() && ends.Before(next) {
		next = ends
	}
	if next.IsZero() {
		return 0
	}
	return max(next.Sub(r.Clock.Now()), time.Second)
}

// ends is when an order is removed, zero if it is not to be.
func (r *Reconciler) ends(state v1alpha1.ManualOrderState, completed, stale *metav1.Time) time.Time {
	switch {
	case state == v1alpha1.ManualOrderIssued && completed != nil:
		return completed.Add(r.Retention)
	case state == v1alpha1.ManualOrderStale && stale != nil:
		return stale.Add(staleRetention)
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
	if status.Equal(order.Status, changed.Status) {
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
