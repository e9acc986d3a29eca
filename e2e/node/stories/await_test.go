package stories

import (
	"context"
	"fmt"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/e2e/testkit"
)

// inTime is for helm and kubectl, which wait for several Pods one after the other.
const inTime = "--timeout=4m"

// eventually waits until the condition returns no error.
func eventually(t *testing.T, what string, condition func() error) {
	t.Helper()
	var last error
	testkit.Eventually(t, what, func(context.Context) (bool, error) {
		last = condition()
		return last == nil, nil
	}, func() string { return fmt.Sprint(last) })
}

// awaitReady waits until a Certificate is Ready.
func (p *platform) awaitReady(t *testing.T, namespace, name string) {
	t.Helper()
	testkit.AwaitReady(t, p, namespace, name, func() string { return p.describe(t.Context(), namespace).Error() })
}

// awaitInFlight waits until there is exactly one order in flight in a namespace: accepted by the service, its
// RetrievalId recorded, the certificate still to come.
func (p *platform) awaitInFlight(t *testing.T, namespace string) v1alpha1.VeroOrder {
	t.Helper()
	found := p.awaitOrder(t, namespace, "with a RetrievalId", func(order v1alpha1.VeroOrder) bool {
		return order.Status.RetrievalID != ""
	})
	if found.Status.State != v1alpha1.VeroOrderSubmitted {
		t.Fatalf("the order is %s already, too early for this test", found.Status.State)
	}
	return found
}

// awaitOrder waits until there is exactly one order in a namespace, and it is as wanted.
func (p *platform) awaitOrder(
	t *testing.T, namespace, what string, wanted func(v1alpha1.VeroOrder) bool,
) v1alpha1.VeroOrder {
	t.Helper()
	var found v1alpha1.VeroOrder
	eventually(t, "an order "+what+" in "+namespace, func() error {
		orders := &v1alpha1.VeroOrderList{}
		if err := p.List(t.Context(), orders, client.InNamespace(namespace)); err != nil {
			return err
		}
		if len(orders.Items) != 1 {
			return fmt.Errorf("%d orders", len(orders.Items))
		}
		found = orders.Items[0]
		if !wanted(found) {
			return fmt.Errorf("the order is %s", found.Status.State)
		}
		return nil
	})
	return found
}
