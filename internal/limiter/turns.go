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
	begun, passed map[types.NamespacedName]*Taken
}

// NewTurns makes Turns for a number of workers, and for issuers with perIssuer slots each. An order takes a moment from
// its creation to its call; there are enough turns for the next ones meanwhile.
func NewTurns(workers, perIssuer int) *Turns {
	const ahead = 4
	return &Turns{
		limiter: New(ahead*workers, ahead*perIssuer),
		begun:   map[types.NamespacedName]*Taken{}, passed: map[types.NamespacedName]*Taken{},
	}
}

// OnGrant sets what is told which request's turn it is. It must not call the Turns.
func (t *Turns) OnGrant(wake func(types.NamespacedName)) {
	if t != nil {
		t.limiter.OnGrant(wake)
	}
}

// Begin takes a turn for a request, until End. If there is none, the request is woken when there is, and has to Begin
// or Forget then.
func (t *Turns) Begin(request types.NamespacedName, wanted Slot) bool {
	if t == nil {
		return true
	}
	taken, free := t.limiter.Acquire(request, wanted)
	if free {
		t.put(t.begun, request, taken)
	}
	return free
}

// Forget gives the turn back that a request was woken for and does not need any more.
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
	if taken := t.take(t.begun, request); taken != nil {
		t.put(t.passed, order, taken)
	}
}

// End ends the turn of a request, unless it has passed it on.
func (t *Turns) End(request types.NamespacedName) {
	if t != nil {
		release(t.take(t.begun, request))
	}
}

// Leave ends the turn of an order.
func (t *Turns) Leave(order types.NamespacedName) {
	if t != nil {
		release(t.take(t.passed, order))
	}
}

// put keeps what was taken; what was kept under the name before is given back.
func (t *Turns) put(turns map[types.NamespacedName]*Taken, name types.NamespacedName, taken *Taken) {
	release(t.take(turns, name))
	t.mutex.Lock()
	defer t.mutex.Unlock()
	turns[name] = taken
}

func (t *Turns) take(turns map[types.NamespacedName]*Taken, name types.NamespacedName) *Taken {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	taken := turns[name]
	delete(turns, name)
	return taken
}

func release(taken *Taken) {
	if taken != nil {
		taken.Release()
	}
}
