package stories

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/e2e/tenant"
	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

// Names and values of the samples, with which the test cases begin.
const (
	certificateName = tenant.CertificateName
	issuerName      = tenant.IssuerName
	transferName    = tenant.TransferName
	trustName       = tenant.TrustName
	customerID      = tenant.CustomerID
	customerName    = tenant.CustomerName
)

// Keys of the ConfigMap with the bundles, as the sample issuer names them.
const (
	keyTLS       = "tls.pem"
	keyResponses = "responses.pem"
	keyIssuance  = "issuance.pem"
)

// Operations of the service, as its request log and the documentation call them.
const (
	signNew = "SignNewCertificate"
	renew   = "RenewCertificate"
	get     = "GetCertificate"
)

// testCase is a test with a namespace and a certificate service of its own.
type testCase struct {
	*tenant.Tenant
	*ledger
	*eventLog

	// read is how much of the event log was found so far: messages come in an order.
	read int
	// reader is the request whose message was found last, ignored one whose messages do not count.
	reader, ignored types.UID
}

// numbered counts the test cases, so that each has a namespace, also when it is run again.
var numbered atomic.Int32

// begin begins a test case. The service gets the arguments that the test case gives it.
func begin(t *testing.T, service ...string) *testCase {
	t.Helper()
	s := beginApart(t, service...)
	t.Cleanup(s.keepRequests)
	return s
}

// beginRow begins a test case of the page. Its row says what was spent and when the service was called, so the closing
// checks leave it out, and nothing of it is left that goes on without the service.
func beginRow(t *testing.T, service ...string) *testCase {
	t.Helper()
	s := beginApart(t, service...)
	s.rows.add(s.Namespace)
	t.Cleanup(s.removeAll)
	return s
}

func beginApart(t *testing.T, service ...string) *testCase {
	t.Helper()
	e := shared.Get(t)
	s := &testCase{
		Tenant: tenant.Begin(t, e.World, namespaceFor(t.Name()), service...), ledger: e.ledger, eventLog: e.eventLog,
	}
	s.Tenant.Ledger, s.Notes = &e.Ledger, func() string { return s.describe(s.Namespace) }
	t.Logf("namespace %s", s.Namespace)
	s.Create(s.NamespaceObject())
	return s
}

var (
	camel       = regexp.MustCompile(`([a-zA-Z0-9])([A-Z][a-z])`)
	nonAlphabet = regexp.MustCompile(`[^a-z0-9]+`)
)

// namespaceFor is a name that says in logs which test something belongs to.
func namespaceFor(test string) string {
	const longest = 50
	name := strings.TrimPrefix(test, "Test")
	name = nonAlphabet.ReplaceAllString(strings.ToLower(camel.ReplaceAllString(name, "$1-$2")), "-")
	return fmt.Sprintf("%s-%d", strings.Trim(name[:min(len(name), longest)], "-"), numbered.Add(1))
}

// on is the test case in a test within its own.
func (s *testCase) on(t *testing.T) *testCase {
	t.Helper()
	copied := *s
	copied.Tenant = s.On(t)
	return &copied
}

// keepRequests keeps what the service was asked, for the closing checks.
func (s *testCase) keepRequests() {
	asked, err := s.Service.Requests(context.WithoutCancel(s.Context()), "", "")
	if err != nil {
		s.Errorf("reading what the service was asked: %v", err)
	}
	s.remember(asked)
}

// removeAll removes what controllers work on.
func (s *testCase) removeAll() {
	ctx := context.WithoutCancel(s.Context())
	for _, kind := range []client.Object{
		&cmapi.Certificate{}, &cmapi.CertificateRequest{}, &v1alpha1.VeroOrder{}, &v1alpha1.VeroIssuer{},
	} {
		if err := s.Client.DeleteAllOf(ctx, kind, client.InNamespace(s.Namespace)); err != nil {
			s.Error(err)
		}
	}
}

// keepWaiting lets the service have no certificate for anybody until deliver: what a test case does meanwhile comes
// before the first one, however busy the machine is.
func (s *testCase) keepWaiting() {
	s.Helper()
	const always = admin.Duration(time.Hour)
	s.Script(admin.Fault{Operation: get, Kind: admin.ResultFail, Code: "PKI099", ForDuration: always})
}

// deliver ends every fault of the service.
func (s *testCase) deliver() {
	s.Helper()
	must.Do(s, s.Service.ClearFaults(s.Context()))
}

// mistyped are the credentials with a password that somebody has mistyped.
func mistyped(sent admin.Credential) admin.Credential {
	sent.TransferPassword = "mistyped-" + sent.TransferPassword[:7]
	return sent
}

// submissions lists the SignNewCertificate that the service has received, polls the GetCertificate.
func (s *testCase) submissions() []admin.Request { s.Helper(); return s.Asked(signNew) }

func (s *testCase) polls() []admin.Request { s.Helper(); return s.Asked(get) }

// areApart fails the test case where two requests of the service that follow each other came sooner than that.
func (s *testCase) areApart(requests []admin.Request, least time.Duration) {
	s.Helper()
	for i := 1; i < len(requests); i++ {
		if distance := requests[i].Time.Sub(requests[i-1].Time); distance < least {
			s.Errorf("%s %d came %s after the one before, want %s at least", requests[i].Operation, i+1, distance, least)
		}
	}
}

// spentOnce fails the test case unless the service has accepted one request, and heard of no other one.
func (s *testCase) spentOnce() admin.Request {
	s.Helper()
	submissions := s.submissions()
	if len(submissions) != 1 || !submissions[0].Accepted {
		s.Fatalf("the service was sent %d SignNewCertificate, want one that it accepted: %+v", len(submissions), submissions)
	}
	return submissions[0]
}

// spentNothing fails the test case if anything was sent to the service.
func (s *testCase) spentNothing() {
	s.Helper()
	if asked := s.Asked(""); len(asked) > 0 {
		s.Fatalf("the service was asked, want nothing sent: %+v", asked)
	}
}
