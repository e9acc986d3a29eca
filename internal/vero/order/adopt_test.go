package order_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/vero/orderstate"
)

// unannotating refuses to remove annotations, as an older role does, and as it looks to a controller that ends there.
type unannotating struct{ client.Client }

func (unannotating) Patch(context.Context, client.Object, client.Patch, ...client.PatchOption) error {
	return apierrors.NewForbidden(schema.GroupResource{Resource: "veroorders"}, "sign-1", errors.New("no"))
}

func adopt(t *testing.T, order *v1alpha1.VeroOrder, id string) *controlled {
	t.Helper()
	order.Annotations = map[string]string{v1alpha1.AnnotationAdoptRetrievalID: id, "example.com/theirs": "kept"}
	return control(t, order, now)
}

// reconcile takes a step through a client.
func (a *controlled) reconcile(through client.Client) error {
	a.Helper()
	a.reconciler.Client = through
	_, err := a.step()
	return err
}

// carries checks what the annotation holds; empty if it has to be gone. Others stay.
func (a *controlled) carries(want string) {
	a.Helper()
	if got := a.order.Annotations[v1alpha1.AnnotationAdoptRetrievalID]; got != want {
		a.Errorf("the annotation holds %q, want %q", got, want)
	}
	if a.order.Annotations["example.com/theirs"] != "kept" {
		a.Errorf("the annotations are %v", a.order.Annotations)
	}
}

// TestARetrievalIDIsInTheStatusBeforeItsAnnotationGoes, and the order does nothing else before that has gone.
func TestARetrievalIDIsInTheStatusBeforeItsAnnotationGoes(t *testing.T) {
	order := ended(server.Namespace(t), 0)
	order.Status.State = v1alpha1.VeroOrderFailed
	a := adopt(t, order, "retrieval-1")
	for range 2 {
		if err := a.reconcile(unannotating{server.Client}); !apierrors.IsForbidden(err) {
			t.Errorf("the error is %v", err)
		}
		a.carries("retrieval-1")
		if got := order.Status; got.State != v1alpha1.VeroOrderSubmitted || got.RetrievalID != "retrieval-1" ||
			!got.RetrievalIDUnverified || got.CompletionTime != nil {
			t.Errorf("the status is %+v", got)
		}
	}
	accepted := order.Status.AcceptanceTime
	must.Do(t, a.reconcile(server.Client))
	a.carries("")
	if got := order.Status; got.RetrievalID != "retrieval-1" || !got.AcceptanceTime.Equal(accepted) {
		t.Errorf("it was taken over once more: %+v", got)
	}
	if err := a.reconcile(server.Client); err != nil || orderstate.Reason(order) != v1alpha1.ReasonIssuerNotFound {
		t.Errorf("it does not go on: %s, %v", orderstate.Message(order), err)
	}
}

// TestAVerifiedRetrievalIDStays where a person brings another one, who is told.
func TestAVerifiedRetrievalIDStays(t *testing.T) {
	order := accepted(t, server.Namespace(t), "sign-1")
	a := adopt(t, order, "another")
	must.Do(t, a.reconcile(server.Client))
	a.carries("")
	if order.Status.RetrievalID != "retrieval of sign-1" || order.Status.RetrievalIDUnverified {
		t.Errorf("the status is %+v", order.Status)
	}
	if event := <-a.events.Events; !strings.HasPrefix(event, "Warning RetrievalIDNotAdopted VeroOrder sign-1 holds") {
		t.Errorf("the event is %q", event)
	}
}

// TestAnOrderIsHeldUpByWhatIsNoRetrievalID: it is not sent while a person is about to bring one.
func TestAnOrderIsHeldUpByWhatIsNoRetrievalID(t *testing.T) {
	order := ended(server.Namespace(t), 0)
	order.Status = v1alpha1.VeroOrderStatus{State: v1alpha1.VeroOrderPending}
	a := adopt(t, order, "retrieval 1")
	for range 2 {
		must.Do(t, a.reconcile(server.Client))
		a.carries("retrieval 1")
		if order.Status.State != v1alpha1.VeroOrderPending ||
			orderstate.Reason(order) != v1alpha1.ReasonRetrievalIDNotAdopted {
			t.Errorf("it is %s: %s", order.Status.State, orderstate.Message(order))
		}
	}
	event := <-a.events.Events
	if !strings.HasPrefix(event, "Warning RetrievalIDNotAdopted") || len(a.events.Events) > 0 {
		t.Errorf("the event is %q, and there are %d more", event, len(a.events.Events))
	}
	order.Annotations[v1alpha1.AnnotationAdoptRetrievalID] = "retrieval-1"
	must.Do(t, server.Client.Update(t.Context(), order))
	must.Do(t, a.reconcile(server.Client))
	a.carries("")
	if order.Status.RetrievalID != "retrieval-1" {
		t.Errorf("the status is %+v", order.Status)
	}
}
