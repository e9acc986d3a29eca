package stories

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/e2e/howto"
	"github.com/varmenne/varmenne-issuer/e2e/tenant"
	"github.com/varmenne/varmenne-issuer/e2e/testkit"
	"github.com/varmenne/varmenne-issuer/internal/manual/orderstate"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

// manualPage is the page whose commands a person follows.
const manualPage = "../../docs/how-to/manual-certificates.md"

// organization of the person who carries requests.
const organization = "Example Oy"

// manual is a test case with a person in it, who carries requests to DVV and certificates back.
type manual struct {
	*testCase

	certificate *cmapi.Certificate
	shell       howto.Shell
	seen        map[string]bool
}

// beginManual begins a test case with an issuer for DVV's authorities and a Certificate of it, which changes edit.
func beginManual(t *testing.T, changes ...func(*cmapi.Certificate)) *manual {
	t.Helper()
	s := begin(t)
	m := &manual{testCase: s, shell: s.Shell(), seen: map[string]bool{}}
	for name, bundle := range map[string]func(context.Context) ([]byte, error){
		"root.pem": s.Service.DVVRoot, "intermediates.pem": s.Service.DVVIntermediates,
	} {
		content, err := bundle(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		m.write(name, content)
	}
	m.follow("", "Once: the issuer")
	from := func(key string) v1alpha1.BundleSource {
		return v1alpha1.BundleSource{ConfigMapKeyRef: &v1alpha1.BundleReference{Name: "dvv-authorities", Key: key}}
	}
	between := from("intermediates.pem")
	m.Create(&v1alpha1.ManualIssuer{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.Namespace, Name: "dvv"},
		Spec: v1alpha1.ManualIssuerSpec{
			Preset: v1alpha1.ManualPresetDVVInterfaceCertificate, Trust: from("root.pem"),
			Intermediates: &between,
		},
	})
	m.certificate = &cmapi.Certificate{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.Namespace, Name: "stamping"},
		Spec: cmapi.CertificateSpec{
			SecretName: "stamping-tls", CommonName: "stamping.example.fi",
			Subject:    &cmapi.X509Subject{Organizations: []string{organization}, OrganizationalUnits: []string{"IT"}},
			PrivateKey: &cmapi.CertificatePrivateKey{Algorithm: cmapi.RSAKeyAlgorithm, Size: 2048},
			Usages:     []cmapi.KeyUsage{cmapi.UsageClientAuth, cmapi.UsageDigitalSignature},
			IssuerRef: cmmeta.IssuerReference{
				Group: v1alpha1.GroupName, Kind: v1alpha1.KindManualIssuer, Name: "dvv",
			},
		},
	}
	for _, change := range changes {
		change(m.certificate)
	}
	m.Create(m.certificate)
	return m
}

// awaitManual waits for an order that the test case has not seen, or that reaches something.
func (m *manual) awaitManual(what string, reached func(*v1alpha1.ManualOrder) bool) *v1alpha1.ManualOrder {
	m.Helper()
	found := &v1alpha1.ManualOrder{}
	m.Eventually("a ManualOrder: "+what, func(ctx context.Context) (bool, error) {
		orders := &v1alpha1.ManualOrderList{}
		if err := m.Client.List(ctx, orders, client.InNamespace(m.Namespace)); err != nil {
			return false, err
		}
		for i := range orders.Items {
			if reached(&orders.Items[i]) {
				*found = orders.Items[i]
				return true, nil
			}
		}
		return false, nil
	})
	return found
}

// next is the order that somebody has to carry now.
func (m *manual) next() *v1alpha1.ManualOrder {
	m.Helper()
	order := m.awaitManual("to be carried", func(order *v1alpha1.ManualOrder) bool {
		return !m.seen[order.Name] && m.says(order, v1alpha1.ReasonApplicationDue)
	})
	m.seen[order.Name] = true
	return order
}

func (m *manual) says(order *v1alpha1.ManualOrder, reason string, texts ...string) bool {
	ready := orderstate.Ready(order)
	if ready == nil || ready.Reason != reason {
		return false
	}
	for _, text := range texts {
		if !strings.Contains(ready.Message, text) {
			return false
		}
	}
	return true
}

// awaitSaying waits until an order says something.
func (m *manual) awaitSaying(order *v1alpha1.ManualOrder, reason string, texts ...string) *v1alpha1.ManualOrder {
	m.Helper()
	return m.awaitManual(reason+" "+strings.Join(texts, ", "), func(found *v1alpha1.ManualOrder) bool {
		return found.Name == order.Name && m.says(found, reason, texts...)
	})
}

