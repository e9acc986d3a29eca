package gate_test

import (
	"context"
	"testing"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/gate"
	"github.com/varmenne/varmenne-issuer/internal/kube/conditions"
	"github.com/varmenne/varmenne-issuer/internal/kube/outline"
	"github.com/varmenne/varmenne-issuer/internal/kube/status"
	"github.com/varmenne/varmenne-issuer/internal/limiter"
	"github.com/varmenne/varmenne-issuer/internal/metrics"
	"github.com/varmenne/varmenne-issuer/internal/must"
)

// shelf is a Backend whose orders are ConfigMaps: what somebody has put there under the name of a request is its
// certificate.
type shelf struct{ client.Client }

func (shelf) Kinds() []string { return []string{"ShelfIssuer"} }

func (s shelf) Decide(
	ctx context.Context, request *cmapi.CertificateRequest, _ gate.Owner, _ time.Time,
) (gate.Decision, error) {
	order := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: request.Namespace, Name: request.Name}}
	switch err := s.Get(ctx, client.ObjectKeyFromObject(order), order); {
	case apierrors.IsNotFound(err):
		return gate.Decision{
			Verb: gate.Create, Reason: v1alpha1.ReasonOrderCreated, Message: "a place was reserved",
			New: &gate.New{Order: order, CheckExisting: func(client.Object) error { return nil }},
		}, nil
	case err != nil:
		return gate.Decision{}, err
	}
	return gate.Decision{
		Verb: gate.Deliver, Reason: v1alpha1.ReasonIssued, Message: "it lay there",
		Order: &gate.Order{Certificate: []byte(order.Data["certificate"])},
	}, nil
}

func (s shelf) Slot(
	ctx context.Context, cached *outline.CertificateRequest,
) (slot limiter.Slot, queues bool) {
	err := s.Get(ctx, client.ObjectKeyFromObject(cached), &corev1.ConfigMap{})
	return library(cached.Namespace), cached.Waits && err != nil
}

// library is what a request of a namespace waits for.
func library(namespace string) limiter.Slot {
	return limiter.Slot{
		Issuer: limiter.Issuer{Kind: "ShelfIssuer", Namespace: namespace, Name: "library"}, Namespace: namespace,
	}
}

func (shelf) RenewalWindow(context.Context, *cmapi.CertificateRequest) (time.Duration, error) {
	return 0, nil
}

func (shelf) Watches() []gate.Watch { return nil }

// TestTheGateServesAKindThatItDoesNotKnow from approval to Ready, with two verbs.
func TestTheGateServesAKindThatItDoesNotKnow(t *testing.T) {
	numbers := must.Get(metrics.New(prometheus.NewPedanticRegistry()))(t)
	const enough = 10
	recorder := events.NewFakeRecorder(enough)
	served := gate.NewReconciler(gate.Options{
		Client: server.Client, Outlines: server.Outlines, Reader: server.Client, Clock: clock.RealClock{}, Metrics: numbers,
		Events: status.Events{Recorder: recorder}, Backends: []gate.Backend{shelf{server.Client}},
	})
	request := &cmapi.CertificateRequest{
		ObjectMeta: metav1.ObjectMeta{Namespace: server.Namespace(t), Name: "book"},
		Spec: cmapi.CertificateRequestSpec{
			Request:   []byte("not looked at"),
			IssuerRef: cmmeta.IssuerReference{Group: v1alpha1.GroupName, Kind: "ShelfIssuer", Name: "library"},
		},
	}
	server.Create(t, request)
	step := func() {
		t.Helper()
		name := client.ObjectKeyFromObject(request)
		must.Get(served.Reconcile(t.Context(), reconcile.Request{NamespacedName: name}))(t)
		must.Do(t, server.Client.Get(t.Context(), name, request))
	}
	place := &corev1.ConfigMap{}
	step()
	if err := server.Client.Get(t.Context(), client.ObjectKeyFromObject(request), place); !apierrors.IsNotFound(err) {
		t.Fatalf("without an approval there is an order, or an error: %v", err)
	}
	status.Set(request, cmapi.CertificateRequestConditionApproved, cmmeta.ConditionTrue, "Test", "fine", time.Now())
	must.Do(t, server.Client.Status().Update(t.Context(), request))
	step()
	must.Do(t, server.Client.Get(t.Context(), client.ObjectKeyFromObject(request), place))
	place.Data = map[string]string{"certificate": "a certificate"}
	must.Do(t, server.Client.Update(t.Context(), place))
	step()
	ready := conditions.IsTrue(request, cmapi.CertificateRequestConditionReady)
	if !ready || string(request.Status.Certificate) != "a certificate" {
		t.Errorf("the status is %+v", request.Status)
	}
	if number := len(recorder.Events); number > 0 {
		t.Errorf("there are %d events, and nobody has to act", number)
	}
}
