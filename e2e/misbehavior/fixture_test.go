package misbehavior

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/e2e/tenant"
)

// Names and values of the samples, with which the stories begin.
const (
	certificateName = tenant.CertificateName
	issuerName      = tenant.IssuerName
	transferName    = tenant.TransferName
	customerID      = tenant.CustomerID
)

// story is a row that is played, in a namespace and with a certificate service of its own.
type story struct {
	*tenant.Tenant
	*diary

	// heard is how much of the diary was found so far: what is told comes in an order.
	heard int
}

// began counts the stories: their namespaces.
var began atomic.Int32

// begin starts a story. The service gets the arguments that the story gives it.
func begin(t *testing.T, service ...string) *story {
	t.Helper()
	stage := shared.Get(t)
	s := &story{
		Tenant: tenant.Begin(t, stage.World, fmt.Sprintf("row-%d", began.Add(1)), service...), diary: stage.diary,
	}
	s.Ledger, s.Notes = stage.Ledger, func() string { return s.read(s.Namespace) }
	t.Logf("namespace %s", s.Namespace)
	t.Cleanup(s.end)
	s.Create(s.NamespaceObject())
	return s
}

// end leaves nothing that goes on without the service.
func (s *story) end() {
	ctx := context.WithoutCancel(s.Context())
	for _, kind := range []client.Object{
		&cmapi.Certificate{}, &cmapi.CertificateRequest{}, &v1alpha1.VeroOrder{}, &v1alpha1.VeroIssuer{},
	} {
		if err := s.Client.DeleteAllOf(ctx, kind, client.InNamespace(s.Namespace)); err != nil {
			s.Error(err)
		}
	}
}

// on is the story in a test within its own.
func (s *story) on(t *testing.T) *story {
	t.Helper()
	copied := *s
	copied.Tenant = s.On(t)
	return &copied
}

// credentials is a Secret with transfer credentials that the service has just sent.
func (s *story) credentials(name string) *corev1.Secret {
	s.Helper()
	secret := s.Credentials(s.Mint())
	secret.Name = name
	return secret
}

// exchangeCredentials puts new credentials into the Secret that the issuer names.
func (s *story) exchangeCredentials() {
	s.Helper()
	s.ReplaceCredentials(s.Mint())
}

// settle creates all that a Certificate needs but itself, and waits for the issuer.
func (s *story) settle(issuer *v1alpha1.VeroIssuer) {
	s.Helper()
	s.Create(s.Trust(), issuer, s.credentials(transferName))
	s.AwaitIssuer()
}

// behave ends what was scripted.
func (s *story) behave() {
	s.Helper()
	if err := s.Service.ClearFaults(s.Context()); err != nil {
		s.Fatal(err)
	}
}
