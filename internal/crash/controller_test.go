package crash_test

import (
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/gate"
	"github.com/varmenne/varmenne-issuer/internal/kube/find"
	"github.com/varmenne/varmenne-issuer/internal/kube/outline"
	"github.com/varmenne/varmenne-issuer/internal/limiter"
	"github.com/varmenne/varmenne-issuer/internal/metrics"
	"github.com/varmenne/varmenne-issuer/internal/owner"
	"github.com/varmenne/varmenne-issuer/internal/secrets"
	"github.com/varmenne/varmenne-issuer/internal/vero/backend"
	veroclient "github.com/varmenne/varmenne-issuer/internal/vero/client"
	"github.com/varmenne/varmenne-issuer/internal/vero/creation"
	veroorder "github.com/varmenne/varmenne-issuer/internal/vero/order"
)

// controller is a running controller: all that it remembers, and all that ends with it.
type controller struct {
	*process

	environment     *environment
	controllerClock *controllerClock
	issuanceTimeout time.Duration
	// enough is asked whether there is anything more to wait for.
	enough func(view) bool
}

// startController starts a controller that remembers nothing.
func (s *environment) startController(intercept interceptor) *controller {
	s.Helper()
	w := &controller{
		process: s.start(intercept), environment: s, controllerClock: &controllerClock{steppingClock: s.clock},
		issuanceTimeout: issuanceTimeout, enough: func(now view) bool { return s.done && now.finished() },
	}
	numbers, err := metrics.New(prometheus.NewPedanticRegistry())
	s.must(err)
	s.must(find.Index(s.Context(), w.indexes))
	access, recorder := w.access(), w.recorder()
	bundles := secrets.NewKeptBundles(access, "default", w.controllerClock)
	proofs, issued := owner.NewProofs(w.controllerClock), outline.NewIssued()
	creations, turns := creation.NewIntents(w.controllerClock), limiter.NewTurns(1, 1)
	if s.writtenIntents {
		creations = nil
	}
	w.requests = gate.NewReconciler(gate.Options{
		Client: laggingClient{access}, Outlines: w.outlines(), Reader: access, Clock: w.controllerClock,
		Events: recorder, Metrics: numbers, Proofs: proofs, Turns: turns,
		Backends: []gate.Backend{&backend.Backend{
			Client: laggingClient{access}, Outlines: w.outlines(), Reader: access, Bundles: bundles,
			Creations: creations, Issued: issued,
		}},
	})
	w.orders = veroorder.NewReconciler(veroorder.Options{
		Client: laggingClient{access}, Outlines: w.outlines(), Reader: access, Bundles: bundles, Clock: w.controllerClock,
		Events: recorder, Metrics: numbers, Connect: w.connect, Calls: limiter.NewCalls(1, 1), Retention: retention,
		Shutdown: s.Context(), Turns: turns, Creations: creations, Proofs: proofs, Issued: issued,
	})
	return w
}

func (w *controller) connect(issuer v1alpha1.GenericVeroIssuer, bundles *secrets.Bundles) (veroorder.Service, error) {
	service, err := veroclient.New(veroclient.Options{
		URL: issuer.VeroSpec().Endpoint(), TLS: bundles.TLS, Responses: bundles.Responses, Endpoints: home,
		Clock: w.controllerClock, Timeout: time.Minute,
	})
	return stepService{service, w.process}, err
}

// orderWrites is how many steps have changed orders.
func (w *controller) orderWrites() int {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	var writes int
	for _, name := range w.done {
		if strings.Contains(name, "VeroOrder") {
			writes++
		}
	}
	return writes
}
