package stories

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	cmutil "github.com/cert-manager/cert-manager/pkg/api/util"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/e2e/howto"
	"github.com/varmenne/varmenne-issuer/e2e/testkit"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

// manualPage is the page whose commands a person follows.
const manualPage = "../../docs/how-to/manual-certificates.md"

// pageReader is a person who follows the page.
type pageReader struct {
	*manual

	shell howto.Shell
}

// beginManualAsThePageSays begins a test case whose issuer and Certificate were made by the page.
func beginManualAsThePageSays(t *testing.T) *pageReader {
	t.Helper()
	m := &pageReader{manual: prepareManual(t)}
	m.shell = m.Shell()
	for name, bundle := range map[string]func(context.Context) ([]byte, error){
		"root.pem": m.Service.DVVRoot, "intermediates.pem": m.Service.DVVIntermediates,
	} {
		m.write(name, m.bundle(bundle).CABundle)
	}
	m.follow("", "Once: the issuer")
	from := func(key string) v1alpha1.BundleSource {
		return v1alpha1.BundleSource{ConfigMapKeyRef: &v1alpha1.BundleReference{Name: "dvv-authorities", Key: key}}
	}
	between := from("intermediates.pem")
	m.issuer.Spec.Trust, m.issuer.Spec.Intermediates = from("root.pem"), &between
	m.Create(inEveryFormat(m.certificate))
	m.Create(m.issuer, m.certificate)
	return m
}

// write puts a file where the person is.
func (m *pageReader) write(name string, content []byte) {
	m.Helper()
	if err := os.WriteFile(filepath.Join(m.shell.Dir, name), content, 0o600); err != nil {
		m.Fatal(err)
	}
}

// follow does what the page says under a heading, for an order.
func (m *pageReader) follow(order, heading string) {
	m.Helper()
	page, err := howto.Read(manualPage, howto.Replacement{Old: "NAME", New: order},
		howto.Replacement{Old: "-n stamping", New: "-n " + m.Namespace})
	var commands howto.Page
	if err == nil {
		commands, err = page.Section(heading)
	}
	if err == nil {
		err = m.shell.Run(m.Context(), commands)
	}
	if err != nil {
		m.Fatalf("%s: %v\n%s", manualPage, err, m.Picture())
	}
}

// TestAPersonFetchesACertificateAndItsRenewals by the commands of the page, the first one with a changed organization,
// and cert-manager is content with each: it makes no further request. Keystores and other formats hold the same.
func TestAPersonFetchesACertificateAndItsRenewals(t *testing.T) {
	t.Parallel()
	m := beginManualAsThePageSays(t)
	serial := ""
	for round, change := range []func(*admin.Application){
		func(a *admin.Application) { a.IssuedOrganization, a.DropOrganizationalUnit = "Example Oyj", true },
		file(admin.FilePKCS7DER), file(admin.FileDER), file(admin.FileBagAttributes),
	} {
		order := m.next()
		m.follow(order.Name, "Once: the Certificate")
		m.follow(order.Name, "Every time: carry the request")
		m.awaitSaying(order, v1alpha1.ReasonAwaitingAuthority, "DVV 1234")
		m.write("FILE", m.apply(order, change))
		m.follow(order.Name, "Every time: bring back what came")
		leaf := m.awaitIssued(order)
		if got := leaf.SerialNumber.String(); got == serial {
			t.Errorf("round %d has brought the certificate of before", round)
		} else {
			serial = got
		}
		if round == 0 && len(order.Status.Changes) != 2 {
			t.Errorf("the changes are %+v", order.Status.Changes)
		}
		if round > 0 && (order.Spec.Renews == nil || order.Spec.Renews.SerialNumber == order.Status.SerialNumber) {
			t.Errorf("order %d renews %+v", round, order.Spec.Renews)
		}
		m.agreeWithThePair(m.certificate.Spec.SecretName)
		m.staysIssued(round + 1)
		m.Renew(m.certificate)
	}
}

// staysIssued: cert-manager has ended what it does, has made so many requests and no other one.
func (m *manual) staysIssued(requests int) {
	m.Helper()
	await(m.testCase, m.certificate, "Ready and at rest", func(certificate *cmapi.Certificate) bool {
		issuing := cmutil.GetCertificateCondition(certificate, cmapi.CertificateConditionIssuing)
		return testkit.IsReady(certificate) && (issuing == nil || issuing.Status != cmmeta.ConditionTrue)
	})
	if revision := ptr.Deref(m.certificate.Status.Revision, 0); revision != requests {
		m.Errorf("the revision is %d, want %d", revision, requests)
	}
}

// TestACertificateThatBeginsLaterIsKept, and handed over when it begins. If the one in use ends before, a Warning says
// how long the gap will be, and one that begins earlier is taken in its place.
func TestACertificateThatBeginsLaterIsKept(t *testing.T) {
	t.Parallel()
	m := beginManual(t)
	order := m.next()
	const later = 20 * time.Second
	m.paste(order, string(m.apply(order, func(a *admin.Application) { a.Postponed = admin.Duration(later) })))
	m.awaitSaying(order, v1alpha1.ReasonAwaitingValidity, "begins at")
	first := m.awaitIssued(order)
	if time.Now().Before(first.NotBefore) {
		t.Errorf("it was handed over before %s", first.NotBefore)
	}

	m.staysIssued(1) // a renewal that is asked for before cert-manager is at rest is lost
	m.Renew(m.certificate)
	renewal := m.next()
	m.bring(renewal, m.apply(renewal, func(a *admin.Application) {
		a.ValidFrom = first.NotAfter.AddDate(0, 0, 31).UTC().Format(time.DateOnly)
	}))
	gap := "the one in use ends at " + first.NotAfter.UTC().Format(time.RFC3339) + ", 30 days earlier: until then nothing"
	m.awaitSaying(renewal, v1alpha1.ReasonAwaitingValidity, gap)
	m.awaitEvent("ManualOrder", renewal.Name, corev1.EventTypeWarning, v1alpha1.ReasonAwaitingValidity, gap)
	request := m.awaitPending(m.certificate.Name, gap)
	m.awaitEvent("CertificateRequest", request.Name, corev1.EventTypeWarning, v1alpha1.ReasonAwaitingValidity, gap)
	m.bring(renewal, m.apply(renewal, file(admin.FileCSR)))
	m.awaitSaying(renewal, v1alpha1.ReasonAwaitingValidity, gap, "after it cannot be used: it is the CSR")
	inUse := m.readSecret(m.certificate.Spec.SecretName).Data[corev1.TLSCertKey]
	if !bytes.Equal(inUse, order.Status.Certificate) {
		t.Error("the certificate in use was replaced by one that is not valid yet")
	}
	m.bring(renewal, m.apply(renewal))
	m.awaitIssued(renewal)
}
