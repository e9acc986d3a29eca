package stories

import (
	"testing"
	"time"

	cmutil "github.com/cert-manager/cert-manager/pkg/api/util"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/pki"
)

// waiting is a Certificate that waits for a person while the cluster is disturbed.
type waiting struct {
	*manual

	order   *v1alpha1.ManualOrder
	request types.UID
	staged  *corev1.Secret
	// content is what the authority has sent meanwhile.
	content []byte
}

// beginWaiting begins a test case with an application that has been with the authority for ten days.
func beginWaiting(t *testing.T) *waiting {
	t.Helper()
	m, order, content := applied(t)
	w := &waiting{manual: m, order: order, content: content, request: m.Requests()[0].UID}
	w.staged = m.readSecret(*m.stagedKey())
	w.isOlder(10 * 24 * time.Hour)
	return w
}

// isOlder lets everything that has been waiting have done so for so much longer: all that a controller could read a
// time from, but for the times of creation and of the approval, which nobody can change.
func (w *waiting) isOlder(by time.Duration) {
	w.Helper()
	older := func(at *metav1.Time) { at.Time = at.Add(-by) }
	editStatus(w.testCase, w.certificate, func(certificate *cmapi.Certificate) {
		for _, condition := range certificate.Status.Conditions {
			older(condition.LastTransitionTime)
		}
	})
	editStatus(w.testCase, &w.Requests()[0], func(request *cmapi.CertificateRequest) {
		older(cmutil.GetCertificateRequestCondition(request, cmapi.CertificateRequestConditionReady).LastTransitionTime)
	})
	editStatus(w.testCase, w.order, func(order *v1alpha1.ManualOrder) {
		for i := range order.Status.Conditions {
			older(&order.Status.Conditions[i].LastTransitionTime)
		}
	})
}

// goesOn is how the test case ends: with the same key, request and order as if nothing had happened.
func (w *waiting) goesOn(t *testing.T) {
	t.Helper()
	m := w.on(t)
	requests, orders := m.Requests(), m.orders()
	if len(requests) != 1 || requests[0].UID != w.request || len(orders) != 1 || orders[0].UID != w.order.UID {
		t.Errorf("there are %d requests and %d orders, want those of before\n%s", len(requests), len(orders), m.Picture())
	}
	staged := m.stagedKey()
	if staged == nil || *staged != w.staged.Name || m.readSecret(*staged).UID != w.staged.UID {
		t.Errorf("the staged key is in %v, want %s", staged, w.staged.Name)
	}
	m.reportedOnce("ManualOrder", w.order.Name, v1alpha1.ReasonAwaitingAuthority)
	m.bring(w.order, w.content)
	leaf := m.awaitIssued(w.order)
	if !pki.IsKeyOf(pki.PrivateKey(w.staged.Data[corev1.TLSPrivateKeyKey]), leaf.PublicKey) {
		t.Error("the certificate is for another key than the staged one")
	}
	m.staysIssued(1)
}
