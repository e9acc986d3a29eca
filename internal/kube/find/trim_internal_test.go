package find

import (
	"context"
	"runtime"
	"testing"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
)

// TestAnOrderAndItsRequestKeepWhatTheyShareOnce, and only for as long as they are there.
func TestAnOrderAndItsRequestKeepWhatTheyShareOnce(t *testing.T) {
	trim := Trim()
	managed := []metav1.ManagedFieldsEntry{{Manager: "kubectl"}}
	order, request := &v1alpha1.ManualOrder{}, &cmapi.CertificateRequest{}
	order.ManagedFields, request.ManagedFields, request.Spec.Username = managed, managed, "cert-manager"
	order.Spec.Request, request.Spec.Request = []byte("the CSR"), []byte("the CSR")
	for _, object := range []any{order, request} {
		if got, err := trim(object); err != nil || got != object {
			t.Fatalf("it becomes %v: %v", got, err)
		}
	}
	if &order.Spec.Request[0] != &request.Spec.Request[0] || string(order.Spec.Request) != "the CSR" {
		t.Errorf("they hold %q and %q", order.Spec.Request, request.Spec.Request)
	}
	if order.ManagedFields != nil || request.ManagedFields != nil || request.Spec.Username != "" {
		t.Errorf("what nobody asks for is kept: %+v, %+v", order, request)
	}
}

func TestWhatNobodyHoldsIsForgotten(t *testing.T) {
	kept := &contents{known: map[digest]*content{}}
	one, other := &v1alpha1.ManualOrder{}, &cmapi.CertificateRequest{}
	once(kept, one, []byte("the CSR"))
	once(kept, other, []byte("the CSR"))
	number := func() int {
		runtime.GC()
		kept.mutex.Lock()
		defer kept.mutex.Unlock()
		return len(kept.known)
	}
	runtime.KeepAlive(one)
	if number() != 1 {
		t.Error("what an object holds is forgotten")
	}
	runtime.KeepAlive(other)
	err := wait.PollUntilContextTimeout(t.Context(), time.Millisecond, 10*time.Second, true,
		func(context.Context) (bool, error) { return number() == 0, nil })
	if err != nil {
		t.Errorf("%v: %d contents stay", err, number())
	}
}
