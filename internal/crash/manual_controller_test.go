package crash_test

import (
	"fmt"
	"strings"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/gate"
	"github.com/varmenne/varmenne-issuer/internal/kube/find"
	"github.com/varmenne/varmenne-issuer/internal/kube/status"
	"github.com/varmenne/varmenne-issuer/internal/manual/backend"
	manualorder "github.com/varmenne/varmenne-issuer/internal/manual/order"
	"github.com/varmenne/varmenne-issuer/internal/metrics"
)

// manualController is a controller that serves certificates which a person fetches.
type manualController struct {
	*process

	environment *manualEnvironment
}

// startController starts a controller that remembers nothing.
func (e *manualEnvironment) startController(intercept interceptor) *manualController {
	e.Helper()
	w := &manualController{process: e.start(intercept), environment: e}
	w.eventful = true
	e.processes = append(e.processes, w.process)
	numbers, err := metrics.New(prometheus.NewPedanticRegistry())
	e.must(err)
	e.must(find.Index(e.Context(), w.indexes))
	e.must(find.IndexManual(e.Context(), w.indexes))
	reader := w.access()
	w.requests = gate.NewReconciler(gate.Options{
		Client: reader, Outlines: w.outlines(), Reader: reader, Clock: e.clock, Events: w.recorder(), Metrics: numbers,
		Backends: []gate.Backend{&backend.Backend{Client: reader, Outlines: w.outlines(), Reader: reader}},
	})
	w.orders = &manualorder.Reconciler{Options: manualorder.Options{
		Client: reader, Outlines: w.outlines(), Reader: reader, Clock: e.clock, Events: w.recorder(), Retention: retention,
	}}
	return w
}

// work lets the controller work, and the others when it has nothing to do, until the certificate is in its Secret and
// nobody has anything to do any more. It reports whether the controller is still there then.
func (w *manualController) work() (alive bool) {
	e := w.environment
	e.Helper()
	for range maxRounds {
		items := w.due()
		for _, item := range items {
			if !w.workOn(item) {
				return false
			}
		}
		switch {
		case w.stale != nil:
			w.stale, w.queue = nil, queue{} // the cache sees what is, and a watch tells of it
		case len(items) > 0 || e.move():
		case len(e.moves) == 0 && e.done:
			return true
		case w.next().IsZero():
			e.Fatalf("it is stuck\n%s", e.describe())
		default:
			e.clock.SetTime(w.next())
		}
	}
	e.Fatalf("it goes round and round\n%s", e.describe())
	return true
}

// move does what is to be done next by somebody else, if its time has come.
func (e *manualEnvironment) move() bool {
	e.Helper()
	order := e.order()
	if len(e.moves) == 0 || order == nil || !e.moves[0].when(order) {
		return false
	}
	next := e.moves[0]
	e.moves = e.moves[1:]
	next.do(e)
	return true
}

// due is what has to be looked at now. The triggers are those of Register: a request at every change of it and of the
// orders, an order when its spec changes, and when a request begins or ceases to wait.
func (w *manualController) due() []workItem {
	e, earlier := w.environment, w.queue
	e.Helper()
	requests, orders := &cmapi.CertificateRequestList{}, e.orderObjects()
	e.must(server.Client.List(e.Context(), requests, client.InNamespace(e.namespace)))
	w.queue = queue{}
	var waiting, versions strings.Builder
	for _, order := range orders {
		versions.WriteString("," + order.GetResourceVersion())
		e.watch(order.(*v1alpha1.ManualOrder))
	}
	items := make([]workItem, 0, len(orders)+len(requests.Items))
	for i := range requests.Items {
		request := &requests.Items[i]
		e.storeCertificate(&e.base, request)
		fmt.Fprintf(&waiting, ",%s %v", request.UID, status.IsFinal(request))
		cause := string(request.UID) + request.ResourceVersion + versions.String()
		items = append(items, w.workItems(earlier, w.requests, request, cause)...)
	}
	for _, order := range orders {
		cause := fmt.Sprintf("%s/%d%s", order.GetUID(), order.GetGeneration(), waiting.String())
		items = append(items, w.workItems(earlier, w.orders, order, cause)...)
	}
	if !e.done {
		e.verifyUnchanged(e.staged)
	}
	return items
}

// watch sees that an order never loses a certificate that it has taken.
func (e *manualEnvironment) watch(order *v1alpha1.ManualOrder) {
	e.Helper()
	now := string(order.Status.Certificate)
	if was := e.taken[order.UID]; was != "" && was != now {
		e.Errorf("ManualOrder %s had taken a certificate, and has another one or none", order.Name)
	}
	if now != "" {
		e.taken[order.UID] = now
	}
}
