// Package creation knows which VeroOrders this process has made and not sent yet. The creation of one is the intent to
// send it: to every other process it is in doubt until its status says more.
package creation

import (
	"crypto/rand"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/lru"
	"github.com/varmenne/varmenne-issuer/internal/vero/orderstate"
)

const (
	// intentHolds is how long after the creation of an order its request is sent without another write. Then somebody else
	// may take the order over; a write of the intent would be refused to the slower of the two.
	intentHolds = orderstate.CreatorsTime / 2
	// mostKept bounds how many are known. One that is forgotten is in doubt.
	mostKept = 4096
)

// Intents are those that this process has expressed by making orders. Nil ones express none.
type Intents struct {
	clock clock.PassiveClock
	kept  *lru.Cache[types.NamespacedName, intent]
}

type intent struct {
	id string
	at time.Time
}

// NewIntents makes some that know of no order.
func NewIntents(source clock.PassiveClock) *Intents {
	return &Intents{clock: source, kept: lru.New[types.NamespacedName, intent](mostKept)}
}

// Express writes into an order which is about to be made that it is sent right after. One that may exist already, which
// a cache or a lost answer does not tell, stays the process's own: the intent is the same, and as old.
func (i *Intents) Express(order *v1alpha1.VeroOrder) {
	if i == nil {
		return
	}
	name := client.ObjectKeyFromObject(order)
	expressed, known := i.kept.Get(name)
	if !known {
		expressed = intent{id: rand.Text(), at: i.clock.Now()}
	}
	if orderstate.IntendByCreation(order, expressed.id) {
		i.kept.Add(name, expressed)
	}
}

// Own reports whether an order was made by this process, which has not sent it. One that has gone on in another way,
// with a RetrievalId that somebody has brought say, is none any more, whatever a backup brings back of it.
func (i *Intents) Own(order *v1alpha1.VeroOrder) bool {
	if i == nil || order.Spec.IntentID == "" {
		return false
	}
	name := client.ObjectKeyFromObject(order)
	found, known := i.kept.Get(name)
	own := known && found.id == order.Spec.IntentID
	if own && !orderstate.IntendedByCreation(order) {
		i.kept.Remove(name)
		return false
	}
	return own
}

// Take forgets an order of its own that is about to be sent, and reports whether its creation is recent enough to be
// the intent; else that has to be written.
func (i *Intents) Take(name types.NamespacedName) (holds bool) {
	if i == nil {
		return false
	}
	found, known := i.kept.Get(name)
	if !known {
		return false
	}
	i.kept.Remove(name)
	// Not every clock goes on while a machine sleeps.
	age, wall := i.clock.Since(found.at), i.clock.Now().Round(0).Sub(found.at.Round(0))
	return min(age, wall) >= 0 && max(age, wall) <= intentHolds
}