// apply carries an order's request to DVV, and returns what DVV mails.
func (m *manual) apply(order *v1alpha1.ManualOrder, changes ...func(*admin.Application)) []byte {
	m.Helper()
	application := admin.Application{
		Applicant: "Maija", Organization: organization, TechnicalContact: "it@example.fi", CSR: string(order.Spec.Request),
		ValidFrom: time.Now().UTC().Format(time.DateOnly), Delay: admin.Duration(time.Millisecond),
	}
	for _, change := range changes {
		change(&application)
	}
	reference, err := m.Service.Apply(m.Context(), application)
	if err != nil {
		m.Fatal(err)
	}
	var mail admin.Mail
	m.Eventually("the mail", func(ctx context.Context) (bool, error) {
		mail, err = m.Service.Mail(ctx, reference)
		if _, early := errors.AsType[*admin.NotMailedError](err); early {
			return false, nil
		}
		return err == nil, err
	})
	return mail.Content
}

func file(kind admin.MailedFile) func(*admin.Application) {
	return func(application *admin.Application) { application.File = kind }
}

// bring puts a file into a ConfigMap of its own, and names that in the order.
func (m *manual) bring(order *v1alpha1.ManualOrder, content []byte) {
	m.Helper()
	from := &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: order.Namespace, GenerateName: order.Name + "-"},
		BinaryData: map[string][]byte{"certificate": content},
	}
	m.Create(from)
	tenant.Edit(m.Tenant, order, func(order *v1alpha1.ManualOrder) {
		order.Spec.CertificateFrom = &v1alpha1.CertificateSource{
			ConfigMapKeyRef: &v1alpha1.KeyReference{Name: from.Name, Key: "certificate"},
		}
	})
}

// awaitIssued waits until the Certificate is Ready with the certificate of an order, and returns that.
func (m *manual) awaitIssued(order *v1alpha1.ManualOrder) *x509.Certificate {
	m.Helper()
	m.awaitSaying(order, v1alpha1.ReasonIssued)
	secret := &corev1.Secret{}
	m.Eventually("the Secret with the certificate of the order", func(ctx context.Context) (bool, error) {
		name := client.ObjectKey{Namespace: m.Namespace, Name: m.certificate.Spec.SecretName}
		if err := client.IgnoreNotFound(m.Client.Get(ctx, name, secret)); err != nil {
			return false, err
		}
		err := m.Client.Get(ctx, client.ObjectKeyFromObject(order), order)
		return err == nil && bytes.Equal(secret.Data[corev1.TLSCertKey], order.Status.Certificate), err
	})
	m.AwaitReady(m.certificate.Name)
	if chain := testkit.ParseCertificates(secret.Data[corev1.TLSCertKey]); len(chain) != 2 {
		m.Errorf("tls.crt holds %d certificates, want the leaf and the issuing CA", len(chain))
	}
	return testkit.ParseCertificates(secret.Data[corev1.TLSCertKey])[0]
}

// TestAPersonFetchesACertificateAndItsRenewals by the commands of the page, the first one with a changed organization,
// and cert-manager is content with each: it makes no further request.
func TestAPersonFetchesACertificateAndItsRenewals(t *testing.T) {
	t.Parallel()
	m := beginManual(t)
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
		m.staysIssued(round + 1)
		m.Renew(m.certificate)
	}
}

// staysIssued: cert-manager has made so many requests and no other one.
func (m *manual) staysIssued(requests int) {
	m.Helper()
	certificate := m.AwaitReady(m.certificate.Name)
	if revision := certificate.Status.Revision; revision == nil || *revision != requests {
		m.Errorf("the revision is %v, want %d", revision, requests)
	}
}

// write puts a file where the person is.
func (m *manual) write(name string, content []byte) {
	m.Helper()
	if err := os.WriteFile(filepath.Join(m.shell.Dir, name), content, 0o600); err != nil {
		m.Fatal(err)
	}
}

