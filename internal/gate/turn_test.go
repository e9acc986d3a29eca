package gate_test

import (
	"strings"
	"testing"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	testclock "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/gate"
	"github.com/varmenne/varmenne-issuer/internal/kube/conditions"
	"github.com/varmenne/varmenne-issuer/internal/kube/status"
	"github.com/varmenne/varmenne-issuer/internal/limiter"
	"github.com/varmenne/varmenne-issuer/internal/metrics"
	"github.com/varmenne/varmenne-issuer/internal/must"
)

// TestARequestWaitsForItsTurn without an order, says so when that takes long, and passes its turn to its order.
func TestARequestWaitsForItsTurn(t *testing.T) {
	for _, earlier := range []string{"", "put credentials into Secret vero"} {
		t.Run(earlier, func(t *testing.T) { waitForTurn(t, earlier) })
	}
}

// waitForTurn does so with a request that has waited for something else for an hour, and says so, if that is not empty.
func waitForTurn(t *testing.T, earlier string) {
	t.Helper()
	namespace, watch := server.Namespace(t), testclock.NewFakePassiveClock(time.Now())
	recorder, turns := events.NewFakeRecorder(1), limiter.NewTurns(1, 1)
	registry := prometheus.NewPedanticRegistry()
	numbers := must.Get(metrics.New(registry))(t)
	served := gate.NewReconciler(gate.Options{
		Client: server.Client, Outlines: server.Outlines, Reader: server.Client, Clock: watch, Turns: turns,
		Metrics: numbers,
		Events:  status.Events{Recorder: recorder}, Backends: []gate.Backend{shelf{server.Client}},
	})
	request := approved(t, namespace)
	watch.SetTime(request.CreationTimestamp.Time)
	if earlier != "" {
		status.SetPending(request, earlier, watch.Now())
		numbers.CredentialsUnspent(request, "vero", watch.Now())
		watch.SetTime(watch.Now().Add(time.Hour))
	}
	must.Do(t, server.Client.Status().Update(t.Context(), request))
	name, slot := client.ObjectKeyFromObject(request), library(namespace)
	step := func() (again time.Duration, says string, ordered bool) {
		t.Helper()
		again = must.Get(served.Reconcile(t.Context(), reconcile.Request{NamespacedName: name}))(t).RequeueAfter
		must.Do(t, server.Client.Get(t.Context(), name, request))
		err := server.Client.Get(t.Context(), name, &corev1.ConfigMap{})
		return again, conditions.ReadyMessage(request), !apierrors.IsNotFound(err)
	}
	var others []types.NamespacedName
	for _, other := range []string{"one", "two", "three"} {
		others = append(others, types.NamespacedName{Namespace: namespace, Name: other})
	}
	for len(others) > 0 && turns.Begin(others[0], slot) {
		turns.Pass(others[0], others[0])
		others = others[1:]
	}
	if again, says, ordered := step(); ordered || says != earlier || again != 5*time.Minute {
		t.Fatalf("it says %q, is looked at again in %s, and has an order: %t", says, again, ordered)
	}
	watch.SetTime(watch.Now().Add(5 * time.Minute))
	for range 2 {
		_, says, ordered := step()
		if ordered || !strings.Contains(says, "waits for its turn behind others of ShelfIssuer library") {
			t.Fatalf("after five minutes it says %q, and has an order: %t", says, ordered)
		}
	}
	const credentials = "varmenne_transfer_credentials_written_timestamp_seconds"
	if number := must.Get(testutil.GatherAndCount(registry, credentials))(t); number != min(len(earlier), 1) {
		t.Errorf("the metrics tell of credentials %d times", number)
	}
	turns.Leave(types.NamespacedName{Namespace: namespace, Name: "one"})
	turns.Leave(types.NamespacedName{Namespace: namespace, Name: "two"})
	if _, _, ordered := step(); !ordered {
		t.Fatal("it is its turn, and there is no order")
	}
	if len(recorder.Events) > 0 {
		t.Errorf("there is the event %q", <-recorder.Events)
	}
	turns.Leave(name) // it has passed its turn on: that one can be left
}

// TestARequestThatGoesWithItsNamespaceIsNoFailure: nobody has to be told, and nothing can be written there.
func TestARequestThatGoesWithItsNamespaceIsNoFailure(t *testing.T) {
	recorder, request := events.NewFakeRecorder(1), approved(t, server.Namespace(t))
	served := gate.NewReconciler(gate.Options{
		Client: server.Client, Outlines: server.Outlines, Reader: server.Client, Clock: clock.RealClock{},
		Metrics: must.Get(metrics.New(prometheus.NewPedanticRegistry()))(t),
		Events:  status.Events{Recorder: recorder}, Backends: []gate.Backend{shelf{server.Client}},
	})
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: request.Namespace}}
	must.Do(t, server.Client.Delete(t.Context(), namespace))
	name := client.ObjectKeyFromObject(request)
	must.Get(served.Reconcile(t.Context(), reconcile.Request{NamespacedName: name}))(t)
	must.Do(t, server.Client.Get(t.Context(), name, request))
	if says := conditions.ReadyMessage(request); says != "" || len(recorder.Events) > 0 {
		t.Errorf("it says %q, with %d events", says, len(recorder.Events))
	}
}

// approved is a request that waits for an order.
func approved(t *testing.T, namespace string) *cmapi.CertificateRequest {
	t.Helper()
	request := &cmapi.CertificateRequest{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "book"},
		Spec: cmapi.CertificateRequestSpec{
			Request:   []byte("not looked at"),
			IssuerRef: cmmeta.IssuerReference{Group: v1alpha1.GroupName, Kind: "ShelfIssuer", Name: "library"},
		},
	}
	server.Create(t, request)
	status.Set(request, cmapi.CertificateRequestConditionApproved, cmmeta.ConditionTrue, "Test", "fine", time.Now())
	must.Do(t, server.Client.Status().Update(t.Context(), request))
	return request
}
