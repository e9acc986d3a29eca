package orderstate_test

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/vero/orderstate"
)

// TestTheCreationOfAnOrderIsAnIntent: whoever finds one without a status does not know whether it was sent; whoever has
// made it does, and whatever is written first says so.
func TestTheCreationOfAnOrderIsAnIntent(t *testing.T) {
	made := func() *v1alpha1.VeroOrder {
		order := &v1alpha1.VeroOrder{ObjectMeta: metav1.ObjectMeta{CreationTimestamp: metav1.Time{Time: now}}}
		orderstate.IntendByCreation(order, "intent")
		return order
	}
	found, own, waiting := made(), made(), made()
	plan := orderstate.PlanResumptions([]v1alpha1.VeroOrder{*found}, now)
	if len(plan.At) != 1 || len(plan.Namespaces) > 0 {
		t.Errorf("it is made again at %v, and suspected are %v", plan.At, plan.Namespaces)
	}
	if !orderstate.InDoubt(found) || !orderstate.Interrupted(found) {
		t.Error("one that is found is not in doubt")
	}
	orderstate.Recall(found, false)
	orderstate.RecordWaiting(found, orderstate.Action{Reason: v1alpha1.ReasonIssuerNotReady}, now)
	if !orderstate.InDoubt(found) || !orderstate.Interrupted(found) || found.Status.Submissions != 1 {
		t.Errorf("once it waits it has the status %+v", found.Status)
	}
	if orderstate.RecordIntent(found, "", 1, now); !found.Status.Uncertain || found.Status.Submissions != 2 {
		t.Errorf("once it is sent again it has the status %+v", found.Status)
	}
	if orderstate.Recall(own, true); orderstate.InDoubt(own) {
		t.Error("whoever has made it doubts")
	}
	if orderstate.RecordIntent(own, "", 0, now); own.Status.Uncertain || own.Status.Submissions != 1 {
		t.Errorf("once it is sent it has the status %+v", own.Status)
	}
	orderstate.Recall(waiting, true)
	orderstate.RecordWaiting(waiting, orderstate.Action{Reason: v1alpha1.ReasonIssuerNotReady}, now)
	waiting.Spec.IntentID = "intent" // as the API server has it
	if orderstate.InDoubt(waiting) {
		t.Error("one that its maker lets wait is in doubt")
	}
	left := func(at time.Time) bool { return orderstate.UntouchedUntil(made(), at).After(at) }
	if !left(now) || !left(now.Add(9*time.Second)) || left(now.Add(10*time.Second)) || left(now.Add(-time.Hour)) {
		t.Error("it is not left to its maker for ten seconds")
	}
}
