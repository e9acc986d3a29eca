package crash_test

import (
	"fmt"
	"sync"
	"testing"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
)

// twins are two controllers that both believe to be the only one. Where they create an order, and where they write the
// intent, they have both read and decided before either of them writes.
type twins struct {
	stage    *stage
	one, two *world
	// spoil takes a protection away from a write.
	spoil func(step)
	mutex sync.Mutex
}

func newTwins(t *testing.T, spoil func(*stage, step)) *twins {
	t.Helper()
	s := set(t, scenario{})
	pair := &twins{stage: s, spoil: func(step step) { spoil(s, step) }}
	pair.one, pair.two = s.start(open), s.start(open)
	return pair
}

// decide lets both look at an object, each at its own, and write only when both have decided to do so.
func (p *twins) decide(
	name string, reconciler func(*world) reconcile.Reconciler, first, second types.NamespacedName,
) {
	p.stage.Helper()
	var decided, ended sync.WaitGroup
	decided.Add(2)
	for world, object := range map[*world]types.NamespacedName{p.one: first, p.two: second} {
		met := false
		world.intercept = func(s step, act func() error) error {
			if s.name == name && !met {
				met = true
				decided.Done()
				decided.Wait()
			}
			if s.isCall() {
				return act()
			}
			p.mutex.Lock() // what a spoilt write reads must still hold when it writes
			defer p.mutex.Unlock()
			p.spoil(s)
			return act()
		}
		ended.Go(func() {
			if _, _, err := world.reconcile(reconciler(world), object); err != nil {
				p.stage.Error(err)
			}
			if !met {
				p.stage.Errorf("one of the two has not come to %q", name)
				decided.Done()
			}
		})
	}
	ended.Wait()
	p.one.intercept, p.two.intercept = open, open
}

// submit lets both create an order and send its request, and tells how often the service was called.
func (p *twins) submit() (orders, calls int) {
	p.stage.Helper()
	request := client.ObjectKeyFromObject(p.stage.request())
	p.decide(createOrder, func(w *world) reconcile.Reconciler { return w.requests }, request, request)
	made := p.stage.orders()
	p.decide(writeSubmitting, func(w *world) reconcile.Reconciler { return w.orders },
		client.ObjectKeyFromObject(&made[0]), client.ObjectKeyFromObject(&made[len(made)-1]))
	return len(made), len(p.stage.requestLog(signNew))
}

func TestOfTwoControllersOneCallsTheService(t *testing.T) {
	t.Parallel()
	pair := newTwins(t, func(*stage, step) {})
	if orders, calls := pair.submit(); orders != 1 || calls != 1 {
		t.Errorf("there are %d orders, and the service was called %d times", orders, calls)
	}
	pair.two.play()
	pair.one.play()
	pair.stage.judge(false, cost{})
}

// TestWithoutTheResourceVersionOfTheIntentBothCallTheService: it is the resourceVersion that protects.
func TestWithoutTheResourceVersionOfTheIntentBothCallTheService(t *testing.T) {
	t.Parallel()
	pair := newTwins(t, func(s *stage, step step) {
		if step.name == writeSubmitting {
			latest := &v1alpha1.VeroOrder{}
			s.read(step.object.GetName(), latest)
			step.object.SetResourceVersion(latest.ResourceVersion)
		}
	})
	if orders, calls := pair.submit(); orders != 1 || calls != 2 {
		t.Errorf("there are %d orders, and the service was called %d times", orders, calls)
	}
}

// TestWithoutTheNameOfTheOrderBothCallTheService: it is the name that protects.
func TestWithoutTheNameOfTheOrderBothCallTheService(t *testing.T) {
	t.Parallel()
	pair := newTwins(t, func(_ *stage, step step) {
		if step.name == createOrder {
			step.object.SetName(fmt.Sprintf("%s-%p", step.object.GetName(), step.object))
		}
	})
	if orders, calls := pair.submit(); orders != 2 || calls != 2 {
		t.Errorf("there are %d orders, and the service was called %d times", orders, calls)
	}
}
