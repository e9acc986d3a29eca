package issuer_test

import (
	"context"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
	"github.com/varmenne/varmenne-issuer/internal/vero/issuer"
	"github.com/varmenne/varmenne-issuer/internal/vero/orderstate/ordertest"
)

// TestACheckThatFindsTheSameWritesNothing into the issuer, whose resourceVersion stays. Its heartbeat is in the
// metrics, until the issuer is gone.
func TestACheckThatFindsTheSameWritesNothing(t *testing.T) {
	const checks = 5
	namespace, outcomes := server.Namespace(t), make(handshakes)
	passing := clocktesting.NewFakePassiveClock(pkitest.Now)
	object := issuerFor(namespace, "vero", "", pkitest.PEM(pkitest.Root(t, "authority").Certificate))
	// What an order tells of another issuer has this one checked, and changes nothing.
	order := orderWithAProblem(namespace)
	server.Create(t, order)
	must.Do(t, server.Client.Create(t.Context(), object))
	_, registry := start(t, issuer.Options{Probe: outcomes.probe, Clock: passing}, namespace)
	outcomes <- nil
	awaitHeartbeat(t, registry, passing.Now())
	observed(t, object)
	written := object.ResourceVersion
	for i := range checks {
		passing.SetTime(passing.Now().Add(10 * time.Minute))
		order.Status.IssuerProblem.Message = strconv.Itoa(i)
		must.Do(t, server.Client.Status().Update(t.Context(), order))
		outcomes <- nil
		awaitHeartbeat(t, registry, passing.Now())
	}
	observed(t, object)
	if object.ResourceVersion != written {
		t.Errorf("%d checks have written into it: %+v", checks, object.Status)
	}
	must.Do(t, server.Client.Delete(t.Context(), object))
	awaitHeartbeat(t, registry, time.Time{})
}

// orderWithAProblem was met with an issuer that has been replaced since.
func orderWithAProblem(namespace string) *v1alpha1.VeroOrder {
	order := ordertest.SignNew()
	order.Namespace, order.Spec.Request = namespace, []byte("not looked at")
	order.Spec.Transfer.TransferIDDigest, order.Spec.IssuerRef.UID = strings.Repeat("a", 64), "issuer-1"
	order.Status.IssuerProblem = &v1alpha1.VeroIssuerProblem{
		Reason: v1alpha1.ReasonWrongEnvironment, Message: "of another one", IssuerUID: "replaced", IssuerGeneration: 1,
		TrustDigest: strings.Repeat("b", 64), Time: metav1.Time{Time: pkitest.Now},
	}
	return order
}

// awaitHeartbeat waits until the one issuer was last checked at a moment; for none, until no issuer has a heartbeat.
func awaitHeartbeat(t *testing.T, registry *prometheus.Registry, moment time.Time) {
	t.Helper()
	var beats []float64
	err := wait.PollUntilContextTimeout(t.Context(), 20*time.Millisecond, 10*time.Second, true,
		func(context.Context) (bool, error) {
			families, err := registry.Gather()
			beats = nil
			for _, family := range families {
				if family.GetName() != "varmenne_issuer_last_check_timestamp_seconds" {
					continue
				}
				for _, series := range family.GetMetric() {
					beats = append(beats, series.GetGauge().GetValue())
				}
			}
			if moment.IsZero() {
				return len(beats) == 0, err
			}
			return len(beats) == 1 && beats[0] == float64(moment.Unix()), err
		})
	if err != nil {
		t.Fatalf("%v; the heartbeats are %v, want %v", err, beats, moment)
	}
}
