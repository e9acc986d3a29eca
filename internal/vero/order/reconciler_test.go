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
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/tools/events"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/apitest"
	"github.com/varmenne/varmenne-issuer/internal/kube/status"
	"github.com/varmenne/varmenne-issuer/internal/limiter"
	veroorder "github.com/varmenne/varmenne-issuer/internal/vero/order"
)

// limited is a client of somebody who may do everything with some of our kinds, and nothing else.
func limited(t *testing.T, resources ...string) client.Client {
	t.Helper()
	user := server.Namespace(t) // a name that nobody else has
	rule := rbacv1.PolicyRule{APIGroups: []string{v1alpha1.GroupName}, Resources: resources, Verbs: []string{"*"}}
	server.Create(t, &rbacv1.ClusterRole{
		ObjectMeta: metav1.ObjectMeta{Name: user}, Rules: []rbacv1.PolicyRule{rule},
	}, &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: user},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: user},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: user}},
	})
	return server.As(t, user)
}

func TestAnOrderThatThePermissionsHinderSaysSo(t *testing.T) {
	order := ended(server.Namespace(t), 0)
	order.Status = v1alpha1.VeroOrderStatus{State: v1alpha1.VeroOrderSubmitted, RetrievalID: "retrieval-1"}
	server.Create(t, order)
	const enough = 10
	recorder := events.NewFakeRecorder(enough)
	reconciler := &veroorder.Reconciler{Options: veroorder.Options{
		Client: server.Client, Limiter: limiter.New(1, 1), Clock: clocktesting.NewFakeClock(now),
		Events: status.Events{Recorder: recorder},
	}}
	reconcileAs := func(reader client.Reader) (says string, err error) {
		reconciler.Reader = reader
		name := client.ObjectKeyFromObject(order)
		_, err = reconciler.Reconcile(t.Context(), reconcile.Request{NamespacedName: name})
		if err := server.Client.Get(t.Context(), name, order); err != nil {
			t.Fatal(err)
		}
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
	if event := <-recorder.Events; !strings.HasPrefix(event, "Warning ClusterError") || len(recorder.Events) > 0 {
		t.Errorf("the event is %q, and there are %d more", event, len(recorder.Events))
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
	server.Create(t, order)
	clock := clocktesting.NewFakeClock(now)
	recorder := events.NewFakeRecorder(100)
	tries := 0
	// It stands for a webhook whose error has the port of a connection in it.
	changing := apitest.Unreadable{Client: server.Client, Refusal: func(object client.Object) error {
		if _, isIssuer := object.(*v1alpha1.VeroIssuer); !isIssuer {
			return nil
		}
		tries++
		return apierrors.NewInternalError(fmt.Errorf("read tcp 127.0.0.1:%d: connection reset", tries))
	}}
	conflict := apierrors.NewConflict(schema.GroupResource{}, "", errors.New("somebody else was faster"))
	reconciler := &veroorder.Reconciler{Options: veroorder.Options{
		Client: apitest.Unwritable{Client: server.Client, Refusal: conflict}, Reader: changing, Limiter: limiter.New(1, 1),
		Clock: clock, Events: status.Events{Recorder: recorder},
	}}
	name := client.ObjectKeyFromObject(order)
	reconcileFailing := func(told int) {
		t.Helper()
		if _, err := reconciler.Reconcile(t.Context(), reconcile.Request{NamespacedName: name}); err == nil {
			t.Error("there is no error")
		}
		if len(recorder.Events) != told {
			t.Fatalf("told %d times, want %d", len(recorder.Events), told)
		}
	}
	reconcileFailing(0)
	reconciler.Client = server.Client
	for range 5 {
		reconcileFailing(1)
	}
	clock.Step(status.ReportInterval)
	reconcileFailing(2)
}

// TestARestoredOrderIsNotWrittenTo also where the controller could only say that it is hindered: who restores the order
// is about to write its status.
func TestARestoredOrderIsNotWrittenTo(t *testing.T) {
	order := ended(server.Namespace(t), 0)
	order.Labels = map[string]string{"velero.io/restore-name": "daily"}
	if err := server.Client.Create(t.Context(), order); err != nil {
		t.Fatal(err)
	}
	clock := clocktesting.NewFakeClock(order.CreationTimestamp.Time)
	reconciler := &veroorder.Reconciler{Options: veroorder.Options{
		Client: server.Client, Reader: limited(t, "veroorders", "veroorders/status"), Limiter: limiter.New(1, 1),
		Clock: clock, Events: status.Events{Recorder: events.NewFakeRecorder(1)},
	}}
	result, err := reconciler.Reconcile(t.Context(), reconcile.Request{NamespacedName: client.ObjectKeyFromObject(order)})
	if err != nil || result.RequeueAfter != time.Minute {
		t.Errorf("it is looked at again in %s, error %v", result.RequeueAfter, err)
	}
	order.Status.RetrievalID = "retrieval-1"
	if err := server.Client.Status().Update(t.Context(), order); err != nil {
		t.Errorf("the status cannot be restored: %v", err)
	}
}
