package docs

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"strings"
	"testing"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/uuid"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/e2e/tenant"
	"github.com/varmenne/varmenne-issuer/internal/must"
)

const csiPage = "docs/how-to/csi-driver.md"

// requestOfAPod is what csi-driver makes for a volume (csi-lib, manager.submitRequest): a key in memory, a name made up
// at random, the Pod as an owner that does not control, and no Certificate.
func (s *scenario) requestOfAPod(names ...string) *cmapi.CertificateRequest {
	s.Helper()
	pod := shown(s, csiPage, "Pod", "reporting", &corev1.Pod{})
	attributes := pod.Spec.Volumes[0].CSI.VolumeAttributes
	key := must.Get(rsa.GenerateKey(rand.Reader, 2048))(s)
	der := must.Get(x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{
		Subject: pkix.Name{CommonName: attributes["csi.cert-manager.io/common-name"]}, DNSNames: names,
	}, key))(s)
	request := &cmapi.CertificateRequest{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: s.Namespace, Name: string(uuid.NewUUID()),
			Labels: map[string]string{"csi.cert-manager.io/volume-id-hash": "3421235", "csi.cert-manager.io/node-id-hash": "8"},
			OwnerReferences: []metav1.OwnerReference{{
				APIVersion: "v1", Kind: "Pod", Name: pod.Name, UID: uuid.NewUUID(),
			}},
		},
		Spec: cmapi.CertificateRequestSpec{
			Request: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}),
			IssuerRef: cmmeta.IssuerReference{
				Name:  attributes["csi.cert-manager.io/issuer-name"],
				Kind:  attributes["csi.cert-manager.io/issuer-kind"],
				Group: attributes["csi.cert-manager.io/issuer-group"],
			},
		},
	}
	s.Create(request)
	return request
}

// awaitSaid waits until a request's condition Ready has a reason and a message that the page quotes.
func (s *scenario) awaitSaid(request *cmapi.CertificateRequest, reason, says string) {
	s.Helper()
	if !strings.Contains(quotations(s.T, csiPage), says) && reason == cmapi.CertificateRequestReasonPending {
		s.Errorf("%s does not say %q", csiPage, says)
	}
	says = strings.ReplaceAll(says, readersNamespace, s.Namespace)
	s.awaitSaying(request.Name, cmapi.CertificateRequestConditionReady, reason, says)
}

// TestARequestOfAPodSpendsTransferCredentials: that is why the page says not to.
func TestARequestOfAPodSpendsTransferCredentials(t *testing.T) {
	t.Parallel()
	s := beginScenario(t, "pod-with-credentials", "--processing-delay=1s")
	s.awaitSaid(s.requestOfAPod(), cmapi.CertificateRequestReasonIssued, "was issued")
	if sent := s.submissions(); len(sent) != 1 || !sent[0].Accepted {
		t.Errorf("the service was sent %+v, want one request that it has accepted", sent)
	}
}

func TestARequestOfAPodWaitsWithoutTransferCredentials(t *testing.T) {
	t.Parallel()
	s := beginScenario(t, "pod-without-credentials")
	must.Do(t, s.Client.Delete(t.Context(), tenant.Get(s.Tenant, transferName, &corev1.Secret{})))
	s.awaitSaid(s.requestOfAPod(), cmapi.CertificateRequestReasonPending,
		"Secret tax-reporting/vero-transfer does not exist: create it with the keys transferId and transferPassword")
	s.awaitSaid(s.requestOfAPod("reporting.example"), cmapi.CertificateRequestReasonFailed,
		"the service certifies no subject alternative names")
}

func TestARequestOfAPodFindsNoCredentialsWhereTheIssuerNamesNone(t *testing.T) {
	t.Parallel()
	s := beginScenario(t, "pod-finds-none")
	issuer := tenant.Get(s.Tenant, issuerName, &v1alpha1.VeroIssuer{})
	before := issuer.DeepCopy()
	issuer.Spec.TransferSecretRef = nil
	must.Do(t, s.Client.Patch(t.Context(), issuer, client.MergeFrom(before)))
	s.awaitSaid(s.requestOfAPod(), cmapi.CertificateRequestReasonPending,
		"no transfer credentials are named: create a Secret with the keys transferId and transferPassword in namespace "+
			"tax-reporting, and name it in the annotation varmenne.dev/transfer-secret of the Certificate or in "+
			"spec.transferSecretRef of VeroIssuer vero")
	if sent := s.submissions(); len(sent) > 0 {
		t.Errorf("the service was sent %+v", sent)
	}
}
