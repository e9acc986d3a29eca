package crash_test

import (
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/apitest"
	"github.com/varmenne/varmenne-issuer/internal/gate"
	"github.com/varmenne/varmenne-issuer/internal/kube/find"
	"github.com/varmenne/varmenne-issuer/internal/kube/status"
	"github.com/varmenne/varmenne-issuer/internal/limiter"
	"github.com/varmenne/varmenne-issuer/internal/metrics"
	"github.com/varmenne/varmenne-issuer/internal/secrets"
	"github.com/varmenne/varmenne-issuer/internal/vero/backend"
	veroclient "github.com/varmenne/varmenne-issuer/internal/vero/client"
	veroorder "github.com/varmenne/varmenne-issuer/internal/vero/order"
)

// controller is a running controller: all that it remembers, and all that ends with it.
type controller struct {
	environment     *environment
	controllerClock *controllerClock
	requests        reconcile.Reconciler
	orders          reconcile.Reconciler
	events          *events.FakeRecorder
	indexes         apitest.Indexes
	queue           queue
	issuanceTimeout time.Duration
	// eventful reports whether events are steps.
	eventful bool
	// enough is asked whether there is anything more to wait for.
	enough func(view) bool
	// beforeRead is asked before every read.
	beforeRead func() error
	// stale are the orders that a cache which lags behind shows to requests; nil for one that does not.
	stale []v1alpha1.VeroOrder

	mutex     sync.Mutex
	intercept interceptor
	steps     []string
}

// startController starts a controller that remembers nothing.
func (s *environment) startController(intercept interceptor) *controller {
	s.Helper()
	const enough = 1000
	w := &controller{
		environment: s, controllerClock: &controllerClock{steppingClock: s.clock},
		events: events.NewFakeRecorder(enough), queue: queue{}, indexes: apitest.Indexes{},
		issuanceTimeout: issuanceTimeout, enough: func(now view) bool { return s.done && now.finished() },
		beforeRead: func() error { return nil }, intercept: intercept,
	}
	numbers, err := metrics.New(prometheus.NewPedanticRegistry())
	s.must(err)
	s.must(find.Index(s.Context(), w.indexes))
	access, recorder := stepClient{server.Client, w}, status.Events{Recorder: stepRecorder{w.events, w}}
	w.requests = &gate.Reconciler{Options: gate.Options{
		Client: laggingClient{access}, Reader: access, Clock: w.controllerClock, Events: recorder, Metrics: numbers,
		Backends: []gate.Backend{&backend.Backend{Client: laggingClient{access}, Reader: access}},
	}}
	w.orders = &veroorder.Reconciler{Options: veroorder.Options{
		Client: access, Reader: access, Clock: w.controllerClock, Events: recorder, Metrics: numbers,
		Connect: w.connect, Limiter: limiter.New(1, 1), Retention: retention, Shutdown: s.Context(),
	}}
	return w
}

func (w *controller) connect(issuer v1alpha1.GenericVeroIssuer, bundles *secrets.Bundles) (veroorder.Service, error) {
	service, err := veroclient.New(veroclient.Options{
		URL: issuer.VeroSpec().Endpoint(), TLS: bundles.TLS, Responses: bundles.Responses, Endpoints: home,
		Clock: w.controllerClock, Timeout: time.Minute,
	})
	return stepService{service, w}, err
}

// do counts a step and lets the interceptor decide.
func (w *controller) do(name string, object object, act func() error) error {
	w.mutex.Lock()
	w.steps = append(w.steps, name)
	s := step{number: len(w.steps), name: name, object: object}
	w.mutex.Unlock()
	return w.intercept(s, act)
}

func (w *controller) stepCount() int {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return len(w.steps)
}

// orderWrites is how many steps have written to orders.
func (w *controller) orderWrites() int {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	var writes int
	for _, name := range w.steps {
		if strings.Contains(name, "VeroOrder") {
			writes++
		}
	}
	return writes
}

// reconcile lets a reconciler look at one object, and tells whether the controller is still there after it.
func (w *controller) reconcile(
	reconciler reconcile.Reconciler, name types.NamespacedName,
) (result ctrl.Result, alive bool, err error) {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		result, err = reconciler.Reconcile(w.environment.Context(), reconcile.Request{NamespacedName: name})
		alive = true
	}()
	<-ended
	return result, alive, err
}
