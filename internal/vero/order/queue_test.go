package order_test

import (
	"testing"
	"time"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/limiter"
	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/vero/orderstate"
)

// TestAnOrderThatWaitsForItsTurnForLongSaysSo, once.
func TestAnOrderThatWaitsForItsTurnForLongSaysSo(t *testing.T) {
	order := ended(server.Namespace(t), 0)
	order.Status = v1alpha1.VeroOrderStatus{State: v1alpha1.VeroOrderPending}
	c := control(t, order, time.Time{})
	c.reconciler.Limiter = limiter.New(1, 0) // no slots
	reconcileOnce := func() (again time.Duration, says string) {
		t.Helper()
		result := must.Get(c.step())(t)
		if !orderstate.Untouched(order) {
			says = orderstate.Reason(order) + ": " + orderstate.Message(order)
		}
		return result.RequeueAfter, says
	}
	if again, says := reconcileOnce(); again != 5*time.Minute || says != "" {
		t.Errorf("at first it says %q, and is looked at again in %s", says, again)
	}
	c.clock.Step(5 * time.Minute)
	for range 2 {
		const want = "OrderCreated: VeroOrder sign-1 waits for its turn behind others of VeroIssuer vero or of its namespace"
		if again, says := reconcileOnce(); again != 10*time.Minute || says != want {
			t.Errorf("then it says %q, and is looked at again in %s", says, again)
		}
	}
	if len(c.events.Events) > 0 {
		t.Errorf("there is the event %q", <-c.events.Events)
	}
}
