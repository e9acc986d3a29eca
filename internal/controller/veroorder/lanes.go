package veroorder

import (
	"context"
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
)

// Lanes bound how many orders of an issuer are worked on at once, and so the calls that its service has to bear. What
// is too much for one issuer waits in order of arrival, without keeping a worker from the orders of others.
type Lanes struct {
	most  int
	mutex sync.Mutex
	// running counts the orders that are in a lane.
	running sync.WaitGroup
	// wake is told whose turn it is.
	wake func(types.NamespacedName)
	// busy counts the lanes that are taken or given.
	busy map[lane]int
	// waiting are the orders that want a lane, the first one first; given are those whose turn it is.
	waiting map[lane][]types.NamespacedName
	given   map[types.NamespacedName]lane
}

// lane is that of an issuer. The namespace of a VeroClusterIssuer is empty.
type lane struct{ kind, namespace, name string }

// NewLanes makes lanes for so many orders of each issuer.
func NewLanes(most int) *Lanes {
	return &Lanes{
		most: most, wake: func(types.NamespacedName) {}, busy: map[lane]int{},
		waiting: map[lane][]types.NamespacedName{}, given: map[types.NamespacedName]lane{},
	}
}

// onTurn sets what is told whose turn it is.
func (l *Lanes) onTurn(wake func(types.NamespacedName)) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.wake = wake
}

// enter takes a lane for an order if it is its turn; leave gives it back. If it is not, the order is woken when it is.
func (l *Lanes) enter(order *v1alpha1.VeroOrder) (leave func(), free bool) {
	name, wanted := client.ObjectKeyFromObject(order), laneOf(order)
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if _, given := l.given[name]; given {
		delete(l.given, name)
	} else if l.busy[wanted] < l.most {
		l.busy[wanted]++
	} else {
		if !slices.Contains(l.waiting[wanted], name) {
			l.waiting[wanted] = append(l.waiting[wanted], name)
		}
		return nil, false
	}
	l.running.Add(1)
	return func() {
		l.mutex.Lock()
		defer l.mutex.Unlock()
		l.pass(wanted)
		l.running.Done()
	}, true
}

// Drain returns when nobody is in a lane, or when the context ends. A controller that has lost its lease is stopped
// without being asked to finish; what it has sent it has to record all the same.
func (l *Lanes) Drain(ctx context.Context) {
	empty := make(chan struct{})
	go func() { l.running.Wait(); close(empty) }()
	select {
	case <-empty:
	case <-ctx.Done():
	}
}

// forget takes an order out of the line that needs no lane any more.
func (l *Lanes) forget(name types.NamespacedName) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if taken, given := l.given[name]; given {
		delete(l.given, name)
		l.pass(taken)
	}
}

// pass hands a lane on to the next who waits.
func (l *Lanes) pass(taken lane) {
	if line := l.waiting[taken]; len(line) > 0 {
		l.waiting[taken], l.given[line[0]] = line[1:], taken
		l.wake(line[0])
		return
	}
	delete(l.waiting, taken)
	if l.busy[taken]--; l.busy[taken] == 0 {
		delete(l.busy, taken)
	}
}

func laneOf(order *v1alpha1.VeroOrder) lane {
	wanted := lane{kind: order.Spec.IssuerRef.Kind, namespace: order.Namespace, name: order.Spec.IssuerRef.Name}
	if wanted.kind == v1alpha1.KindVeroClusterIssuer {
		wanted.namespace = ""
	}
	return wanted
}
