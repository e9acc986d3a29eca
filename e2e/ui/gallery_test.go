package ui

import (
	"context"
	"fmt"
	"testing"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/e2e/tenant"
	"github.com/varmenne/varmenne-issuer/e2e/testkit"
	"github.com/varmenne/varmenne-issuer/e2e/world"
	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

// payroll is the namespace of the gallery, where passwords are rotated.
const payroll = "payroll"

// Objects of the gallery.
const (
	reporting = "tax-reporting"    // Certificate of the certificate service, Ready
	invoices  = "invoices"         // another one, whose transfer credentials are not there yet
	stamp     = "stamp"            // TrackedCertificate that ends soon
	via       = "via-signing"      // TrackedCertificate whose change somebody has to be told
	mailbox   = "suomifi-messages" // MessagesPassword
)

const day = 24 * time.Hour

// gallery is a namespace with one of everything, in the states for which people come, and the page of somebody who may
// view it and do nothing.
type gallery struct {
	*tenant.Tenant
	*site

	environment *environment
	order       string // name of the ManualOrder
}

// beginGallery makes the gallery, and returns when everything has come to its state.
func beginGallery(t *testing.T) *gallery {
	t.Helper()
	chromium.Get(t)
	e := shared.Get(t)
	g := &gallery{environment: e, Tenant: &tenant.Tenant{T: t, World: e.World, Service: e.Service, Namespace: payroll,
		Ledger: &e.Ledger}}
	g.vero()
	m := beginManual(g.Tenant)
	g.mailbox()
	g.tracked(stamp, 23*day, nil)
	g.tracked(via, 200*day, &v1alpha1.ChangeNotice{To: "organisaatiopalvelut@dvv.fi", Subject: "Certificate change",
		When: []v1alpha1.ChangedFact{"CommonName", "AuthorityChain"}})
	g.change(via)
	g.order = m.next().Name
	g.AwaitReady(reporting)
	g.site = serve(g.Tenant, e, "view")
	return g
}

// On is the gallery in a test within its own.
func (g *gallery) on(t *testing.T) *gallery {
	t.Helper()
	copied := *g
	copied.Tenant = g.On(t)
	return &copied
}

func (g *gallery) vero() {
	g.Helper()
	sent := must.Get(g.Service.Mint(g.Context(), admin.MintRequest{CustomerID: tenant.CustomerID,
		CustomerName: tenant.CustomerName}))(g)
	g.Ledger.KeepSecret(sent.TransferPassword, "a transfer password")
	g.Create(must.Get(g.Service.Trust(g.Context(), payroll))(g), g.Service.Issuer(payroll, tenant.CustomerID),
		world.TransferSecret(payroll, reporting, sent), world.Certificate(payroll, reporting, tenant.CustomerID),
		world.Certificate(payroll, invoices, tenant.CustomerID))
}

func (g *gallery) mailbox() {
	g.Helper()
	const password = "Owner-1~of-the-gallery"
	must.Get(g.Service.CreateMessagesAccount(g.Context(), admin.MessagesAccount{SystemID: mailbox, Password: password}))(g)
	g.Create(world.MessagesSecret(payroll, mailbox, mailbox, password),
		must.Get(g.Service.MessagesPassword(g.Context(), payroll, mailbox))(g))
}

// tracked makes a TrackedCertificate that ends after a time.
func (g *gallery) tracked(name string, left time.Duration, notice *v1alpha1.ChangeNotice) {
	g.Helper()
	g.Create(&v1alpha1.TrackedCertificate{
		ObjectMeta: metav1.ObjectMeta{Namespace: payroll, Name: name},
		Spec: v1alpha1.TrackedCertificateSpec{
			Source:       v1alpha1.TrackedSource{Certificate: g.chain(name, name+".example.fi", left)},
			ChangeNotice: notice,
		},
	})
}

// chain is a certificate with its authority.
func (g *gallery) chain(authority, commonName string, left time.Duration) string {
	g.Helper()
	root := pkitest.Root(g, authority)
	now := time.Now()
	return string(pkitest.PEM(root.Issue(g, pkitest.Key(commonName), commonName,
		pkitest.Dates(now.Add(left-730*day), now.Add(left))), root.Certificate))
}

// change changes a TrackedCertificate that was read, so that the change has to be told.
func (g *gallery) change(name string) {
	g.Helper()
	tracked := &v1alpha1.TrackedCertificate{ObjectMeta: metav1.ObjectMeta{Namespace: payroll, Name: name}}
	await := func(condition string) {
		g.Eventually(fmt.Sprintf("%s: %s", name, condition), func(ctx context.Context) (bool, error) {
			err := g.Client.Get(ctx, client.ObjectKeyFromObject(tracked), tracked)
			return meta.IsStatusConditionTrue(tracked.Status.Conditions, condition), err
		})
	}
	await(v1alpha1.ConditionReady)
	tenant.Edit(g.Tenant, tracked, func(tracked *v1alpha1.TrackedCertificate) {
		tracked.Spec.Source.Certificate = g.chain("Another "+name, "new."+name+".example.fi", 700*day)
	})
	await(v1alpha1.ConditionNoticeDue)
}

// begin makes a namespace whose tenant uses the world's service.
func begin(t *testing.T, e *environment, namespace string) *tenant.Tenant {
	t.Helper()
	n := &tenant.Tenant{T: t, World: e.World, Service: e.Service, Namespace: namespace, Ledger: &e.Ledger}
	n.Create(n.NamespaceObject())
	return n
}

// manual is a tenant with a Certificate that a person fetches.
type manual struct {
	*tenant.Tenant

	certificate *cmapi.Certificate
}

// beginManual makes the issuer and the Certificate of the samples in the tenant's namespace.
func beginManual(n *tenant.Tenant) *manual {
	n.Helper()
	issuer := tenant.Sample(n, "manual/issuer.yaml", &v1alpha1.ManualIssuer{})
	intermediates := v1alpha1.BundleSource{CABundle: must.Get(n.Service.DVVIntermediates(n.Context()))(n)}
	issuer.Spec.Trust = v1alpha1.BundleSource{CABundle: must.Get(n.Service.DVVRoot(n.Context()))(n)}
	issuer.Spec.Intermediates = &intermediates
	m := &manual{Tenant: n, certificate: tenant.Sample(n, "manual/certificate.yaml", &cmapi.Certificate{})}
	m.certificate.Spec.PrivateKey.Size = 2048 // 4096 bits take a busy machine long.
	n.Create(issuer, m.certificate)
	return m
}

// next is the order that somebody has to carry.
func (m *manual) next() *v1alpha1.ManualOrder {
	m.Helper()
	return m.await(v1alpha1.ReasonApplicationDue)
}

// await waits until the order says a reason.
func (m *manual) await(reason string) *v1alpha1.ManualOrder {
	m.Helper()
	orders := &v1alpha1.ManualOrderList{}
	m.Eventually("a ManualOrder that says "+reason, func(ctx context.Context) (bool, error) {
		err := m.Client.List(ctx, orders, client.InNamespace(m.Namespace))
		return len(orders.Items) == 1 && testkit.ReasonOf(orders.Items[0].Status.Conditions) == reason, err
	})
	return &orders.Items[0]
}
