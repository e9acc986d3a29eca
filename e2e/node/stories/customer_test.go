package stories

import (
	"context"
	"fmt"
	"testing"

	"github.com/varmenne/varmenne-issuer/e2e/world"
	"github.com/varmenne/varmenne-issuer/internal/must"
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
	trust := must.Get(service.Trust(t.Context(), namespace))(t)
	p.create(t, trust)
	p.create(t, service.Issuer(namespace, customerID))
}

// createCertificates creates a number of Certificates, each with transfer credentials of its own. Their names are
// web-1, web-2, ….
func (p *platform) createCertificates(t *testing.T, service *world.Service, namespace string, count int) {
	t.Helper()
	credentials := must.Get(service.MintMany(t.Context(), admin.MintRequest{CustomerID: customerID, Count: count}))(t)
	for i, sent := range credentials {
		certificate := world.Certificate(namespace, fmt.Sprintf("web-%d", i+1), customerID)
		p.create(t, world.TransferSecret(namespace, certificate.Name, sent))
		p.create(t, certificate)
	}
}

// paid is how many requests for a new certificate the service has accepted.
func paid(t *testing.T, service *world.Service) int {
	t.Helper()
	return len(must.Get(service.Accepted(t.Context()))(t))
}
