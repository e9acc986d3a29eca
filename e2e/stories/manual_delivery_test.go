package stories

import (
	"encoding/base64"
	"encoding/pem"
	"slices"
	"strings"
	"testing"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/e2e/tenant"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

// refusedFiles says of what DVV's mail may hold why it is refused; all other files are taken.
var refusedFiles = map[admin.MailedFile]string{
	admin.FileCSR:        "CSR itself",
	admin.FileCA:         "only the authority's certificate",
	admin.FileAnotherKey: "was sent another CSR",
	admin.FileEarlierCSR: "was sent another CSR", // nobody has an order for that
	admin.FilePrivateKey: "treat that key as leaked",
	admin.FileEncrypted:  "decrypt it",
	admin.FilePKCS12:     "openssl pkcs12 -nokeys",
	admin.FileZIP:        "unpack it",
}

// TestEveryFileThatMayComeIsTakenOrRefusedWithItsReason, one after the other: first what is refused, then what is taken
// and begins too late for it to be the last, and at the end the right one.
func TestEveryFileThatMayComeIsTakenOrRefusedWithItsReason(t *testing.T) {
	t.Parallel()
	m := beginManual(t)
	order := m.next()
	m.apply(order, func(a *admin.Application) { a.CSR = string(m.bareRequest(2048).Spec.Request) }) // an earlier CSR
	for kind, reason := range refusedFiles {
		m.isRefused(order, m.apply(order, file(kind)), reason)
	}
	m.isRefused(order, m.apply(order, func(a *admin.Application) { a.Expired = true }), "expired")
	m.isRefused(order, m.apply(order, func(a *admin.Application) { a.TestHierarchy = true }), "of the test hierarchy")
	kept := ""
	for _, kind := range admin.MailedFiles() {
		if refusedFiles[kind] != "" {
			continue
		}
		m.bring(order, m.apply(order, file(kind), func(a *admin.Application) { a.Postponed = admin.Duration(time.Hour) }))
		kept = m.awaitManual("kept as "+string(kind), func(found *v1alpha1.ManualOrder) bool {
			return says(found, v1alpha1.ReasonAwaitingValidity) && found.Status.SerialNumber != kept
		}).Status.SerialNumber
	}
	m.bring(order, m.apply(order, file(admin.FileHTML)))
	m.awaitIssued(order)
	m.staysIssued(1)
}

// isRefused brings what cannot be used.
func (m *manual) isRefused(order *v1alpha1.ManualOrder, content []byte, reason string) {
	m.Helper()
	from := m.bring(order, content)
	m.awaitSaying(order, v1alpha1.ReasonCertificateRejected, reason)
	m.Remove(from) // A private key is told if it stays there.
}

// TestAPrivateKeyThatCameIsNotRepeated: the API server does not store it where it can be told, and else the order says
// to treat it as leaked. That nothing tells the key is checked when all test cases are over.
func TestAPrivateKeyThatCameIsNotRepeated(t *testing.T) {
	t.Parallel()
	m := beginManual(t)
	order := m.next()
	content := m.apply(order, file(admin.FilePrivateKey))
	key := m.keepKeyOf(content)
	order.Spec.Certificate = string(content)
	err := m.Client.Update(t.Context(), order)
	if err == nil || !strings.Contains(err.Error(), "treat it as leaked") ||
		len(m.GivenAway([]byte(err.Error()))) > 0 {
		t.Errorf("the API server says %v", err)
	}

	m.paste(order, base64.StdEncoding.EncodeToString(key))
	m.awaitSaying(order, v1alpha1.ReasonCertificateRejected, "treat that key as leaked", "order a new certificate")
	m.isRefused(order, content, "treat that key as leaked")
	m.bring(order, m.apply(order))
	m.awaitIssued(order)
}

// keepKeyOf lets the closing checks look for the private key in a file, and returns it in DER.
func (m *manual) keepKeyOf(content []byte) []byte {
	m.Helper()
	for rest := content; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			m.Fatal("there is no private key")
		}
		if strings.Contains(block.Type, "PRIVATE KEY") {
			m.KeepKey(pem.EncodeToMemory(block), "the private key that came in a mail")
			return block.Bytes
		}
	}
}

