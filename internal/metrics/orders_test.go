package metrics_test

import (
	"context"
	"errors"
	"testing"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/metrics"
	"github.com/varmenne/varmenne-issuer/internal/must"
)

// collector tells of some orders.
func collector(orders ...v1alpha1.VeroOrder) metrics.Orders {
	return metrics.Orders{List: func(context.Context) (*v1alpha1.VeroOrderList, error) {
		return &v1alpha1.VeroOrderList{Items: orders}, nil
	}}
}

// order is one that was made at 100, and that waits for itself to be told of.
func order(name string, phase v1alpha1.VeroOrderState) v1alpha1.VeroOrder {
	return v1alpha1.VeroOrder{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "tax", Name: name, CreationTimestamp: metav1.Unix(100, 0),
			Annotations: map[string]string{cmapi.CertificateNameKey: "reporting"},
		},
		Spec: v1alpha1.VeroOrderSpec{Operation: v1alpha1.VeroOperationRenew},
		Status: v1alpha1.VeroOrderStatus{State: phase, Conditions: []metav1.Condition{
			{Type: v1alpha1.ConditionReady, Status: metav1.ConditionFalse, Reason: "Because"},
		}},
	}
}

func TestOrders(t *testing.T) {
	t.Run("every state has a value", func(t *testing.T) {
		registry := prometheus.NewPedanticRegistry()
		registry.MustRegister(collector(order("a", v1alpha1.VeroOrderIssued), order("b", v1alpha1.VeroOrderIssued),
			order("c", v1alpha1.VeroOrderFailed)))
		compare(t, registry, "varmenne_orders", map[string]float64{`state="Issued"`: 2, `state="Failed"`: 1})
		if count, err := testutil.GatherAndCount(registry, "varmenne_orders"); err != nil || count != 5 {
			t.Errorf("%d phases have a value, want 5: %v", count, err)
		}
	})
	t.Run("those that have not ended are told by what they wait for", func(t *testing.T) {
		created, older := order("c", v1alpha1.VeroOrderPending), order("d", v1alpha1.VeroOrderSubmitted)
		created.Status.Conditions, older.CreationTimestamp = nil, metav1.Unix(50, 0)
		first, again := order("e", v1alpha1.VeroOrderSubmitting), order("f", v1alpha1.VeroOrderSubmitting)
		for number, sent := range []*v1alpha1.VeroOrder{&first, &again} {
			sent.Status.Conditions[0].Reason, sent.Status.Submissions = v1alpha1.ReasonSubmitting, int32(number+1)
		}
		registry := prometheus.NewPedanticRegistry()
		registry.MustRegister(collector(order("a", v1alpha1.VeroOrderIssued), order("b", v1alpha1.VeroOrderSubmitted),
			older, created, first, again))
		const labels = `namespace="tax",operation="RenewCertificate",`
		const waits, begins, sent, resent = labels + `reason="Because",state="Submitted"`,
			labels + `reason="OrderCreated",state="Pending"`, labels + `reason="OrderCreated",state="Submitting"`,
			labels + `reason="Submitting",state="Submitting"`
		compare(t, registry, "varmenne_orders_pending", map[string]float64{waits: 2, begins: 1, sent: 1, resent: 1})
		compare(t, registry, "varmenne_orders_pending_oldest_created_timestamp_seconds",
			map[string]float64{waits: 50, begins: 100, sent: 100, resent: 100})
	})
	t.Run("a process that is not the one to tell says nothing", func(t *testing.T) {
		silent := metrics.Orders{List: func(context.Context) (*v1alpha1.VeroOrderList, error) {
			return nil, nil //nolint:nilnil // that is how it says so
		}}
		if count := testutil.CollectAndCount(silent); count != 0 {
			t.Errorf("%d values", count)
		}
	})
	t.Run("a list that fails is reported", func(t *testing.T) {
		registry := prometheus.NewPedanticRegistry()
		registry.MustRegister(metrics.Orders{List: func(context.Context) (*v1alpha1.VeroOrderList, error) {
			return nil, errors.New("no cache")
		}})
		_, err := registry.Gather()
		must.Say(t, err, "no cache")
	})
}
