package docs

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	cmutil "github.com/cert-manager/cert-manager/pkg/api/util"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/e2e/tenant"
	"github.com/varmenne/varmenne-issuer/e2e/testkit"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

const (
	customerID      = tenant.CustomerID
	certificateName = tenant.CertificateName
	tlsSecretName   = "tax-reporting-tls"
	transferName    = tenant.TransferName
	issuerName      = tenant.IssuerName
)

// scenario is a namespace with the sample issuer, a certificate service of its own, and its transfer credentials.
type scenario struct{ *tenant.Tenant }

var scenarios atomic.Int32

// beginScenario makes everything that a first certificate needs but the Certificate.
func beginScenario(t *testing.T, name string, service ...string) *scenario {
	t.Helper()
	s := emptyScenario(t, fmt.Sprintf("%s-%d", name, scenarios.Add(1)), service...)
	s.Create(s.NamespaceObject(), s.Trust(), s.Issuer(), s.Credentials(s.Mint()))
	return s
}

// emptyScenario has the certificate service only.
func emptyScenario(t *testing.T, namespace string, service ...string) *scenario {
	t.Helper()
	return &scenario{tenant.Begin(t, theWorld(t), namespace, service...)}
}

// get reads an object of the scenario's namespace.
func get[T client.Object](s *scenario, name string, object T) T {
	s.Helper()
	testkit.NoError(s, s.Client.Get(s.Context(), client.ObjectKey{Namespace: s.Namespace, Name: name}, object))
	return object
}

// awaitSaying waits until a CertificateRequest has a condition whose message says something.
func (s *scenario) awaitSaying(kind cmapi.CertificateRequestConditionType, says string) {
	s.Helper()
	s.AwaitRequest(fmt.Sprintf("%s, and says %q", kind, says), func(request *cmapi.CertificateRequest) bool {
		condition := cmutil.GetCertificateRequestCondition(request, kind)
		return condition != nil && strings.Contains(condition.Message, says)
	})
}

// submissions is what the service was sent to make certificates, in order.
func (s *scenario) submissions() []admin.Request {
	s.Helper()
	return slices.DeleteFunc(s.Asked(""), func(asked admin.Request) bool { return asked.Operation == "GetCertificate" })
}
