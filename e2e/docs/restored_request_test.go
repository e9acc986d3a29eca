package docs

import (
	"context"
	"strings"
	"testing"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
)

// TestARestoredRequestSpendsNothing: whoever restores everything as it comes brings back a CertificateRequest that has
// lost its owner, its approval and its outcome. With unspent credentials there it must not order what nobody waits for.
func TestARestoredRequestSpendsNothing(t *testing.T) {
	s := beginScene(t, "restored-request", "--processing-delay=1s")
	s.create(s.certificate())
	s.awaitReady()
	secret := get(s, transferName, &corev1.Secret{})
	secret.StringData = s.credentials(s.mint()).StringData
	if err := s.Client.Update(t.Context(), secret); err != nil {
		t.Fatal(err)
	}

	s.loseAndRestore(restoration{})
	s.awaitReady()
	s.eventually("a request that says why nothing is sent for it", func(ctx context.Context) (bool, error) {
		for _, request := range s.requests(ctx) {
			for _, condition := range request.Status.Conditions {
				if condition.Type == cmapi.CertificateRequestConditionReady &&
					strings.Contains(condition.Message, "which does not control it any more") {
					return true, nil
				}
			}
		}
		return false, nil
	})
	if sent := s.submissions(); len(sent) != 1 {
		t.Errorf("the service was sent %+v, want what was sent before the loss", sent)
	}
	for _, order := range s.orders(t.Context()) {
		if order.Status.Phase != v1alpha1.PhaseIssued || order.Status.RetrievalID == "" {
			t.Errorf("order %s has lost its status: %+v", order.Name, order.Status)
		}
	}
}
