package stories

import (
	"testing"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/e2e/tenant"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

// applied begins a test case with an application, and returns its order and the certificate that DVV makes of it.
func applied(t *testing.T) (m *manual, order *v1alpha1.ManualOrder, content []byte) {
	t.Helper()
	m = beginManual(t)
	order = m.next()
	content = m.apply(order)
	m.note(order, "DVV 7")
	m.awaitSaying(order, v1alpha1.ReasonAwaitingAuthority)
	return m, order, content
}

// TestACertificateForAnEditedCertificateIsUsedWhereItsKeyStillIs: the order is stale at once, and says which
// application to stop. Where the certificate comes all the same, the order that took its place uses it.
func TestACertificateForAnEditedCertificateIsUsedWhereItsKeyStillIs(t *testing.T) {
	t.Parallel()
	m, stale, content := applied(t)
	tenant.Edit(m.Tenant, m.certificate, func(certificate *cmapi.Certificate) {
		certificate.Spec.DNSNames = []string{certificate.Spec.CommonName}
	})
	m.awaitSaying(stale, v1alpha1.ReasonApplicationStale, `stop the application "DVV 7"`)
	order := m.next()
	brought := m.bring(stale, content)
	m.awaitIssued(order)
	used := "is used for ManualOrder " + order.Name
	m.awaitSaying(stale, v1alpha1.ReasonApplicationStale, used)
	m.Remove(brought)
	tenant.Edit(m.Tenant, stale, func(order *v1alpha1.ManualOrder) { order.Spec.Application.By = "Matti" })
	m.awaitManual("looked at once more, without the file", func(found *v1alpha1.ManualOrder) bool {
		return found.UID == stale.UID && found.Status.ObservedGeneration == stale.Generation &&
			says(found, v1alpha1.ReasonApplicationStale, used)
	})
	m.staysIssued(1)
}

// TestACertificateWhoseKeyIsGoneIsRefused, by the order that it was made for and by the one that took its place, which
// names the former.
func TestACertificateWhoseKeyIsGoneIsRefused(t *testing.T) {
	t.Parallel()
	m, stale, content := applied(t)
	staged := m.readSecret(*m.stagedKey())
	m.Remove(staged)
	m.awaitSaying(stale, v1alpha1.ReasonApplicationStale, `stop the application "DVV 7"`)
	order := m.next()
	m.bring(stale, m.bundle(m.Service.DVVRoot).CABundle)
	m.awaitSaying(stale, v1alpha1.ReasonCertificateRejected,
		`stop the application "DVV 7"`, "no certificate in it was issued for the key of this order")
	m.bring(stale, content)
	m.awaitSaying(stale, v1alpha1.ReasonCertificateRejected,
		"private key is not in preparation any more", "have the authority revoke the certificate")
	m.bring(order, m.apply(order, file(admin.FileEarlierCSR)))
	m.awaitSaying(order, v1alpha1.ReasonCertificateRejected, "belongs to the CSR of ManualOrder \""+stale.Name)
	m.bring(order, m.apply(order))
	m.awaitIssued(order)
}

// stagedKey is the name of the Secret with the private key that the Certificate waits with.
func (m *manual) stagedKey() *string {
	m.Helper()
	if err := m.Client.Get(m.Context(), client.ObjectKeyFromObject(m.certificate), m.certificate); err != nil {
		m.Fatal(err)
	}
	return m.certificate.Status.NextPrivateKeySecretName
}

// TestAnApplicationOutlivesItsRequestAndItsOrder: the request that is made again finds the order, and an order that is
// made again under the same name takes the certificate of the former.
func TestAnApplicationOutlivesItsRequestAndItsOrder(t *testing.T) {
	t.Parallel()
	m, order, content := applied(t)
	request := m.Requests()[0]
	m.Remove(&request)
	m.AwaitRequest("made again, and follows the order", func(again *cmapi.CertificateRequest) bool {
		return again.UID != request.UID &&
			isNotReady(again, cmapi.CertificateRequestReasonPending, order.Name, `application "DVV 7"`)
	})
	m.awaitSaying(order, v1alpha1.ReasonAwaitingAuthority)

	m.Remove(order)
	successor := m.next()
	if successor.Name != order.Name || len(m.orders()) != 1 {
		t.Errorf("ManualOrder %s was made, one of %d, want %s", successor.Name, len(m.orders()), order.Name)
	}
	m.bring(successor, content)
	m.awaitIssued(successor)
	m.staysIssued(1)
}
