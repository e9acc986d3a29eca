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

// concurrentControllers are two controllers that both believe to be the only one. Where they create an order, and where
// they write the intent, they have both read and decided before either of them writes.
type concurrentControllers struct {
	environment *environment
	one, two    *controller
	// unprotect takes a protection away from a write.
	unprotect func(step)
	mutex     sync.Mutex
}

func newConcurrentControllers(t *testing.T, unprotect func(*environment, step)) *concurrentControllers {
	t.Helper()
	s := newEnvironment(t, scenario{})
	s.writtenIntents = true
	pair := &concurrentControllers{environment: s, unprotect: func(step step) { unprotect(s, step) }}
	pair.one, pair.two = s.startController(passThrough), s.startController(passThrough)
	return pair
}

// decide lets both look at an object, each at its own, and write only when both have decided to do so.
func (p *concurrentControllers) decide(
	name string, reconciler func(*controller) reconcile.Reconciler, first, second types.NamespacedName,
) {
	p.environment.Helper()
	var decided, ended sync.WaitGroup
	decided.Add(2)
	for controller, object := range map[*controller]types.NamespacedName{p.one: first, p.two: second} {
		met := false
		controller.intercept = func(s step, act func() error) error {
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
			p.unprotect(s)
			return act()
		}
		ended.Go(func() {
			if _, _, err := controller.reconcile(reconciler(controller), object); err != nil {
				p.environment.Error(err)
			}
			if !met {
				p.environment.Errorf("one of the two has not come to %q", name)
				decided.Done()
			}
		})
	}
	ended.Wait()
	p.one.intercept, p.two.intercept = passThrough, passThrough
}

// submit lets both create an order and send its request, and tells how often the service was called.
func (p *concurrentControllers) submit() (orders, calls int) {
	p.environment.Helper()
	request := client.ObjectKeyFromObject(p.environment.request())
	p.decide(createOrder, func(w *controller) reconcile.Reconciler { return w.requests }, request, request)
	made := p.environment.orders()
	p.decide(writeSubmitting, func(w *controller) reconcile.Reconciler { return w.orders },
		client.ObjectKeyFromObject(&made[0]), client.ObjectKeyFromObject(&made[len(made)-1]))
	return len(made), len(p.environment.requestLog(signNew))
}

func TestOfTwoControllersOneCallsTheService(t *testing.T) {
	t.Parallel()
	pair := newConcurrentControllers(t, func(*environment, step) {})
	if orders, calls := pair.submit(); orders != 1 || calls != 1 {
		t.Errorf("there are %d orders, and the service was called %d times", orders, calls)
	}
	pair.two.work()
	pair.one.work()
	pair.environment.verify(false, cost{})
}

// TestWhatAControllerHasMadeOthersLeaveToIt for a moment, in which it sends the request without another intent.
func TestWhatAControllerHasMadeOthersLeaveToIt(t *testing.T) {
	t.Parallel()
	s := newEnvironment(t, scenario{})
	one, two := s.startController(passThrough), s.startController(passThrough)
	_, _, err := one.reconcile(one.requests, client.ObjectKeyFromObject(s.request()))
	s.must(err)
	made := client.ObjectKeyFromObject(&s.orders()[0])
	for i, controller := range []*controller{two, one} {
		_, _, err := controller.reconcile(controller.orders, made)
		s.must(err)
		if calls := len(s.requestLog(signNew)); calls != i {
			t.Errorf("the service was called %d times", calls)
		}
	}
	if steps := two.steps; len(steps) > 0 {
		t.Errorf("the other one has done %q", steps)
	}
}

// TestWithoutTheResourceVersionOfTheIntentBothCallTheService: it is the resourceVersion that protects.
func TestWithoutTheResourceVersionOfTheIntentBothCallTheService(t *testing.T) {
	t.Parallel()
	pair := newConcurrentControllers(t, func(s *environment, step step) {
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
	pair := newConcurrentControllers(t, func(_ *environment, step step) {
		if step.name == createOrder {
			step.object.SetName(fmt.Sprintf("%s-%p", step.object.GetName(), step.object))
		}
	})
	if orders, calls := pair.submit(); orders != 2 || calls != 2 {
		t.Errorf("there are %d orders, and the service was called %d times", orders, calls)
	}
}
