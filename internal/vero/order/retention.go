package order

import (
	"context"
	"errors"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/secrets"
	"github.com/varmenne/varmenne-issuer/internal/vero/orderstate"
)

// credentialsCheck is how often an order is looked at that may not go yet, because its credentials are still there.
const credentialsCheck = 24 * time.Hour

// rests is how long nothing is to be done about an order, as the cache knows it: it has ended, nobody has brought a
// RetrievalId, and it is kept for longer. Of thousands that are kept, each would be read at every start else. Whatever
// changes it wakes it; before it is removed it is read from the API server.
func (r *Reconciler) rests(order *v1alpha1.VeroOrder) time.Duration {
	if !hasEnded(order) {
		return 0
	}
	if _, asked := orderstate.AdoptionOf(order); asked || order.Status.CompletionTime == nil {
		return 0
	}
	return r.keptUntil(order).Sub(r.Clock.Now())
}

// keptUntil is when an order that has ended may be removed.
func (r *Reconciler) keptUntil(order *v1alpha1.VeroOrder) time.Time {
	return order.Status.CompletionTime.Add(r.Retention)
}

// sweepInterval is how often it is looked for orders that will have rested long enough before the next look. They wait
// in the queue for that; for all of the others, thousands, it would be a timer each.
const sweepInterval = time.Hour

// awake lets the orders that a controller finds at its start through, but for those that rest for longer.
func (r *Reconciler) awake() predicate.Predicate {
	return predicate.Funcs{CreateFunc: func(event event.CreateEvent) bool {
		order, isOrder := event.Object.(*v1alpha1.VeroOrder)
		return !isOrder || r.rests(order) < sweepInterval
	}}
}

// sweep puts orders into the queue whose rest ends, until the controller does.
func (r *Reconciler) sweep(ctx context.Context, queue workqueue.TypedRateLimitingInterface[reconcile.Request]) error {
	seen := r.Clock.Now()
	go func() {
		for ctx.Err() == nil {
			timer := r.Clock.NewTimer(sweepInterval)
			select {
			case <-ctx.Done():
			case <-timer.C():
				seen = r.wake(ctx, seen, queue.Add)
			}
			timer.Stop()
		}
	}()
	return nil
}

// wake lets orders be reconciled whose rest has ended since the look before, or ends before the next one. It returns
// the time of this one.
func (r *Reconciler) wake(ctx context.Context, seen time.Time, add func(reconcile.Request)) time.Time {
	known := &v1alpha1.VeroOrderList{}
	if err := r.Client.List(ctx, known, client.UnsafeDisableDeepCopy); err != nil {
		ctrl.LoggerFrom(ctx).Error(err, "cannot look for VeroOrders that are to be removed; it is tried again in an hour")
		return seen
	}
	now := r.Clock.Now()
	for i := range known.Items {
		order := &known.Items[i]
		if order.Status.CompletionTime == nil {
			continue
		}
		if end := r.keptUntil(order); end.After(seen) && end.Before(now.Add(sweepInterval)) {
			add(reconcile.Request{NamespacedName: client.ObjectKeyFromObject(order)})
		}
	}
	return now
}

// garbageCollect removes an order some time after it has ended. It stays while the Secret that it drew on holds the
// TransferId that it has spent: without the order, a later request would take the old credentials for new ones.
func (r *Reconciler) garbageCollect(ctx context.Context, order *v1alpha1.VeroOrder) (ctrl.Result, error) {
	if order.Status.CompletionTime == nil {
		return ctrl.Result{}, nil
	}
	if left := r.keptUntil(order).Sub(r.Clock.Now()); left > 0 {
		return ctrl.Result{RequeueAfter: left}, nil
	}
	held, err := r.holdsTransferID(ctx, order)
	if err != nil {
		return ctrl.Result{}, err
	}
	if held {
		return ctrl.Result{RequeueAfter: credentialsCheck}, nil
	}
	precondition := client.Preconditions{UID: &order.UID, ResourceVersion: &order.ResourceVersion}
	err = client.IgnoreNotFound(r.Client.Delete(ctx, order, precondition))
	if err != nil {
		return ctrl.Result{}, fmt.Errorf("delete: %w", err)
	}
	ctrl.LoggerFrom(ctx).Info("VeroOrder removed", "completionTime", order.Status.CompletionTime.Time)
	return ctrl.Result{}, nil
}

func (r *Reconciler) holdsTransferID(ctx context.Context, order *v1alpha1.VeroOrder) (bool, error) {
	if order.Spec.Transfer == nil {
		return false, nil
	}
	transfer, err := secrets.ReadTransfer(ctx, r.Reader,
		types.NamespacedName{Namespace: order.Namespace, Name: order.Spec.Transfer.SecretName})
	if unusable, ok := errors.AsType[*secrets.UnusableError](err); ok {
		return unusable.Unread, nil
	}
	return transfer.IDDigest() == order.Spec.Transfer.TransferIDDigest, err
}
