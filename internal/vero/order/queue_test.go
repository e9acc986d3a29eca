package order_test

import (
	"context"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/limiter"
	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
	"github.com/varmenne/varmenne-issuer/internal/vero/orderstate"
)

// ready makes an issuer that is.
func ready(t *testing.T, issuer *v1alpha1.VeroIssuer) {
	t.Helper()
	server.Create(t, issuer)
	meta.SetStatusCondition(&issuer.Status.Conditions, metav1.Condition{
		Type: v1alpha1.ConditionReady, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonChecked, Message: "ready",
		ObservedGeneration: issuer.Generation,
	})
	must.Do(t, server.Client.Status().Update(t.Context(), issuer))
}

// TestAnOrderThatWaitsForItsTurnForLongSaysSo, once.
func TestAnOrderThatWaitsForItsTurnForLongSaysSo(t *testing.T) {
	order := ended(server.Namespace(t), 0)
	order.Status = v1alpha1.VeroOrderStatus{State: v1alpha1.VeroOrderPending}
	ready(t, issuer(order.Namespace, pkitest.Root(t, "Root")))
	c := control(t, order, time.Time{})
	c.reconciler.Calls = limiter.NewCalls(1, 0) // no slots
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

// TestAPollWaitsForNoSubmission of its issuer, and gives the issuer its slot back before the certificate is written.
func TestAPollWaitsForNoSubmission(t *testing.T) {
	root := pkitest.Root(t, "Root")
	order := accepted(t, server.Namespace(t), "order")
	server.Create(t, issuer(order.Namespace, root))
	server.Create(t, order)
	calls := limiter.NewCalls(8, 1)
	slot := limiter.Slot{
		Issuer:    limiter.Issuer{Kind: v1alpha1.KindVeroIssuer, Namespace: order.Namespace, Name: "vero"},
		Namespace: order.Namespace,
	}
	another := types.NamespacedName{Namespace: order.Namespace, Name: "another"}
	if _, free := calls.Submissions.Acquire(another, slot); !free {
		t.Fatal("there is no slot for a submission")
	}
	onWrite := &writing{Client: indexed(t), free: func() bool {
		probe, free := calls.Polls.Acquire(types.NamespacedName{Namespace: "other", Name: "probe"}, slot)
		if free {
			probe.Release()
		}
		return free
	}}
	polling, free := calls.Polls.Acquire(another, slot)
	must.Do(t, pollIn(t, calls, order, answering{leaf: root.Issue(t, pkitest.Key("ours"), "0123456-7")}, onWrite))
	if !free || order.Status.State != v1alpha1.VeroOrderSubmitted {
		t.Errorf("beside another poll the order is %s", order.Status.State)
	}
	polling.Release()
	must.Do(t, pollIn(t, calls, order, answering{leaf: root.Issue(t, pkitest.Key("ours"), "0123456-7")}, onWrite))
	if order.Status.State != v1alpha1.VeroOrderIssued || !onWrite.wasFree {
		t.Errorf("beside a submission it is %s; the slot was free when it was written: %v",
			order.Status.State, onWrite.wasFree)
	}
}

// writing notes whether a slot was free when a status was written.
type writing struct {
	client.Client

	free    func() bool
	wasFree bool
}

func (w *writing) Status() client.SubResourceWriter { return statusWriting{w.Client.Status(), w} }

type statusWriting struct {
	client.SubResourceWriter

	writing *writing
}

func (w statusWriting) Update(
	ctx context.Context, object client.Object, options ...client.SubResourceUpdateOption,
) error {
	w.writing.wasFree = w.writing.free()
	return w.SubResourceWriter.Update(ctx, object, options...)
}
