// Package limiter shares out what waits for somebody outside the cluster: calls to certificate services, and handshakes
// with them. Whoever may create an issuer chooses the address that it names, and an address may answer nothing for as
// long as a call may take. So an issuer gets a few slots, a namespace a share of all of them, and who gets none waits
// without keeping a worker from others.
package limiter

import (
	"context"
	"sync"

	"k8s.io/apimachinery/pkg/types"
)

// Limiter bounds how many objects are worked on at once: of each issuer, of each namespace, and in all. What is too
// much waits in order of arrival; namespaces take turns, and so do the issuers within one.
type Limiter struct {
	most, perIssuer int
	mutex           sync.Mutex
	// running counts the objects that are in a slot.
	running sync.WaitGroup
	// wake is told whose turn it is.
	wake func(types.NamespacedName)
	// busy counts the slots that are taken or granted, in all and of each issuer and namespace.
	busy        int
	ofIssuer    map[Issuer]int
	ofNamespace map[string]int
	// waiting are the objects that want a slot; granted are those whose turn it is.
	waiting waiting
	granted map[types.NamespacedName]Slot
}

// Issuer names an issuer. The namespace of a VeroClusterIssuer is empty.
type Issuer struct{ Kind, Namespace, Name string }

// Slot is what an object asks for: one of an issuer's, out of the share of a namespace.
type Slot struct {
	Issuer    Issuer
	Namespace string
}

// New makes a Limiter of so many slots in all, and so many of them for one issuer. A namespace gets no more of them
// than it leaves free, so at most half, and less beside others. Its first slot it gets even where none is left, as long
// as there are not twice as many taken: that many namespaces would have to work together to keep another one waiting.
func New(most, perIssuer int) *Limiter {
	return &Limiter{
		most: most, perIssuer: perIssuer, wake: func(types.NamespacedName) {},
		ofIssuer: map[Issuer]int{}, ofNamespace: map[string]int{}, granted: map[types.NamespacedName]Slot{},
	}
}

// Workers is how many workers a controller needs so that one is left for those who wait for a slot, whoever is in one.
func (l *Limiter) Workers() int { return l.limit() + l.most }

// limit is the largest number of slots that are taken at once.
func (l *Limiter) limit() int { return 2 * l.most }

// OnGrant sets what is told whose turn it is. It must not call the Limiter.
func (l *Limiter) OnGrant(wake func(types.NamespacedName)) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.wake = wake
}

// Acquire takes a slot for an object if it is its turn; Release gives it back. If it is not, the object is woken when
// it is, and has to Acquire or Forget then.
func (l *Limiter) Acquire(name types.NamespacedName, wanted Slot) (taken *Taken, free bool) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if taken, granted := l.granted[name]; granted {
		wanted = taken
		delete(l.granted, name)
	} else if l.free(wanted) {
		l.take(wanted)
	} else {
		l.waiting.add(wanted, name)
		return nil, false
	}
	l.running.Add(1)
	return &Taken{limiter: l, slot: wanted}, true
}

// Taken is a slot that an object is in. It is not safe for concurrent use.
type Taken struct {
	limiter *Limiter
	slot    Slot
	// called: the issuer has got its slot back already.
	called bool
}

// EndCall gives the slot back to its issuer: nobody calls its service in it any more. What is left to do, to write down
// the outcome, is at the expense of the namespace until Release, as it may take long there.
func (t *Taken) EndCall() {
	if t == nil || t.called {
		return
	}
	t.limiter.mutex.Lock()
	defer t.limiter.mutex.Unlock()
	t.called = true
	decrease(t.limiter.ofIssuer, t.slot.Issuer)
	t.limiter.handOver()
}

// Release gives all of the slot back.
func (t *Taken) Release() {
	t.limiter.mutex.Lock()
	defer t.limiter.mutex.Unlock()
	t.limiter.giveBack(t.slot, t.called)
	t.limiter.running.Done()
}

// Waits reports whether an object waits for a slot.
func (l *Limiter) Waits(name types.NamespacedName) bool {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	_, known := l.waiting.known[name]
	return known
}

// Forget takes an object out of its line that needs no slot any more, or gives the slot back that it was woken for.
func (l *Limiter) Forget(name types.NamespacedName) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if in, waits := l.waiting.known[name]; waits {
		l.waiting.remove(in, name)
	}
	if taken, granted := l.granted[name]; granted {
		delete(l.granted, name)
		l.giveBack(taken, false)
	}
}

// Drain returns when nobody is in a slot, or when the context ends. A controller that has lost its lease is stopped
// without being asked to finish; what it has sent it has to record all the same.
func (l *Limiter) Drain(ctx context.Context) {
	empty := make(chan struct{})
	go func() { l.running.Wait(); close(empty) }()
	select {
	case <-empty:
	case <-ctx.Done():
	}
}

// free reports whether a slot may be taken.
func (l *Limiter) free(wanted Slot) bool {
	if l.ofIssuer[wanted.Issuer] >= l.perIssuer {
		return false
	}
	share := l.ofNamespace[wanted.Namespace]
	return share < l.most-l.busy || share == 0 && l.busy < l.limit()
}

func (l *Limiter) take(wanted Slot) {
	l.busy++
	l.ofIssuer[wanted.Issuer]++
	l.ofNamespace[wanted.Namespace]++
}

// giveBack frees a slot, or what is left of it after its call.
func (l *Limiter) giveBack(taken Slot, called bool) {
	l.busy--
	if !called {
		decrease(l.ofIssuer, taken.Issuer)
	}
	decrease(l.ofNamespace, taken.Namespace)
	l.handOver()
}

// handOver grants what is free to those who wait.
func (l *Limiter) handOver() {
	for {
		name, wanted, found := l.waiting.next(l.free)
		if !found {
			return
		}
		l.take(wanted)
		l.granted[name] = wanted
		l.wake(name)
	}
}

func decrease[K comparable](counts map[K]int, key K) {
	if counts[key]--; counts[key] == 0 {
		delete(counts, key)
	}
}
