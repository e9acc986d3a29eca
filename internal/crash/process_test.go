package crash_test

import (
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/apitest"
	"github.com/varmenne/varmenne-issuer/internal/kube/status"
)

// process is what all controllers have that run, whatever they serve: what they do outside are steps, and all that they
// remember ends with them.
type process struct {
	base     *base
	requests reconcile.Reconciler
	orders   reconcile.Reconciler
	events   *events.FakeRecorder
	indexes  apitest.Indexes
	queue    queue
	// eventful reports whether events are steps.
	eventful bool
	// beforeRead is asked before every read.
	beforeRead func() error
	// stale are the orders that a cache which lags behind shows; nil for one that does not.
	stale []client.Object

	mutex     sync.Mutex
	intercept interceptor
	steps     []string // all that was tried
	done      []string // and has not failed
}

// start starts a process that remembers nothing.
func (b *base) start(intercept interceptor) *process {
	const enough = 1000
	return &process{
		base: b, events: events.NewFakeRecorder(enough), queue: queue{}, indexes: apitest.Indexes{},
		beforeRead: func() error { return nil }, intercept: intercept,
	}
}

// access is the process's way to the API server, recorder that for its events.
func (p *process) access() stepClient { return stepClient{server.Client, p} }

// outlines is the process's cache, as far as it keeps outlines.
func (p *process) outlines() laggingClient { return laggingClient{stepClient{server.Outlines, p}} }

func (p *process) recorder() status.Events {
	return status.Events{Recorder: stepRecorder{p.events, p}}
}

// do counts a step and lets the interceptor decide.
func (p *process) do(name string, object object, act func() error) error {
	p.mutex.Lock()
	p.steps = append(p.steps, name)
	s := step{number: len(p.steps), name: name, object: object}
	p.mutex.Unlock()
	return p.intercept(s, func() error {
		err := act()
		if err == nil {
			p.mutex.Lock()
			p.done = append(p.done, name)
			p.mutex.Unlock()
		}
		return err
	})
}

func (p *process) stepCount() int {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return len(p.steps)
}

// reconcile lets a reconciler look at one object, and tells whether the controller is still there after it.
func (p *process) reconcile(
	reconciler reconcile.Reconciler, name types.NamespacedName,
) (result ctrl.Result, alive bool, err error) {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		result, err = reconciler.Reconcile(p.base.Context(), reconcile.Request{NamespacedName: name})
		alive = true
	}()
	<-ended
	return result, alive, err
}

func (p *process) workOn(workItem workItem) (alive bool) {
	workItem.task.due = time.Time{}
	result, alive, err := p.reconcile(workItem.reconciler, workItem.name)
	if err == nil {
		workItem.task.failures = 0
	}
	switch {
	case err != nil:
		workItem.task.due = p.base.clock.Now().Add(backoff << min(workItem.task.failures, slowest))
		workItem.task.failures++
	case result.RequeueAfter > 0:
		workItem.task.due = p.base.clock.Now().Add(result.RequeueAfter)
	}
	return alive
}

func (p *process) workItems(
	earlier queue, reconciler reconcile.Reconciler, object client.Object, cause string,
) []workItem {
	key := keyOf(object)
	known := earlier[key]
	if known == nil {
		known = &task{}
	}
	p.queue[key] = known
	if order, isOrder := object.(*v1alpha1.VeroOrder); isOrder {
		known.state = order.Status.State
	}
	if known.cause == cause && (known.due.IsZero() || p.base.clock.Now().Before(known.due)) {
		return nil
	}
	known.cause = cause
	return []workItem{{known, reconciler, client.ObjectKeyFromObject(object)}}
}

// next is when the first of the objects that are there wants to be looked at, zero if none does.
func (p *process) next() time.Time {
	var dues []time.Time
	for _, task := range p.queue {
		if !task.due.IsZero() {
			dues = append(dues, task.due)
		}
	}
	if len(dues) == 0 {
		return time.Time{}
	}
	return slices.MinFunc(dues, time.Time.Compare)
}
