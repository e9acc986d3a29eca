package veroorder

import (
	"sync"
	"time"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
)

// busyPause is after what time an order looks again for a free lane of its issuer.
const busyPause = 250 * time.Millisecond

// Lanes bound how many orders of an issuer are worked on at once, and so the calls that its service has to bear. What
// is too much for one issuer waits, without keeping a worker from the orders of others.
type Lanes struct {
	most  int
	mutex sync.Mutex
	busy  map[lane]int
}

// lane is that of an issuer. The namespace of a VeroClusterIssuer is empty.
type lane struct{ kind, namespace, name string }

// NewLanes makes lanes for so many orders of each issuer.
func NewLanes(most int) *Lanes { return &Lanes{most: most, busy: map[lane]int{}} }

// enter takes a lane for an order if one is free; leave gives it back.
func (l *Lanes) enter(order *v1alpha1.VeroOrder) (leave func(), free bool) {
	wanted := lane{kind: order.Spec.IssuerRef.Kind, namespace: order.Namespace, name: order.Spec.IssuerRef.Name}
	if wanted.kind == v1alpha1.KindVeroClusterIssuer {
		wanted.namespace = ""
	}
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if l.busy[wanted] >= l.most {
		return nil, false
	}
	l.busy[wanted]++
	return func() { l.leave(wanted) }, true
}

func (l *Lanes) leave(taken lane) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if l.busy[taken]--; l.busy[taken] == 0 {
		delete(l.busy, taken)
	}
}
