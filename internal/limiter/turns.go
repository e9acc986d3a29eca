package limiter

import (
	"sync"

	"k8s.io/apimachinery/pkg/types"
)

// Turns bound for how many requests an order is made before it can be sent: the others wait without one. What has been
// found out for an order is then not out of date when it is sent, and of a thousand requests at once no more than these
// have orders that wait. A turn begins with a request, passes to the order that is made for it, and is left when that
// has a slot of its own, or needs none. Nil ones bound nothing.
type Turns struct {
	limiter *Limiter
	mutex   sync.Mutex
	// begun are the turns of requests, passed those of orders.
	begun  map[types.NamespacedName]*Taken
	passed map[types.NamespacedName]passed
	// orders are those that requests have passed their turns to.
	orders map[types.NamespacedName]types.NamespacedName
}

// passed is the turn of an order, and the request that it is from.
type passed struct {
	taken   *Taken
	request types.NamespacedName
}

// NewTurns makes Turns for a number of workers, and for issuers with perIssuer slots each. An order takes a moment from
// its creation to its call; there are enough turns for the next ones meanwhile. Those of a VeroClusterIssuer are for
// each namespace: the orders of one whose share of the slots is taken by other issuers keep theirs for long.
func NewTurns(workers, perIssuer int) *Turns {
	const ahead = 4
	return &Turns{
		limiter: New(ahead*workers, ahead*perIssuer),
		begun:   map[types.NamespacedName]*Taken{}, passed: map[types.NamespacedName]passed{},
		orders: map[types.NamespacedName]types.NamespacedName{},
	}
}

// OnGrant sets what is told which request's turn it is. It must not call the Turns.
func (t *Turns) OnGrant(wake func(types.NamespacedName)) {
	if t != nil {
		t.limiter.OnGrant(wake)
	}
}

// Begin takes a turn for a request, until End. If there is none, the request is woken when there is, and has to Begin
// or Forget then. The order that it has passed a turn to before is gone.
func (t *Turns) Begin(request types.NamespacedName, wanted Slot) bool {
	if t == nil {
		return true
	}
	t.Abandon(request)
	wanted.Issuer.Namespace = wanted.Namespace
	taken, free := t.limiter.Acquire(request, wanted)
	if free {
		t.End(request)
		t.mutex.Lock()
		defer t.mutex.Unlock()
		t.begun[request] = taken
	}
	return free
}

// Forget takes a request out of its line that needs no turn any more, or gives the turn back that it was woken for.
func (t *Turns) Forget(request types.NamespacedName) {
	if t != nil {
		t.limiter.Forget(request)
	}
}

// Pass lets an order have the turn of a request, until Leave. It comes before the order is made: whoever is told of
// that may be faster than the answer.
func (t *Turns) Pass(request, order types.NamespacedName) {
	if t == nil {
		return
	}
	if taken := t.endRequest(request); taken != nil {
		t.Leave(order)
		t.mutex.Lock()
		defer t.mutex.Unlock()
		t.passed[order], t.orders[request] = passed{taken, request}, order
	}
}

// End ends the turn of a request, unless it has passed it on.
func (t *Turns) End(request types.NamespacedName) {
	if t != nil {
		release(t.endRequest(request))
	}
}

// Leave ends the turn of an order.
func (t *Turns) Leave(order types.NamespacedName) {
	if t != nil {
		release(t.endOrder(order))
	}
}

// Abandon ends the turn that a request has passed on, if it was not left: of an order that comes and goes while a watch
// is interrupted nobody else learns.
func (t *Turns) Abandon(request types.NamespacedName) {
	if t == nil {
		return
	}
	t.mutex.Lock()
	order, known := t.orders[request]
	t.mutex.Unlock()
	if known {
		t.Leave(order)
	}
}

func (t *Turns) endRequest(request types.NamespacedName) *Taken {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	taken := t.begun[request]
	delete(t.begun, request)
	return taken
}

func (t *Turns) endOrder(order types.NamespacedName) *Taken {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	left := t.passed[order]
	delete(t.passed, order)
	if t.orders[left.request] == order {
		delete(t.orders, left.request)
	}
	return left.taken
}

func release(taken *Taken) {
	if taken != nil {
		taken.Release()
	}
}
