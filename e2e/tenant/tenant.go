// Package tenant is one user of a world that many tests share: a namespace with a certificate service of its own, the
// manifests of the documentation for it, what such a user does, and what such a user waits for.
package tenant

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	cmutil "github.com/cert-manager/cert-manager/pkg/api/util"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/e2e/howto"
	"github.com/varmenne/varmenne-issuer/e2e/secrecy"
	"github.com/varmenne/varmenne-issuer/e2e/world"
	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

// Tenant belongs to one test.
type Tenant struct {
	*testing.T
	*world.World

	// Service is the simulator that the tenant's issuer uses: not that of the world, which has the same name.
	Service *world.Service
	// Namespace is where everything is. It is not made by Begin.
	Namespace string
	// Ledger learns the passwords, so that it shows when they are told; nil where nobody looks.
	Ledger *secrecy.Ledger
	// Notes are for the picture of a test that has failed, too; nil for none.
	Notes func() string
}

// Begin starts the certificate service of a tenant, with those arguments. It is stopped when the test ends.
func Begin(t *testing.T, in *world.World, namespace string, arguments ...string) *Tenant {
	t.Helper()
	service := must.Get(in.StartService(t.Context(), arguments...))(t)
	must.Cleanup(t, service.Process.Stop)
	return &Tenant{T: t, World: in, Service: service, Namespace: namespace}
}

// On is the tenant in a test within its own.
func (n *Tenant) On(t *testing.T) *Tenant {
	t.Helper()
	copied := *n
	copied.T = t
	return &copied
}

// In is the tenant in another namespace.
func (n *Tenant) In(namespace string) *Tenant {
	copied := *n
	copied.Namespace = namespace
	return &copied
}

// Create creates objects as the administrator.
func (n *Tenant) Create(objects ...client.Object) {
	n.Helper()
	for _, object := range objects {
		if err := n.Client.Create(n.Context(), object); err != nil {
			n.Fatalf("creating %T %s: %v", object, object.GetName(), err)
		}
	}
}

// Remove deletes objects as the administrator.
func (n *Tenant) Remove(objects ...client.Object) {
	n.Helper()
	for _, object := range objects {
		if err := n.Client.Delete(n.Context(), object); err != nil {
			n.Fatalf("deleting %T %s: %v", object, object.GetName(), err)
		}
	}
}

// Get reads an object of the tenant's namespace.
func Get[T client.Object](n *Tenant, name string, object T) T {
	n.Helper()
	must.Do(n, n.Client.Get(n.Context(), client.ObjectKey{Namespace: n.Namespace, Name: name}, object))
	return object
}

// Edit changes an object as `kubectl edit` does, and leaves it as the API server has it.
func Edit[T client.Object](n *Tenant, object T, change func(T)) {
	n.Helper()
	err := retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		if err := n.Client.Get(n.Context(), client.ObjectKeyFromObject(object), object); err != nil {
			return err
		}
		change(object)
		return n.Client.Update(n.Context(), object)
	})
	if err != nil {
		n.Fatalf("editing %T %s: %v", object, object.GetName(), err)
	}
}

// AwaitAfterFailure lets a moment pass after the failure of a Certificate, as it does for a person: cert-manager tells
// the failed request of before from the next one by times of whole seconds, and would fail that within the same second.
func (n *Tenant) AwaitAfterFailure(certificate *cmapi.Certificate) {
	n.Helper()
	n.Eventually("the second of the failure: over", func(context.Context) (bool, error) {
		return certificate.Status.LastFailureTime == nil ||
			time.Since(certificate.Status.LastFailureTime.Time) > 2*time.Second, nil
	})
}

// Renew does what `cmctl renew` does, a moment after the failure.
func (n *Tenant) Renew(certificate *cmapi.Certificate) {
	n.Helper()
	n.AwaitAfterFailure(certificate)
	err := retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		if err := n.Client.Get(n.Context(), client.ObjectKeyFromObject(certificate), certificate); err != nil {
			return err
		}
		cmutil.SetCertificateCondition(certificate, certificate.Generation, cmapi.CertificateConditionIssuing,
			cmmeta.ConditionTrue, "ManuallyTriggered", "Certificate re-issuance manually triggered")
		return n.Client.Status().Update(n.Context(), certificate)
	})
	if err != nil {
		n.Fatalf("renewing Certificate %s: %v", certificate.Name, err)
	}
}

// EditIssuer changes the tenant's issuer.
func (n *Tenant) EditIssuer(change func(*v1alpha1.VeroIssuer)) {
	n.Helper()
	issuer := &v1alpha1.VeroIssuer{ObjectMeta: metav1.ObjectMeta{Namespace: n.Namespace, Name: IssuerName}}
	Edit(n, issuer, change)
}

// Shell is where the tenant types commands, as the administrator, in a directory of its own.
func (n *Tenant) Shell() howto.Shell {
	n.Helper()
	directory := n.TempDir()
	return howto.Shell{Dir: directory, Log: n.Logf, Env: []string{
		"HOME=" + directory, "KUBECONFIG=" + n.Cluster.KubeconfigPath(),
		"PATH=" + filepath.Dir(n.Cluster.Kubectl()) + string(filepath.ListSeparator) + os.Getenv("PATH"),
	}}
}

// Script lets the service misbehave.
func (n *Tenant) Script(fault admin.Fault) {
	n.Helper()
	must.Get(n.Service.Script(n.Context(), fault))(n)
}
