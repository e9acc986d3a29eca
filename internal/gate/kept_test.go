package gate_test

import (
	"testing"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/apitest"
	"github.com/varmenne/varmenne-issuer/internal/kube/conditions"
	"github.com/varmenne/varmenne-issuer/internal/must"
)

// TestARequestIsReadAnewOnlyWhenSomebodyElseHasChangedIt: what the controller has written itself it knows.
func TestARequestIsReadAnewOnlyWhenSomebodyElseHasChangedIt(t *testing.T) {
	r := prepared(t)
	r.order(v1alpha1.VeroOrderSubmitted)
	var reads int
	r.uses(server.Client, apitest.Unreadable{Client: server.Client, Refusal: func(object client.Object) error {
		if _, isRequest := object.(*cmapi.CertificateRequest); isRequest {
			reads++
		}
		return nil
	}})
	expect := func(claim string, want int) {
		t.Helper()
		reads = 0
		r.reconcile()
		if reads != want {
			t.Errorf("%s: it is read %d times, want %d", claim, reads, want)
		}
	}
	expect("at first", 1)
	expect("after that was written", 0)
	if said := conditions.ReadyMessage(r.request); said != "the service makes the certificate" {
		t.Errorf("the request says %q", said)
	}
	r.request.Annotations["example.com/note"] = "changed"
	must.Do(t, server.Client.Update(t.Context(), r.request))
	expect("after somebody has changed it", 1)
	expect("after that", 0)
	if r.request.Annotations["example.com/note"] != "changed" {
		t.Error("what somebody else has written is lost")
	}
}
