package stories

import (
	"bytes"
	"context"
	"crypto/x509"
	"fmt"
	"slices"
	"testing"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/e2e/tenant"
	"github.com/varmenne/varmenne-issuer/e2e/testkit"
	"github.com/varmenne/varmenne-issuer/internal/manual/orderstate"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

// organization is that of the Certificate that a person fetches.
const organization = "Example Oy"

// manual is a test case with a person in it, who carries requests to DVV and certificates back.
type manual struct {
	*testCase

	issuer      *v1alpha1.ManualIssuer
	certificate *cmapi.Certificate
	seen        map[types.UID]bool
}

// beginManual begins a test case with an issuer for DVV's authorities and a Certificate of it, which changes edit.
func beginManual(t *testing.T, changes ...func(*cmapi.Certificate)) *manual {
	t.Helper()
	m := beginWithManualIssuer(t)
	for _, change := range changes {
		change(m.certificate)
	}
	m.Create(m.certificate)
	return m
}

// beginWithManualIssuer begins a test case with the issuer alone. All of them use the simulator of the world, whose DVV
// keeps applications apart.
func beginWithManualIssuer(t *testing.T) *manual {
	t.Helper()
	m := prepareManual(t)
	between := m.bundle(m.Service.DVVIntermediates)
	m.issuer.Spec.Trust, m.issuer.Spec.Intermediates = m.bundle(m.Service.DVVRoot), &between
	m.Create(m.issuer)
	return m
}

// prepareManual begins a test case with a namespace alone: the issuer, without bundles, and the Certificate are to be
// created.
func prepareManual(t *testing.T) *manual {
	t.Helper()
	e := shared.Get(t)
	s := &testCase{
		ledger: e.ledger, eventLog: e.eventLog, Tenant: &tenant.Tenant{
			T: t, World: e.World, Service: e.Service, Namespace: namespaceFor(t.Name()), Ledger: &e.Ledger,
		},
	}
	s.Notes = func() string { return s.describe(s.Namespace) }
	s.Create(s.NamespaceObject())
	meta := func(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Namespace: s.Namespace, Name: name} }
	return &manual{testCase: s, seen: map[types.UID]bool{}, issuer: &v1alpha1.ManualIssuer{
		ObjectMeta: meta("dvv"),
		Spec:       v1alpha1.ManualIssuerSpec{Preset: v1alpha1.ManualPresetDVVInterfaceCertificate},
	}, certificate: &cmapi.Certificate{
		ObjectMeta: meta("stamping"),
		Spec: cmapi.CertificateSpec{
			SecretName: "stamping-tls", CommonName: "stamping.example.fi",
			Subject: &cmapi.X509Subject{Organizations: []string{organization}, OrganizationalUnits: []string{"IT"}},
			PrivateKey: &cmapi.CertificatePrivateKey{
				Algorithm: cmapi.RSAKeyAlgorithm, Size: 2048, RotationPolicy: cmapi.RotationPolicyAlways,
			},
			Usages: []cmapi.KeyUsage{cmapi.UsageClientAuth, cmapi.UsageDigitalSignature},
			IssuerRef: cmmeta.IssuerReference{
				Group: v1alpha1.GroupName, Kind: v1alpha1.KindManualIssuer, Name: "dvv",
			},
		},
	}}
}

// on is the test case in a test within its own.
func (m *manual) on(t *testing.T) *manual {
	t.Helper()
	copied := *m
	copied.testCase = m.testCase.on(t)
	return &copied
}

// bundle is one that the service has, in the issuer itself.
func (m *manual) bundle(read func(context.Context) ([]byte, error)) v1alpha1.BundleSource {
	m.Helper()
	content, err := read(m.Context())
	if err != nil {
		m.Fatal(err)
	}
	return v1alpha1.BundleSource{CABundle: content}
}

// orders are the ManualOrders of the test case.
func (m *manual) orders() []v1alpha1.ManualOrder {
	m.Helper()
	list := &v1alpha1.ManualOrderList{}
	if err := m.Client.List(m.Context(), list, client.InNamespace(m.Namespace)); err != nil {
		m.Fatal(err)
	}
	return list.Items
}

// awaitManual waits for an order that reaches something.
func (m *manual) awaitManual(what string, reached func(*v1alpha1.ManualOrder) bool) *v1alpha1.ManualOrder {
	m.Helper()
	var found v1alpha1.ManualOrder
	m.Eventually("a ManualOrder: "+what, thatHolds(func() bool {
		orders := m.orders()
		index := slices.IndexFunc(orders, func(order v1alpha1.ManualOrder) bool { return reached(&order) })
		if index >= 0 {
			found = orders[index]
		}
		return index >= 0
	}))
	return &found
}

