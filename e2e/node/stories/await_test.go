package stories

import (
	"fmt"
	"testing"
	"time"

	cmutil "github.com/cert-manager/cert-manager/pkg/api/util"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
)

const (
	pollInterval = 100 * time.Millisecond
	// timeout is far above what anything takes here on a busy machine.
	timeout = 4 * time.Minute
	// inTime is the same for helm and kubectl, which wait for several Pods one after the other.
	inTime = "--timeout=4m"
)

// eventually polls until the condition returns no error.
func eventually(t *testing.T, what string, condition func() error) {
	t.Helper()
	deadline, ticker := time.NewTimer(timeout), time.NewTicker(pollInterval)
	defer deadline.Stop()
	defer ticker.Stop()
	for {
		err := condition()
		if err == nil {
			return
		}
		select {
		case <-ticker.C:
		case <-deadline.C:
			t.Fatalf("waited %s for %s: %v", timeout, what, err)
		case <-t.Context().Done():
			t.Fatalf("interrupted while waiting for %s: %v", what, err)
		}
	}
}

// awaitReady waits until a Certificate is Ready.
func (p *platform) awaitReady(t *testing.T, namespace, name string) {
	t.Helper()
	certificate := &cmapi.Certificate{}
	eventually(t, "Certificate "+namespace+"/"+name+" to become Ready", func() error {
		if err := p.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: name}, certificate); err != nil {
			return err
		}
		if cmutil.CertificateHasCondition(certificate, cmapi.CertificateCondition{
			Type: cmapi.CertificateConditionReady, Status: cmmeta.ConditionTrue,
		}) {
			return nil
		}
		orders := &v1alpha1.VeroOrderList{}
		if err := p.List(t.Context(), orders, client.InNamespace(namespace)); err != nil {
			return err
		}
		return fmt.Errorf("its conditions: %v; %d orders in its namespace", certificate.Status.Conditions, len(orders.Items))
	})
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
