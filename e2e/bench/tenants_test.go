package bench

import (
	"context"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/e2e/world"
	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

const (
	// dead is how many issuers of one namespace name an address that takes connections and says nothing, silent how many
	// of another one a service that takes calls and never answers, and perSilent how many Certificates each of these has.
	dead, silent, perSilent = 500, 8, 8
	// held is how many of their calls run at once, before anybody else comes.
	held = 16
	// promptly is what a good tenant may wait for beside them.
	promptly = 5 * time.Second
)

// BenchmarkBesideDeadIssuers reports how long a good issuer takes to be Ready, and a good order to have its first
// SignNewCertificate sent, in seconds, while another namespace has 500 dead issuers, and yet another one calls of
// 64 Certificates that are never answered. It fails where either takes more than 5 s.
func BenchmarkBesideDeadIssuers(b *testing.B) {
	w := start(b)
	for b.Loop() {
		calls := hostile(b, w)
		good := w.Service.Issuer("good", customer)
		created := time.Now()
		prepare(b, w, w.Service, good, 1)
		ready := until(b, created, func(ctx context.Context) (bool, error) {
			err := w.Client.Get(ctx, client.ObjectKeyFromObject(good), good)
			return meta.IsStatusConditionTrue(good.Status.Conditions, v1alpha1.ConditionReady), err
		})
		create(b, w, world.Certificate(good.Namespace, nameOf(0), customer))
		orders := &v1alpha1.VeroOrderList{}
		sent := until(b, created.Add(ready), func(ctx context.Context) (bool, error) {
			err := w.Client.List(ctx, orders, client.InNamespace(good.Namespace))
			return len(orders.Items) > 0 && orders.Items[0].Status.AcceptanceTime != nil, err
		})
		b.ReportMetric(ready.Seconds(), "s-ready")
		b.ReportMetric(sent.Seconds(), "s-sent")
		b.ReportMetric(float64(calls.Load()), "calls-held")
		b.ReportMetric(residentMiB(b, w.Controller().PID()), "MiB-resident")
		if ready > promptly || sent > promptly {
			b.Errorf("Ready after %s, and sent after another %s; each may take %s", ready, sent, promptly)
		}
	}
}

// until is the time from a moment until something is so.
func until(b *testing.B, from time.Time, reached func(context.Context) (bool, error)) time.Duration {
	b.Helper()
	return untilSeen(b, from, 50*time.Millisecond, timeout, reached)
}

// untilSeen is until for what costs something to look at.
func untilSeen(
	b *testing.B, from time.Time, often, limit time.Duration, reached func(context.Context) (bool, error),
) time.Duration {
	b.Helper()
	must.Do(b, wait.PollUntilContextTimeout(b.Context(), often, limit, true, reached))
	return time.Since(from)
}

// hostile makes the issuers that lead nowhere, and returns the number of calls that run, as soon as these are many.
func hostile(b *testing.B, w *world.World) *atomic.Int32 {
	b.Helper()
	service, calls := swallow(b)
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: service.Certificate().Raw})
	hostileIssuers(b, w, "silent", service.URL, silent, authority)
	for i := range silent * perSilent {
		certificate := world.Certificate("silent", nameOf(i), customer)
		certificate.Spec.IssuerRef.Name = nameOf(i % silent)
		create(b, w, world.TransferSecret("silent", nameOf(i), admin.Credential{
			TransferID: fmt.Sprintf("%011d", i), TransferPassword: fmt.Sprintf("password-%07d", i),
		}))
		create(b, w, certificate)
	}
	until(b, time.Now(), func(context.Context) (bool, error) { return calls.Load() >= held, nil })
	hostileIssuers(b, w, "dead", "https://"+drop(b), dead, authority)
	return calls
}

// hostileIssuers makes a namespace with so many issuers of one address.
func hostileIssuers(b *testing.B, w *world.World, namespace, endpoint string, number int, authority []byte) {
	b.Helper()
	create(b, w, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}})
	bundle := v1alpha1.BundleSource{CABundle: authority}
	group, ctx := errgroup.WithContext(b.Context())
	const atOnce = 16
	group.SetLimit(atOnce)
	for i := range number {
		group.Go(func() error {
			return w.Client.Create(ctx, &v1alpha1.VeroIssuer{
				ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: nameOf(i)},
				Spec: v1alpha1.VeroIssuerSpec{
					Environment: v1alpha1.VeroEnvironmentTest, URL: endpoint, CustomerID: customer,
					Trust: v1alpha1.VeroTrust{TLS: &bundle, Responses: bundle, Issuance: bundle},
				},
			})
		})
	}
	must.Do(b, group.Wait())
}

// drop is an address that takes connections, as far as the kernel does that, and says nothing.
func drop(b *testing.B) string {
	b.Helper()
	listener := must.Get((&net.ListenConfig{}).Listen(b.Context(), "tcp", "127.0.0.1:0"))(b)
	b.Cleanup(func() { _ = listener.Close() })
	return listener.Addr().String()
}

// swallow is a service that takes calls and does not answer them, with the number of those that wait.
func swallow(b *testing.B) (*httptest.Server, *atomic.Int32) {
	b.Helper()
	calls, over := &atomic.Int32{}, make(chan struct{})
	service := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, request *http.Request) {
		calls.Add(1)
		defer calls.Add(-1)
		select {
		case <-request.Context().Done():
		case <-over:
		}
	}))
	b.Cleanup(func() { close(over); service.Close() })
	return service, calls
}
