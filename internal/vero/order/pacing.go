package order

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/vero/orderstate"
)

// silentPause is how long an order waits for the end of its pause without saying so.
const silentPause = 30 * time.Second

// pacing lets calls that were interrupted be made again one after the other. A response may be what has ended the
// controller before, and must not end this one before it has served anybody. What it goes by is in the orders, as they
// were when the controller started; in memory is only what has been done about it since.
type pacing struct {
	mutex   sync.Mutex
	planned bool
	started time.Time
	plan    orderstate.Resumptions
	// next is when the next interrupted call may be made.
	next time.Time
	// turns are those of other orders of suspected namespaces, and nextTurn is the first that is free.
	turns    map[types.NamespacedName]time.Time
	nextTurn time.Time
}

// pace holds an order back that must not call the service yet. A result of zero lets it go on. One that this process
// has made and not sent says so at once: its creation has told everybody else that it is being sent.
func (r *Reconciler) pace(ctx context.Context, order *v1alpha1.VeroOrder, own bool) (ctrl.Result, error) {
	if err := r.planResumptions(ctx); err != nil {
		return ctrl.Result{}, err
	}
	now := r.Clock.Now()
	until := r.pacing.until(order, now)
	if !until.After(now) {
		return ctrl.Result{}, nil
	}
	if own || until.Sub(now) > silentPause {
		err := r.update(ctx, order, func(order *v1alpha1.VeroOrder) {
			orderstate.RecordWaiting(order, held(order, until), now)
		})
		if err != nil {
			return ctrl.Result{}, err
		}
	}
	return ctrl.Result{RequeueAfter: r.until(until)}, nil
}

// planResumptions looks once at all orders, which the cache knows before the first one is reconciled.
func (r *Reconciler) planResumptions(ctx context.Context) error {
	r.pacing.mutex.Lock()
	defer r.pacing.mutex.Unlock()
	if r.pacing.planned {
		return nil
	}
	known := &v1alpha1.VeroOrderList{}
	if err := r.Client.List(ctx, known, client.UnsafeDisableDeepCopy); err != nil {
		return fmt.Errorf("find the orders that an earlier controller has left in the middle of a call: %w", err)
	}
	for i := range known.Items { // which are copies
		if order := &known.Items[i]; r.Creations.Own(order) {
			orderstate.Recall(order, true)
		}
	}
	r.pacing.begin(known.Items, r.Clock.Now())
	if number := len(r.pacing.plan.At); number > 0 {
		ctrl.LoggerFrom(ctx).Info("an earlier controller has ended in the middle of calls; they are made again one a second",
			"orders", number)
	}
	return nil
}

// held is what an order says of itself in a long pause.
func held(order *v1alpha1.VeroOrder, until time.Time) orderstate.Action {
	again := until.UTC().Format(time.RFC3339)
	action := orderstate.Action{Verb: orderstate.Wait, Reason: v1alpha1.ReasonUncertain, Message: fmt.Sprintf(
		"the controller has ended in the middle of each of the last %d calls for VeroOrders of this namespace; perhaps a "+
			"response of the service ends it; see the log of the ended container; VeroOrder %s goes on at %s",
		order.Status.Interruptions+1, order.Name, again)}
	switch {
	case orderstate.OnlyMade(order):
		action.Message = fmt.Sprintf("an earlier controller has ended after it had made VeroOrder %s, and perhaps in the "+
			"middle of its call; it goes on at %s", order.Name, again)
	case !orderstate.Interrupted(order):
		action.Reason = v1alpha1.ReasonRetryingSubmission
		action.Message = fmt.Sprintf("the controller has ended in the middle of calls for other VeroOrders of this "+
			"namespace; perhaps a response of their service ends it; VeroOrder %s goes on at %s", order.Name, again)
	}
	if order.Status.State == v1alpha1.VeroOrderSubmitted {
		action.Reason = v1alpha1.ReasonAwaitingCertificate
	}
	return action
}

// begin starts the time of a controller.
func (p *pacing) begin(orders []v1alpha1.VeroOrder, now time.Time) {
	p.planned, p.started, p.plan = true, now, orderstate.PlanResumptions(orders, now)
	p.turns = map[types.NamespacedName]time.Time{}
}

// until is when an order may call the service; not after now for at once.
func (p *pacing) until(order *v1alpha1.VeroOrder, now time.Time) time.Time {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	name := client.ObjectKeyFromObject(order)
	if orderstate.Interrupted(order) {
		return p.resume(name, now)
	}
	p.resolve(name)
	suspicion, suspected := p.suspicion(order.Namespace, now)
	if !suspected || order.Status.CompletionTime != nil {
		return now
	}
	return p.turn(name, suspicion, now)
}

// turn is when another order of a suspected namespace may call: one a second, and all of them when it is over.
func (p *pacing) turn(name types.NamespacedName, suspicion orderstate.Suspicion, now time.Time) time.Time {
	turn, waits := p.turns[name]
	if !waits {
		turn = latest(suspicion.From, p.nextTurn, now)
		if turn.After(suspicion.Until) {
			return suspicion.Until
		}
		p.turns[name], p.nextTurn = turn, turn.Add(time.Second)
	}
	if !turn.After(now) {
		delete(p.turns, name)
	}
	return turn
}

// resume lets an interrupted call be made again when it is planned, and no other within a second.
func (p *pacing) resume(name types.NamespacedName, now time.Time) time.Time {
	due := latest(p.plan.At[name], p.next, now)
	if !due.After(now) {
		p.next = now.Add(time.Second)
	}
	return due
}

// suspicion is what has to be minded with a namespace that has several interrupted orders. A single one is minded
// itself; the others of its namespace need not wait for it.
func (p *pacing) suspicion(namespace string, now time.Time) (suspicion orderstate.Suspicion, suspected bool) {
	const several = 2
	suspicion = p.plan.Namespaces[namespace]
	return suspicion, len(suspicion.Interrupted) >= several && now.Before(suspicion.Until)
}

// resolve forgets an order whose call has an outcome by now.
func (p *pacing) resolve(name types.NamespacedName) {
	suspicion, known := p.plan.Namespaces[name.Namespace]
	if !known {
		return
	}
	suspicion.Interrupted = slices.DeleteFunc(suspicion.Interrupted,
		func(interrupted types.NamespacedName) bool { return interrupted == name })
	p.plan.Namespaces[name.Namespace] = suspicion
}

// interruptions is what the intent of a call for an order has to say.
func (p *pacing) interruptions(order *v1alpha1.VeroOrder, now time.Time) int32 {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	suspicion, suspected := p.suspicion(order.Namespace, now)
	if suspected || orderstate.Interrupted(order) && !orderstate.OnlyMade(order) {
		return max(suspicion.Interruptions, order.Status.Interruptions+1)
	}
	return 0
}

// needsIntent reports whether a poll has to be announced: an earlier controller may have ended in it, or the namespace
// is suspected.
func (p *pacing) needsIntent(order *v1alpha1.VeroOrder, now time.Time) bool {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	_, suspected := p.suspicion(order.Namespace, now)
	return suspected || orderstate.Interrupted(order) || orderstate.PollOverdue(order, p.started)
}

func latest(moments ...time.Time) time.Time { return slices.MaxFunc(moments, time.Time.Compare) }
