package order_test

import (
	"testing"
	"time"

	"k8s.io/client-go/tools/events"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/kube/status"
	"github.com/varmenne/varmenne-issuer/internal/limiter"
	veroorder "github.com/varmenne/varmenne-issuer/internal/vero/order"
	"github.com/varmenne/varmenne-issuer/internal/vero/orderstate"
)

// TestAnOrderThatWaitsForItsTurnForLongSaysSo, once.
func TestAnOrderThatWaitsForItsTurnForLongSaysSo(t *testing.T) {
	order := ended(server.Namespace(t), 0)
	order.Status = v1alpha1.VeroOrderStatus{State: v1alpha1.VeroOrderPending}
	server.Create(t, order)
	clock := clocktesting.NewFakeClock(order.CreationTimestamp.Time)
	const enough = 10
	recorder := events.NewFakeRecorder(enough)
	noSlots := limiter.New(1, 0)
	reconciler := &veroorder.Reconciler{Options: veroorder.Options{
		Client: server.Client, Reader: server.Client, Limiter: noSlots, Clock: clock,
		Events: status.Events{Recorder: recorder},
	}}
	reconcileOnce := func() (again time.Duration, says string) {
		t.Helper()
		name := client.ObjectKeyFromObject(order)
		result, err := reconciler.Reconcile(t.Context(), reconcile.Request{NamespacedName: name})
		if err != nil {
			t.Fatal(err)
		}
		if err := server.Client.Get(t.Context(), name, order); err != nil {
			t.Fatal(err)
		}
		if !orderstate.Untouched(order) {
			says = orderstate.Reason(order) + ": " + orderstate.Message(order)
		}
		return result.RequeueAfter, says
	}
	if again, says := reconcileOnce(); again != 5*time.Minute || says != "" {
		t.Errorf("at first it says %q, and is looked at again in %s", says, again)
	}
	clock.Step(5 * time.Minute)
	for range 2 {
		const want = "OrderCreated: VeroOrder sign-1 waits for its turn behind others of VeroIssuer vero or of its namespace"
		if again, says := reconcileOnce(); again != 10*time.Minute || says != want {
			t.Errorf("then it says %q, and is looked at again in %s", says, again)
		}
	}
	if len(recorder.Events) != 1 {
		t.Errorf("there are %d events, want 1", len(recorder.Events))
	}
}