// next is the order that somebody has to carry now, and that the test case has not seen.
func (m *manual) next() *v1alpha1.ManualOrder {
	m.Helper()
	order := m.awaitManual("to be carried", func(order *v1alpha1.ManualOrder) bool {
		return !m.seen[order.UID] && says(order, v1alpha1.ReasonApplicationDue)
	})
	m.seen[order.UID] = true
	return order
}

func says(order *v1alpha1.ManualOrder, reason string, texts ...string) bool {
	ready := orderstate.Ready(order)
	return ready != nil && ready.Reason == reason && testkit.ContainsAll(ready.Message, texts)
}

// awaitSaying waits until an order says something.
func (m *manual) awaitSaying(order *v1alpha1.ManualOrder, reason string, texts ...string) *v1alpha1.ManualOrder {
	m.Helper()
	return m.awaitManual(fmt.Sprintf("%s, saying %q", reason, texts), func(found *v1alpha1.ManualOrder) bool {
		return found.UID == order.UID && says(found, reason, texts...)
	})
}

// apply carries an order's request to DVV, and returns what DVV mails.
func (m *manual) apply(order *v1alpha1.ManualOrder, changes ...func(*admin.Application)) []byte {
	m.Helper()
	return m.Apply(order.Spec.Request, changes...)
}

func file(kind admin.MailedFile) func(*admin.Application) {
	return func(application *admin.Application) { application.File = kind }
}

// note notes in an order that somebody has applied.
func (m *manual) note(order *v1alpha1.ManualOrder, reference string) {
	m.Helper()
	tenant.Edit(m.Tenant, order, func(order *v1alpha1.ManualOrder) {
		order.Spec.Application = &v1alpha1.ManualApplication{Reference: reference, By: "Maija"}
	})
}

// bring puts a file into a ConfigMap of its own, and names that in the order.
func (m *manual) bring(order *v1alpha1.ManualOrder, content []byte) *corev1.ConfigMap {
	m.Helper()
	from := &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: order.Namespace, GenerateName: order.Name + "-"},
		BinaryData: map[string][]byte{"certificate": content},
	}
	m.Create(from)
	tenant.Edit(m.Tenant, order, func(order *v1alpha1.ManualOrder) {
		order.Spec.Certificate = ""
		order.Spec.CertificateFrom = &v1alpha1.CertificateSource{
			ConfigMapKeyRef: &v1alpha1.KeyReference{Name: from.Name, Key: "certificate"},
		}
	})
	return from
}

// paste writes a text into the order itself.
func (m *manual) paste(order *v1alpha1.ManualOrder, text string) {
	m.Helper()
	tenant.Edit(m.Tenant, order, func(order *v1alpha1.ManualOrder) {
		order.Spec.Certificate, order.Spec.CertificateFrom = text, nil
	})
}

// awaitIssued waits until the Certificate is Ready with the certificate of an order, and returns that.
func (m *manual) awaitIssued(order *v1alpha1.ManualOrder) *x509.Certificate {
	m.Helper()
	*order = *m.awaitSaying(order, v1alpha1.ReasonIssued)
	secret := &corev1.Secret{}
	m.Eventually("the Secret with the certificate of the order", func(ctx context.Context) (bool, error) {
		name := client.ObjectKey{Namespace: m.Namespace, Name: m.certificate.Spec.SecretName}
		err := client.IgnoreNotFound(m.Client.Get(ctx, name, secret))
		return bytes.Equal(secret.Data[corev1.TLSCertKey], order.Status.Certificate), err
	})
	m.AwaitReady(m.certificate.Name)
	m.Eventually("cert-manager: to be done with it", thatHolds(func() bool {
		conditions := tenant.Get(m.Tenant, m.certificate.Name, m.certificate).Status.Conditions
		return !slices.ContainsFunc(conditions, func(condition cmapi.CertificateCondition) bool {
			return condition.Type == cmapi.CertificateConditionIssuing
		})
	}))
	chain := testkit.ParseCertificates(secret.Data[corev1.TLSCertKey])
	if len(chain) != 2 {
		m.Errorf("tls.crt holds %d certificates, want the leaf and the issuing CA", len(chain))
	}
	return chain[0]
}
