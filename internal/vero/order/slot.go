package order

import (
	"context"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/kube/find"
	"github.com/varmenne/varmenne-issuer/internal/limiter"
	"github.com/varmenne/varmenne-issuer/internal/vero/orderstate"
)

// Priorities in the queue: an order whose certificate is to be asked for goes before those that are to be sent.
const (
	submitPriority = 0
	pollPriority   = 1
)

// priorityOf is that of an order.
func priorityOf(order *v1alpha1.VeroOrder) *int {
	if orderstate.StateOf(order) == v1alpha1.VeroOrderSubmitted {
		return new(pollPriority)
	}
	return new(submitPriority)
}

// enter takes a slot for the call that an order may make; nil where it makes none, and needs none.
func (r *Reconciler) enter(order *v1alpha1.VeroOrder, call orderstate.Verb) (slot *limiter.Taken, free bool) {
	name := client.ObjectKeyFromObject(order)
	switch call {
	case orderstate.Submit:
		r.Calls.Polls.Forget(name)
		return r.Calls.Submissions.Acquire(name, slotOf(order))
	case orderstate.Poll:
		r.Calls.Submissions.Forget(name)
		return r.Calls.Polls.Acquire(name, slotOf(order))
	default:
		r.Calls.Forget(name)
		return nil, true
	}
}

// slotOf is what an order asks for: a slot of its issuer's, out of its namespace's share.
func slotOf(order *v1alpha1.VeroOrder) limiter.Slot {
	return find.Slot(order.Namespace, order.Spec.IssuerRef.Kind, order.Spec.IssuerRef.Name)
}

// leaveTurn lets the next order be made, unless this one waits to be sent.
func (r *Reconciler) leaveTurn(name types.NamespacedName) {
	if !r.Calls.Submissions.Waits(name) {
		r.Turns.Leave(name)
	}
}

// grants lets the limiters wake an order when it is its turn.
func (r *Reconciler) grants(_ context.Context, queue workqueue.TypedRateLimitingInterface[reconcile.Request]) error {
	wake := func(priority int) func(types.NamespacedName) {
		return func(name types.NamespacedName) {
			request := reconcile.Request{NamespacedName: name}
			if byPriority, is := queue.(priorityqueue.PriorityQueue[reconcile.Request]); is {
				byPriority.AddWithOpts(priorityqueue.AddOpts{Priority: &priority}, request)
				return
			}
			queue.Add(request)
		}
	}
	r.Calls.OnGrant(wake(submitPriority), wake(pollPriority))
	return nil
}