// follow does what the page says under a heading, for an order.
func (m *manual) follow(order, heading string) {
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

// TestWhatCannotBeUsedIsRefusedWithItsReason, one file after the other, until the right one is taken.
func TestWhatCannotBeUsedIsRefusedWithItsReason(t *testing.T) {
	t.Parallel()
	m := beginManual(t)
	order := m.next()
	m.apply(order) // so that there is a certificate for an earlier CSR
	for _, wrong := range []struct {
		change func(*admin.Application)
		says   string
	}{
		{file(admin.FileCSR), "CSR itself"},
		{file(admin.FileCA), "authority"},
		{file(admin.FileAnotherKey), "another CSR"},
		{file(admin.FilePrivateKey), "leaked"},
		{file(admin.FileEncrypted), "decrypt"},
		{file(admin.FilePKCS12), "openssl"},
		{file(admin.FileZIP), "unpack"},
		{func(a *admin.Application) { a.Expired = true }, "expired"},
		{func(a *admin.Application) { a.TestHierarchy = true }, "of the test hierarchy"},
	} {
		content := m.apply(order, wrong.change)
		m.bring(order, content)
		said := m.awaitSaying(order, v1alpha1.ReasonCertificateRejected, wrong.says)
		if text := orderstate.Ready(said).Message; strings.Contains(text, "PRIVATE KEY-----") {
			t.Errorf("it repeats the key: %s", text)
		}
	}
	m.bring(order, m.apply(order, file(admin.FileHTML)))
	m.awaitIssued(order)
}

// TestAPrivateKeyInAnOrderIsRefusedByTheAPIServer, so that it is stored nowhere.
func TestAPrivateKeyInAnOrderIsRefusedByTheAPIServer(t *testing.T) {
	t.Parallel()
	m := beginManual(t)
	order := m.next()
	order.Spec.Certificate = string(m.apply(order, file(admin.FilePrivateKey)))
	err := m.Client.Update(t.Context(), order)
	if err == nil || !strings.Contains(err.Error(), "treat it as leaked") ||
		strings.Contains(err.Error(), "PRIVATE KEY-----") {
		t.Errorf("the API server says %v", err)
	}
}

// TestACertificateThatBeginsLaterIsKept, and handed over when it begins.
func TestACertificateThatBeginsLaterIsKept(t *testing.T) {
	t.Parallel()
	m := beginManual(t)
	order := m.next()
	const later = 20 * time.Second
	content := m.apply(order, func(a *admin.Application) { a.Postponed = admin.Duration(later) })
	tenant.Edit(m.Tenant, order, func(order *v1alpha1.ManualOrder) { order.Spec.Certificate = string(content) })
	m.awaitSaying(order, v1alpha1.ReasonAwaitingValidity, "begins at")
	if leaf := m.awaitIssued(order); time.Now().Before(leaf.NotBefore) {
		t.Errorf("it was handed over before %s", leaf.NotBefore)
	}
}

// TestAnApplicationForAnEditedCertificateIsStale at once, and says which application to stop; the order for the
// Certificate as it is now brings the certificate. One that was deleted is made again under the same name.
func TestAnApplicationForAnEditedCertificateIsStale(t *testing.T) {
	t.Parallel()
	m := beginManual(t)
	stale := m.next()
	tenant.Edit(m.Tenant, stale, func(order *v1alpha1.ManualOrder) {
		order.Spec.Application = &v1alpha1.ManualApplication{Reference: "DVV 7"}
	})
	tenant.Edit(m.Tenant, m.certificate, func(certificate *cmapi.Certificate) {
		certificate.Spec.DNSNames = []string{"stamping.example.fi"}
	})
	m.awaitSaying(stale, v1alpha1.ReasonApplicationStale, "stop the application DVV 7")
	order := m.next()
	m.Remove(order)
	delete(m.seen, order.Name)
	again := m.awaitManual("made again", func(found *v1alpha1.ManualOrder) bool {
		return found.Name == order.Name && found.UID != order.UID && m.says(found, v1alpha1.ReasonApplicationDue)
	})
	m.bring(again, m.apply(again))
	m.awaitIssued(again)
}

// TestAKeyThatTheAuthorityDoesNotTakeIsRefused before anybody has carried it anywhere.
func TestAKeyThatTheAuthorityDoesNotTakeIsRefused(t *testing.T) {
	t.Parallel()
	m := beginManual(t, func(certificate *cmapi.Certificate) {
		certificate.Spec.PrivateKey = &cmapi.CertificatePrivateKey{Algorithm: cmapi.ECDSAKeyAlgorithm, Size: 256}
	})
	m.AwaitRequest("refused", func(request *cmapi.CertificateRequest) bool {
		for _, condition := range request.Status.Conditions {
			if condition.Type == cmapi.CertificateRequestConditionReady &&
				strings.Contains(condition.Message, "RSA with 2048 or 4096 bits: set spec.privateKey") {
				return true
			}
		}
		return false
	})
}
