package stories

import (
	"strings"
	"testing"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

// TestOfTwoPeopleTheSecondSeesWhatTheFirstHasDone, where both follow the page: an application that is noted, what was
// wrong with a file, and that the certificate is there.
func TestOfTwoPeopleTheSecondSeesWhatTheFirstHasDone(t *testing.T) {
	t.Parallel()
	m := beginManual(t)
	order := m.next()
	const note = `{"spec":{"application":{"reference":"DVV 1","by":"Maija"}}}`
	m.patch(order, note, "")
	m.patch(order, strings.NewReplacer("DVV 1", "DVV 2", "Maija", "Matti").Replace(note),
		"application DVV 1 is noted already, by Maija: if two were made, stop one of them")
	m.patch(order, note, "") // the first one, again

	m.bring(order, m.apply(order, file(admin.FileCSR)))
	m.awaitSaying(order, v1alpha1.ReasonCertificateRejected, "CSR itself")
	m.bring(order, m.apply(order))
	m.awaitIssued(order)
	m.patch(order, `{"spec":{"certificate":"something else","certificateFrom":null}}`, "the ManualOrder is issued")
}

// patch is `kubectl patch --type merge`; refusal is part of what the API server says to it, nothing where it agrees.
func (m *manual) patch(order *v1alpha1.ManualOrder, text, refusal string) {
	m.Helper()
	err := m.Client.Patch(m.Context(), order.DeepCopy(), client.RawPatch(types.MergePatchType, []byte(text)))
	if (err == nil) != (refusal == "") || err != nil && !strings.Contains(err.Error(), refusal) {
		m.Fatalf("to %s the API server says %v, want %q", text, err, refusal)
	}
}

// TestNobodyCarriesADeniedRequest, nor one that nobody has approved: there is no order for them. One that is approved
// cannot be denied any more, which cert-manager sees to.
func TestNobodyCarriesADeniedRequest(t *testing.T) {
	t.Parallel()
	m := beginWithManualIssuer(t)
	m.withoutApprover()
	denied, undecided, approved := m.bareManual("denied"), m.bareManual("undecided"), m.bareManual("approved")
	await(m.testCase, undecided, "told who has to approve", func(request *cmapi.CertificateRequest) bool {
		return isNotReady(request, cmapi.CertificateRequestReasonPending, "no approver has approved",
			"manualissuers.varmenne.dev/*", "manualclusterissuers.varmenne.dev/*")
	})
	m.decide(denied, cmapi.CertificateRequestConditionDenied)
	m.decide(approved, cmapi.CertificateRequestConditionApproved)
	await(m.testCase, denied, "denied", func(request *cmapi.CertificateRequest) bool {
		return isNotReady(request, cmapi.CertificateRequestReasonDenied, "denied")
	})
	order := m.next()
	if orders := m.orders(); len(orders) != 1 || order.Annotations[v1alpha1.AnnotationRequestName] != approved.Name {
		t.Errorf("there are %d ManualOrders, one is for %v", len(orders), order.Annotations)
	}
	m.Remove(approved)
	m.awaitSaying(order, v1alpha1.ReasonApplicationStale, "do not carry this request to the authority any more")
}

// bareManual creates a request of the issuer that no Certificate stands behind.
func (m *manual) bareManual(name string) *cmapi.CertificateRequest {
	m.Helper()
	request := m.bareRequest(2048)
	request.Name, request.Spec.IssuerRef = name, m.certificate.Spec.IssuerRef
	m.Create(request)
	return request
}
