package find

import (
	"testing"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
)

func TestWhatNobodyAsksForIsNotKept(t *testing.T) {
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
	if string(order.Spec.Request) != "the CSR" || string(request.Spec.Request) != "the CSR" {
		t.Errorf("they hold %q and %q", order.Spec.Request, request.Spec.Request)
	}
	if order.ManagedFields != nil || request.ManagedFields != nil || request.Spec.Username != "" {
		t.Errorf("what nobody asks for is kept: %+v, %+v", order, request)
	}
}
