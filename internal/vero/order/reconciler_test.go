package order_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/tools/events"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/apitest"
	"github.com/varmenne/varmenne-issuer/internal/kube/status"
	"github.com/varmenne/varmenne-issuer/internal/limiter"
	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/secrets"
	veroorder "github.com/varmenne/varmenne-issuer/internal/vero/order"
)

// controlled is an order, and a controller that takes it a step at a time and has no service to call: nothing is to be
// sent.
type controlled struct {
	*testing.T

	order      *v1alpha1.VeroOrder
	clock      *clocktesting.FakeClock
	events     *events.FakeRecorder
	reconciler *veroorder.Reconciler
}

// control makes an order, and a controller at a moment; the zero one is that of the order's creation.
func control(t *testing.T, order *v1alpha1.VeroOrder, moment time.Time) *controlled {
	t.Helper()
	server.Create(t, order)
	if moment.IsZero() {
		moment = order.CreationTimestamp.Time
	}
	const enough = 100
	c := &controlled{T: t, order: order, clock: clocktesting.NewFakeClock(moment), events: events.NewFakeRecorder(enough)}
	c.reconciler = veroorder.NewReconciler(veroorder.Options{
		Client: server.Client, Reader: server.Client, Calls: limiter.NewCalls(1, 1), Clock: c.clock,
		Bundles: secrets.NewKeptBundles(server.Client, "default", c.clock), Events: status.Events{Recorder: c.events},
	})
	return c
}

// step reconciles the order, which is read again, if it is still there.
func (c *controlled) step() (reconcile.Result, error) {
	c.Helper()
	name := client.ObjectKeyFromObject(c.order)
	result, err := c.reconciler.Reconcile(c.Context(), reconcile.Request{NamespacedName: name})
	must.Do(c, client.IgnoreNotFound(server.Client.Get(c.Context(), name, c.order)))
	return result, err
}

// limited is a client of somebody who may do everything with some of our kinds, and nothing else.
func limited(t *testing.T, resources ...string) client.Client {
	t.Helper()
	return server.Limited(t, rbacv1.PolicyRule{
		APIGroups: []string{v1alpha1.GroupName}, Resources: resources, Verbs: []string{"*"}})
}

func TestAnOrderThatThePermissionsHinderSaysSo(t *testing.T) {
	order := ended(server.Namespace(t), 0)
	order.Status = v1alpha1.VeroOrderStatus{State: v1alpha1.VeroOrderSubmitted, RetrievalID: "retrieval-1"}
	c := control(t, order, now)
	reconcileAs := func(access client.Client) (says string, err error) {
		c.reconciler.Client, c.reconciler.Reader = access, access
		_, err = c.step()
		ready := meta.FindStatusCondition(order.Status.Conditions, v1alpha1.ConditionReady)
		return ready.Reason + " " + ready.Message, err
	}
	hindered := limited(t, "veroorders", "veroorders/status")
	for range 2 {
		says, err := reconcileAs(hindered)
		if err == nil || !strings.HasPrefix(says, "ClusterError get VeroIssuer") || !strings.Contains(says, "forbidden") {
			t.Errorf("the order says %q, the error is %v", says, err)
		}
	}
	if event := <-c.events.Events; !strings.HasPrefix(event, "Warning ClusterError") || len(c.events.Events) > 0 {
		t.Errorf("the event is %q, and there are %d more", event, len(c.events.Events))
	}
	if says, err := reconcileAs(server.Client); err != nil || !strings.HasPrefix(says, "IssuerNotFound") {
		t.Errorf("given the permission, the order says %q, the error is %v", says, err)
	}
}

// TestAnErrorIsNotReportedAtEveryTry: what is written brings the order back at once. One that could not be written was
// not told.
func TestAnErrorIsNotReportedAtEveryTry(t *testing.T) {
	order := ended(server.Namespace(t), 0)
	order.Status = v1alpha1.VeroOrderStatus{State: v1alpha1.VeroOrderSubmitted, RetrievalID: "retrieval-1"}
	c := control(t, order, now)
	tries := 0
	// It stands for a webhook whose error has the port of a connection in it.
	unreadable := apitest.Unreadable{Client: server.Client, Refusal: func(object client.Object) error {
		if _, isIssuer := object.(*v1alpha1.VeroIssuer); !isIssuer {
			return nil
		}
		tries++
		return apierrors.NewInternalError(fmt.Errorf("read tcp 127.0.0.1:%d: connection reset", tries))
	}}
	conflict := apierrors.NewConflict(schema.GroupResource{}, "", errors.New("somebody else was faster"))
	c.reconciler.Client = apitest.Unwritable{Client: unreadable, Refusal: conflict}
	reconcileFailing := func(told int) {
		t.Helper()
		if _, err := c.step(); err == nil {
			t.Error("there is no error")
		}
		if len(c.events.Events) != told {
			t.Fatalf("told %d times, want %d", len(c.events.Events), told)
		}
	}
	reconcileFailing(0)
	c.reconciler.Client = unreadable
	for range 5 {
		reconcileFailing(1)
	}
	c.clock.Step(status.ReportInterval)
	reconcileFailing(2)
}

// TestARestoredOrderIsNotWrittenTo also where the controller could only say that it is hindered: who restores the order
// is about to write its status.
func TestARestoredOrderIsNotWrittenTo(t *testing.T) {
	order := ended(server.Namespace(t), 0)
	order.Labels = map[string]string{"velero.io/restore-name": "daily"}
	must.Do(t, server.Client.Create(t.Context(), order))
	clock := clocktesting.NewFakeClock(order.CreationTimestamp.Time)
	reconciler := veroorder.NewReconciler(veroorder.Options{
		Client: server.Client, Reader: limited(t, "veroorders", "veroorders/status"), Calls: limiter.NewCalls(1, 1),
		Clock: clock, Events: status.Events{Recorder: events.NewFakeRecorder(1)},
	})
	result, err := reconciler.Reconcile(t.Context(), reconcile.Request{NamespacedName: client.ObjectKeyFromObject(order)})
	if err != nil || result.RequeueAfter != time.Minute {
		t.Errorf("it is looked at again in %s, error %v", result.RequeueAfter, err)
	}
	order.Status.RetrievalID = "retrieval-1"
	if err := server.Client.Status().Update(t.Context(), order); err != nil {
		t.Errorf("the status cannot be restored: %v", err)
	}
}
