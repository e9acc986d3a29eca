package gate_test

import (
	"strings"
	"testing"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varmenne/varmenne-issuer/internal/kube/conditions"
)

func TestARequestWithAKindThatTheGroupHasNotIsToldWhichItHas(t *testing.T) {
	const both = "has the kinds VeroIssuer and VeroClusterIssuer only"
	for kind, says := range map[string]string{
		"": both, "Issuer": both, "ClusterIssuer": both, "VeroOrder": both,
		"veroissuer": "did you mean VeroIssuer?", "VEROCLUSTERISSUER": "did you mean VeroClusterIssuer?",
	} {
		t.Run("kind "+kind, func(t *testing.T) {
			r := renew(t)
			r.request = &cmapi.CertificateRequest{
				ObjectMeta: metav1.ObjectMeta{Namespace: r.request.Namespace, Name: "misnamed"},
				Spec: cmapi.CertificateRequestSpec{Request: []byte("not looked at"),
					IssuerRef: cmmeta.IssuerReference{Group: "varmenne.dev", Kind: kind, Name: "vero"}},
			}
			server.Create(t, r.request)
			r.reconcile()
			r.says("", "", "Warning IssuerNotFound spec.issuerRef")
			ready := conditions.Find(r.request, cmapi.CertificateRequestConditionReady)
			if ready == nil || ready.Reason != cmapi.CertificateRequestReasonPending || !strings.Contains(ready.Message, says) {
				t.Errorf("the condition is %+v, want that it says %q", ready, says)
			}
			r.reconcile()
			r.says("", "")
		})
	}
}
