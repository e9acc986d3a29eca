package backend

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/event"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/vero/orderstate"
	"github.com/varmenne/varmenne-issuer/internal/vero/protocol"
)

// TestOnlyWhatARequestShowsOfItsOrderBringsItBack into the queue.
func TestOnlyWhatARequestShowsOfItsOrderBringsItBack(t *testing.T) {
	now := time.Now()
	intend := func(order *v1alpha1.VeroOrder) { orderstate.RecordIntent(order, "", 0, now) }
	accept := func(order *v1alpha1.VeroOrder) {
		orderstate.RecordSubmission(order, "r-1", nil, orderstate.Call{Ended: now})
	}
	refuse := func(code protocol.Code) func(*v1alpha1.VeroOrder) {
		return func(order *v1alpha1.VeroOrder) {
			now = now.Add(time.Minute)
			orderstate.RecordPoll(order, nil, &protocol.ServiceError{Code: code}, orderstate.Call{
				RetrievalID: "r-1", Ended: now, Timeout: time.Hour,
			})
		}
	}
	order := &v1alpha1.VeroOrder{ObjectMeta: metav1.ObjectMeta{Namespace: "tax", Name: "sign-1"}}
	order.Spec.Operation = v1alpha1.VeroOperationSignNew
	order.Spec.Transfer = &v1alpha1.TransferAuthorization{SecretName: "vero-transfer"}
	watched := shownChanged()
	if watched.Create(event.CreateEvent{Object: order}) {
		t.Error("its creation does")
	}
	for _, step := range []struct {
		claim  string
		change func(*v1alpha1.VeroOrder)
		brings bool
	}{
		{"that it is being sent", intend, false},
		{"that it was accepted", accept, true},
		{"that a poll has brought nothing", refuse(protocol.CodeTechnical), false},
		{"that another poll has brought nothing", refuse(protocol.CodeTechnical), false},
		{"another label", func(order *v1alpha1.VeroOrder) { order.Labels = map[string]string{"a": "b"} }, true},
		{"another annotation", func(order *v1alpha1.VeroOrder) { order.Annotations = map[string]string{"a": "b"} }, true},
		{"that its RetrievalId is refused", refuse(protocol.CodeCredentials), true},
	} {
		before := order.DeepCopy()
		step.change(order)
		if got := watched.Update(event.UpdateEvent{ObjectOld: before, ObjectNew: order}); got != step.brings {
			t.Errorf("%s does: %t, want %t", step.claim, got, step.brings)
		}
	}
	if !watched.Create(event.CreateEvent{Object: order}) || !watched.Delete(event.DeleteEvent{Object: order}) {
		t.Error("that one is there which says something, or that it is gone, does not")
	}
}
