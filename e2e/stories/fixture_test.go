package stories

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/varmenne/varmenne-issuer/e2e/tenant"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

// Names and values of the samples, with which the stories begin.
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

// story is a test with a namespace and a certificate service of its own.
type story struct {
	*tenant.Tenant
	*ledger
}

// began counts the stories, so that each has a namespace, also when it is run again.
var began atomic.Int32

// begin starts a story. The service gets the arguments that the story gives it.
func begin(t *testing.T, service ...string) *story {
	t.Helper()
	stage := shared.Get(t)
	s := &story{Tenant: tenant.Begin(t, stage.World, namespaceFor(t.Name()), service...), ledger: stage.ledger}
	s.Tenant.Ledger = &stage.Ledger
	t.Cleanup(s.end)
	s.Create(s.NamespaceObject())
	return s
}

var (
	camel       = regexp.MustCompile(`([a-zA-Z0-9])([A-Z][a-z])`)
	nonAlphabet = regexp.MustCompile(`[^a-z0-9]+`)
)

// namespaceFor tells in logs which story something belongs to.
func namespaceFor(test string) string {
	const longest = 50
	name := strings.TrimPrefix(test, "Test")
	name = nonAlphabet.ReplaceAllString(strings.ToLower(camel.ReplaceAllString(name, "$1-$2")), "-")
	return fmt.Sprintf("%s-%d", strings.Trim(name[:min(len(name), longest)], "-"), began.Add(1))
}

// end keeps what the service was asked, for the closing checks.
func (s *story) end() {
	asked, err := s.Service.Requests(context.WithoutCancel(s.Context()), "", "")
	if err != nil {
		s.Errorf("reading what the service was asked: %v", err)
	}
	s.remember(asked)
}

// keepWaiting lets the service have no certificate for anybody until deliver: what a story does meanwhile comes before
// the first one, however busy the machine is.
func (s *story) keepWaiting() {
	s.Helper()
	const always = admin.Duration(time.Hour)
	s.Script(admin.Fault{Operation: "GetCertificate", Kind: admin.ResultFail, Code: "PKI099", ForDuration: always})
}

// deliver ends every misbehavior of the service.
func (s *story) deliver() {
	s.Helper()
	if err := s.Service.ClearFaults(s.Context()); err != nil {
		s.Fatal(err)
	}
}

// mistyped are the credentials with a password that somebody has mistyped.
func mistyped(sent admin.Credential) admin.Credential {
	sent.TransferPassword = "mistyped-" + sent.TransferPassword[:7]
	return sent
}

// submissions lists the SignNewCertificate that the service has received, polls the GetCertificate.
func (s *story) submissions() []admin.Request { s.Helper(); return s.Asked("SignNewCertificate") }

func (s *story) polls() []admin.Request { s.Helper(); return s.Asked("GetCertificate") }

// spentOnce fails the story unless the service has accepted one request, and heard of no other one.
func (s *story) spentOnce() admin.Request {
	s.Helper()
	submissions := s.submissions()
	if len(submissions) != 1 || !submissions[0].Accepted {
		s.Fatalf("the service was sent %d SignNewCertificate, want one that it accepted: %+v", len(submissions), submissions)
	}
	return submissions[0]
}

// spentNothing fails the story if anything was sent to the service.
func (s *story) spentNothing() {
	s.Helper()
	if asked := s.Asked(""); len(asked) > 0 {
		s.Fatalf("the service was asked, want nothing sent: %+v", asked)
	}
}
