// Package lanes shares out what waits for somebody outside the cluster: calls to certificate services, and handshakes
// with them. Whoever may create an issuer chooses the address that it names, and an address may answer nothing for as
// long as a call may take. So an issuer gets a few lanes, a namespace a share of all of them, and who gets none waits
// without keeping a worker from others.
package lanes

import (
	"context"
	"sync"

	"k8s.io/apimachinery/pkg/types"
)

// Lanes bound how many objects are worked on at once: of each issuer, of each namespace, and in all. What is too much
// waits in order of arrival; namespaces take turns, and so do the issuers within one.
type Lanes struct {
	most, perIssuer int
	mutex           sync.Mutex
	// running counts the objects that are in a lane.
	running sync.WaitGroup
	// wake is told whose turn it is.
	wake func(types.NamespacedName)
	// busy counts the lanes that are taken or given, in all and of each issuer and namespace.
	busy        int
	ofIssuer    map[Issuer]int
	ofNamespace map[string]int
	// waiting are the objects that want a lane; given are those whose turn it is.
	waiting waiting
	given   map[types.NamespacedName]Lane
}

// Issuer names an issuer. The namespace of a VeroClusterIssuer is empty.
type Issuer struct{ Kind, Namespace, Name string }

// Lane is what an object asks for: one of an issuer's, out of the share of a namespace.
type Lane struct {
	Issuer    Issuer
	Namespace string
}

// New makes lanes: so many in all, and so many of them for one issuer. A namespace gets no more of them than it leaves
// free, so at most half, and less beside others. Its first lane it gets even where none is left, as long as there are
// not twice as many taken: that many namespaces would have to work together to keep another one waiting.
func New(most, perIssuer int) *Lanes {
	return &Lanes{
		most: most, perIssuer: perIssuer, wake: func(types.NamespacedName) {},
		ofIssuer: map[Issuer]int{}, ofNamespace: map[string]int{}, given: map[types.NamespacedName]Lane{},
	}
}

// Workers is how many workers a controller needs so that one is left for those who wait for a lane, whoever is in one.
func (l *Lanes) Workers() int { return l.limit() + l.most }

// limit is the largest number of lanes that are taken at once.
func (l *Lanes) limit() int { return 2 * l.most }

// OnTurn sets what is told whose turn it is. It must not call the Lanes.
func (l *Lanes) OnTurn(wake func(types.NamespacedName)) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.wake = wake
}

// Enter takes a lane for an object if it is its turn; leave gives it back. If it is not, the object is woken when it
// is, and has to Enter or Forget then.
func (l *Lanes) Enter(name types.NamespacedName, wanted Lane) (leave func(), free bool) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if taken, given := l.given[name]; given {
		wanted = taken
		delete(l.given, name)
	} else if l.free(wanted) {
		l.take(wanted)
	} else {
		l.waiting.add(wanted, name)
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

// Forget gives a lane back that an object was woken for and does not need any more.
func (l *Lanes) Forget(name types.NamespacedName) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if taken, given := l.given[name]; given {
		delete(l.given, name)
		l.pass(taken)
	}
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

// free reports whether a lane may be taken.
func (l *Lanes) free(wanted Lane) bool {
	if l.ofIssuer[wanted.Issuer] >= l.perIssuer {
		return false
	}
	share := l.ofNamespace[wanted.Namespace]
	return share < l.most-l.busy || share == 0 && l.busy < l.limit()
}

func (l *Lanes) take(wanted Lane) {
	l.busy++
	l.ofIssuer[wanted.Issuer]++
	l.ofNamespace[wanted.Namespace]++
}

// pass hands a lane on to those who wait.
func (l *Lanes) pass(taken Lane) {
	l.busy--
	decrease(l.ofIssuer, taken.Issuer)
	decrease(l.ofNamespace, taken.Namespace)
	for {
		name, wanted, found := l.waiting.next(l.free)
		if !found {
			return
		}
		l.take(wanted)
		l.given[name] = wanted
		l.wake(name)
	}
}

func decrease[K comparable](counts map[K]int, key K) {
	if counts[key]--; counts[key] == 0 {
		delete(counts, key)
	}
}
