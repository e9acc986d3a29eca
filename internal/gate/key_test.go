package gate_test

import (
	"crypto/rand"
	"crypto/rsa"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
)

// TestAKeyThatIsLargerThanDocumentedIsWarnedOfBeforeItIsSent: the order is made all the same, and the warning is told
// first.
func TestAKeyThatIsLargerThanDocumentedIsWarnedOfBeforeItIsSent(t *testing.T) {
	r := prepared(t)
	key, err := rsa.GenerateKey(rand.Reader, 3072)
	if err != nil {
		t.Fatal(err)
	}
	r.payable(key)
	r.request.Spec.Request = signingRequest(t, key)
	if err := server.Client.Update(t.Context(), r.request); err != nil {
		t.Fatal(err)
	}
	r.reconcile()
	r.says("", "", "Warning LargeKey the key has 3072 bits", "Normal OrderCreated ")
	orders := &v1alpha1.VeroOrderList{}
	if err := server.Client.List(t.Context(), orders, client.InNamespace(r.request.Namespace)); err != nil {
		t.Fatal(err)
	}
	if len(orders.Items) != 1 {
		t.Errorf("there are %d orders, want one", len(orders.Items))
	}
}
