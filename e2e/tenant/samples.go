package tenant

import (
	"os"
	"path/filepath"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/e2e/binaries"
	"github.com/varmenne/varmenne-issuer/e2e/world"
	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

// Names and values of the samples in docs/samples.
const (
	CertificateName = "tax-reporting"
	IssuerName      = "vero"
	TransferName    = "vero-transfer"
	TrustName       = "vero-trust"
	CustomerID      = "0123456-7"
	CustomerName    = "Esimerkki Oy"
)

// keptRequests is how many of its requests a Certificate keeps. On a busy machine cert-manager may see its own Secret
// late, ask once more right after it was served, and with its default remove the request that a test is about.
const keptRequests int32 = 10

// Sample reads a manifest of the documentation into an object of the tenant's namespace.
func Sample[T client.Object](n *Tenant, file string, object T) T {
	n.Helper()
	root := must.Get(binaries.RepositoryRoot())(n)
	content := must.Get(os.ReadFile(filepath.Join(root, "docs", "samples", file)))(n)
	if err := yaml.UnmarshalStrict(content, object); err != nil {
		n.Fatalf("%s: %v", file, err)
	}
	object.SetNamespace(n.Namespace)
	return object
}

// NamespaceObject is the tenant's Namespace, to be created.
func (n *Tenant) NamespaceObject() *corev1.Namespace {
	return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: n.Namespace}}
}

// Certificate is the sample Certificate, with a new key for each renewal also where cert-manager's default is another.
func (n *Tenant) Certificate() *cmapi.Certificate {
	n.Helper()
	certificate := Sample(n, "certificate.yaml", &cmapi.Certificate{})
	certificate.Spec.RevisionHistoryLimit = new(keptRequests)
	certificate.Spec.PrivateKey.RotationPolicy = cmapi.RotationPolicyAlways
	return certificate
}

// Issuer is the sample issuer, for the tenant's service.
func (n *Tenant) Issuer() *v1alpha1.VeroIssuer {
	n.Helper()
	issuer := Sample(n, "issuer.yaml", &v1alpha1.VeroIssuer{})
	issuer.Spec.URL = n.Service.URL
	return issuer
}

// Trust is the ConfigMap that the sample issuer names, with the bundles of the tenant's service.
func (n *Tenant) Trust() *corev1.ConfigMap {
	n.Helper()
	return must.Get(n.Service.Trust(n.Context(), n.Namespace))(n)
}

// Bundles are the trust anchors of a service, by the keys that the sample issuer names.
func (n *Tenant) Bundles(of *world.Service) map[string]string {
	n.Helper()
	return must.Get(of.Bundles(n.Context()))(n)
}

// Mint lets the service send transfer credentials for the customer of the samples.
func (n *Tenant) Mint() admin.Credential {
	n.Helper()
	return n.MintAs(admin.MintRequest{CustomerID: CustomerID, CustomerName: CustomerName})
}

// MintAs lets the service send other ones.
func (n *Tenant) MintAs(wanted admin.MintRequest) admin.Credential {
	n.Helper()
	return must.Get(n.Service.Mint(n.Context(), wanted))(n)
}

// Credentials is the sample Secret with what the service has sent.
func (n *Tenant) Credentials(sent admin.Credential) *corev1.Secret {
	n.Helper()
	secret := Sample(n, "transfer-credentials.yaml", &corev1.Secret{})
	if n.Ledger != nil {
		n.Ledger.KeepSecret(sent.TransferPassword, "the password of TransferId "+sent.TransferID)
	}
	secret.StringData = map[string]string{
		v1alpha1.KeyTransferID: sent.TransferID, v1alpha1.KeyTransferPassword: sent.TransferPassword,
	}
	return secret
}

// ReplaceCredentials puts other credentials into the Secret that the sample issuer names.
func (n *Tenant) ReplaceCredentials(sent admin.Credential) {
	n.Helper()
	wanted := n.Credentials(sent)
	Edit(n, wanted.DeepCopy(), func(secret *corev1.Secret) { secret.StringData = wanted.StringData })
}
