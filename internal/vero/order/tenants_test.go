package order_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/controller"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/kube/find"
	"github.com/varmenne/varmenne-issuer/internal/kube/status"
	"github.com/varmenne/varmenne-issuer/internal/limiter"
	"github.com/varmenne/varmenne-issuer/internal/metrics"
	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
	"github.com/varmenne/varmenne-issuer/internal/secrets"
	veroorder "github.com/varmenne/varmenne-issuer/internal/vero/order"
	"github.com/varmenne/varmenne-issuer/internal/vero/protocol"
)

// silent is a service that takes calls and never answers.
type silent struct {
	answering

	server *httptest.Server
}

func (s silent) Get(ctx context.Context, _ *protocol.Get) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.server.URL, http.NoBody)
	if err != nil {
		return nil, err
	}
	response, err := s.server.Client().Do(request)
	if err != nil {
		return nil, err
	}
	return nil, response.Body.Close()
}

// TestAnOrderIsExecutedBesideServicesThatNeverAnswer: each of eight issuers of another namespace has a call, and there
// are two slots.
func TestAnOrderIsExecutedBesideServicesThatNeverAnswer(t *testing.T) {
	called, over := make(chan struct{}, 1), make(chan struct{})
	service := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		select {
		case called <- struct{}{}:
		default:
		}
		<-over
	}))
	root := pkitest.Root(t, "Root")
	leaf := root.Issue(t, pkitest.Key("ours"), "0123456-7")
	work(t, func(issuer v1alpha1.GenericVeroIssuer, _ *secrets.Bundles) (veroorder.Service, error) {
		if issuer.VeroSpec().Endpoint() == service.URL {
			return silent{server: service}, nil
		}
		return answering{leaf: leaf}, nil
	})
	t.Cleanup(func() { close(over); service.Close() })
	hostile := server.Namespace(t)
	for i := range 8 {
		dead := issuer(hostile, root)
		dead.Name, dead.Spec.URL = "vero-"+strconv.Itoa(i), service.URL
		order := accepted(t, hostile, "order-"+strconv.Itoa(i))
		order.Spec.IssuerRef.Name = dead.Name
		server.Create(t, dead)
		server.Create(t, order)
	}
	<-called
	good := accepted(t, server.Namespace(t), "order")
	server.Create(t, issuer(good.Namespace, root))
	server.Create(t, good)
	server.Await(t, good, 5*time.Second, func() bool { return good.Status.State == v1alpha1.VeroOrderIssued })
}

// work runs the controller with two slots until the test ends.
func work(t *testing.T, connect veroorder.Connect) {
	t.Helper()
	numbers := must.Get(metrics.New(prometheus.NewPedanticRegistry()))(t)
	const plenty = 1000
	server.Run(t, "", func(manager ctrl.Manager) error {
		return errors.Join(find.Index(t.Context(), manager.GetFieldIndexer()), veroorder.Register(manager, veroorder.Options{
			Client: manager.GetClient(), Outlines: manager.GetCache(), Reader: manager.GetAPIReader(),
			Calls: limiter.NewCalls(2, 8), Metrics: numbers,
			Bundles: secrets.NewKeptBundles(manager.GetAPIReader(), "default", clock.RealClock{}),
			Connect: connect, Clock: clock.RealClock{}, Shutdown: t.Context(), Retention: time.Hour,
			Events: status.Events{Recorder: events.NewFakeRecorder(plenty)},
		}, controller.Options{MaxConcurrentReconciles: 2, SkipNameValidation: new(true)}))
	})
}
