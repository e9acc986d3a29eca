package stories

import (
	"context"
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/e2e/testkit"
	"github.com/varmenne/varmenne-issuer/e2e/world"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

// makeNamespace makes a namespace that goes when the test ends.
func (p *platform) makeNamespace(t *testing.T, namespace string) {
	t.Helper()
	p.create(t, restrictedNamespace(namespace))
	t.Cleanup(func() {
		_, err := p.kubectl(context.WithoutCancel(t.Context()), "delete", "namespace", namespace, "--wait=false")
		if err != nil {
			t.Error(err)
		}
	})
}

// createIssuer creates an issuer for the service in a namespace.
func (p *platform) createIssuer(t *testing.T, service *world.Service, namespace string) {
	t.Helper()
	trust := testkit.Must(service.Trust(t.Context(), namespace))(t)
	p.create(t, trust)
	p.create(t, service.Issuer(namespace, customerID))
}

// createCertificates creates a number of Certificates, each with transfer credentials of its own. Their names are
// web-1, web-2, ….
func (p *platform) createCertificates(t *testing.T, service *world.Service, namespace string, count int) {
	t.Helper()
	credentials := testkit.Must(service.MintMany(t.Context(), admin.MintRequest{CustomerID: customerID, Count: count}))(t)
	for i, sent := range credentials {
		certificate := world.Certificate(namespace, fmt.Sprintf("web-%d", i+1), customerID)
		p.create(t, &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: certificate.Name},
			StringData: map[string]string{
				v1alpha1.KeyTransferID: sent.TransferID, v1alpha1.KeyTransferPassword: sent.TransferPassword,
			},
		})
		p.create(t, certificate)
	}
}

// paid is how many requests for a new certificate the service has accepted.
func paid(t *testing.T, service *world.Service) int {
	t.Helper()
	requests := testkit.Must(service.Requests(t.Context(), "SignNewCertificate", ""))(t)
	accepted := 0
	for _, request := range requests {
		if request.Accepted {
			accepted++
		}
	}
	return accepted
}