// TestACertificateThatLiesThereIsTakenWhenTheTrustIsRight, without anybody bringing it again.
func TestACertificateThatLiesThereIsTakenWhenTheTrustIsRight(t *testing.T) {
	t.Parallel()
	m := beginManual(t)
	right, wrong := m.issuer.Spec.Trust, m.bundle(m.Service.DVVTestRoot)
	order := m.next()
	m.trust(wrong)
	m.paste(order, string(m.apply(order)))
	const refusal = "spec.trust of the issuer does not hold"
	brought := m.awaitSaying(order, v1alpha1.ReasonCertificateRejected, refusal)
	m.awaitPending(m.certificate.Name, refusal) // by then the controller is at rest
	m.trust(right)
	m.awaitIssued(order)
	if order.Generation != brought.Generation {
		t.Error("somebody has edited the order")
	}
}

// trust changes what the issuer trusts.
func (m *manual) trust(bundle v1alpha1.BundleSource) {
	m.Helper()
	tenant.Edit(m.Tenant, m.issuer, func(issuer *v1alpha1.ManualIssuer) { issuer.Spec.Trust = bundle })
}

// TestAKeyThatTheAuthorityDoesNotTakeIsRefused before anybody has carried it anywhere.
func TestAKeyThatTheAuthorityDoesNotTakeIsRefused(t *testing.T) {
	t.Parallel()
	m := beginManual(t, func(certificate *cmapi.Certificate) {
		certificate.Spec.PrivateKey = &cmapi.CertificatePrivateKey{Algorithm: cmapi.ECDSAKeyAlgorithm, Size: 256}
	})
	m.AwaitRequest("refused", func(request *cmapi.CertificateRequest) bool {
		return isNotReady(request, cmapi.CertificateRequestReasonFailed, "RSA with 2048 or 4096 bits: set spec.privateKey")
	})
	if orders := m.orders(); len(orders) > 0 {
		t.Errorf("there is ManualOrder %s", orders[0].Name)
	}
}

// TestACertificateIsOrderedAnewWithKubectlAlone, as the page has it: after a key that the authority does not take, when
// the key in use has leaked, and when that has which a request waits with.
func TestACertificateIsOrderedAnewWithKubectlAlone(t *testing.T) {
	t.Parallel()
	m := &pageReader{manual: beginManual(t, func(certificate *cmapi.Certificate) {
		certificate.Spec.PrivateKey.Size = 3072
	})}
	m.shell = m.Shell()
	m.AwaitRequest("refused", func(request *cmapi.CertificateRequest) bool {
		return isNotReady(request, cmapi.CertificateRequestReasonFailed, "RSA with 2048 or 4096 bits: set spec.privateKey")
	})
	m.Eventually("the failure: told", thatHolds(func() bool {
		return tenant.Get(m.Tenant, m.certificate.Name, m.certificate).Status.LastFailureTime != nil
	}))
	tenant.Edit(m.Tenant, m.certificate, func(c *cmapi.Certificate) { c.Spec.PrivateKey.Size = 2048 })
	m.Eventually("cert-manager: to have seen the edit", thatHolds(func() bool {
		conditions := tenant.Get(m.Tenant, m.certificate.Name, m.certificate).Status.Conditions
		return !slices.ContainsFunc(conditions, func(condition cmapi.CertificateCondition) bool {
			return condition.Type == cmapi.CertificateConditionReady &&
				condition.ObservedGeneration != m.certificate.Generation
		})
	}))
	forget := func() {
		m.AwaitAfterFailure(tenant.Get(m.Tenant, m.certificate.Name, m.certificate))
		m.follow("", "If the request has failed")
	}
	forget()
	m.Eventually("cert-manager: to make another request", thatHolds(func() bool {
		if tenant.Get(m.Tenant, m.certificate.Name, m.certificate).Status.LastFailureTime != nil {
			forget() // it has taken the request that has failed for the new one
		}
		return slices.ContainsFunc(m.orders(), func(order v1alpha1.ManualOrder) bool {
			return says(&order, v1alpha1.ReasonApplicationDue)
		})
	}))
	order := m.next()
	m.bring(order, m.apply(order))
	m.awaitIssued(order)

	m.follow("", "The key in use")
	leaked := m.next()
	m.note(leaked, "DVV 7")
	m.awaitSaying(leaked, v1alpha1.ReasonAwaitingAuthority)
	m.follow("", "The key that a request waits with")
	m.awaitSaying(leaked, v1alpha1.ReasonApplicationStale, `stop the application "DVV 7"`)
	last := m.next()
	m.bring(last, m.apply(last))
	m.awaitIssued(last)
	key := last.Spec.PublicKeyDigest
	if key == order.Spec.PublicKeyDigest || key == leaked.Spec.PublicKeyDigest {
		t.Error("it has the same key")
	}
}
