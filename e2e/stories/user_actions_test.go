package stories

import (
	"slices"
	"testing"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

// userAction is something that a person does: a row of the page.
type userAction struct {
	// what the person does, and the state of the order then.
	what, during string
	outcome
	// do does it.
	do func(*testCase)
	// ends is how it ends; nil where the Certificate gets Ready.
	ends func(*testCase)
}

// States of an order, as the page calls them.
const (
	beforeSending = "before the service has accepted it"
	whileSending  = "while it is being sent"
	inDoubt       = "after its response was lost"
	inFlight      = "after the service has accepted it"
	afterIssue    = "after the certificate was issued"
)

// userActions are the rows about people.
func userActions() []userAction {
	return slices.Concat(requestActions(), orderActions(), credentialActions(), issuerActions(), namespaceActions())
}

func TestWhatPeopleDoEndsAsThePageSays(t *testing.T) {
	t.Parallel()
	for _, action := range userActions() {
		t.Run(action.what+" "+action.during, func(t *testing.T) {
			t.Parallel()
			// The service takes a while, so that there is time to interfere, and for the request to say that it waits.
			s := beginRow(t, "--processing-delay=30s")
			s.prepare(s.Issuer())
			action.do(s)
			action.follow(s)
			if action.ends != nil {
				action.ends(s)
				return
			}
			s.endsReady()
			s.spends(action.spent, 1)
			if action.during == inFlight && action.spent == nothing {
				s.spentOnce()
			}
		})
	}
}

// endsReady waits until the sample Certificate is Ready, through the request whose message was read last and for its
// key, and its issuer too.
func (s *testCase) endsReady() {
	s.Helper()
	found := s.awaitReady(certificateName)
	if s.reader != "" && s.reader != found.request.UID {
		s.Errorf("the certificate came through request %s (%s), want the one that has waited, %s",
			found.request.Name, found.request.UID, s.reader)
	}
	found.isFor(s, found.request)
	s.awaitIssuer(v1alpha1.ReasonChecked)
}

// prepare creates all that a Certificate needs but itself, and waits for the issuer.
func (s *testCase) prepare(issuer *v1alpha1.VeroIssuer) {
	s.Helper()
	s.Create(s.Trust(), issuer, s.Credentials(s.Mint()))
	s.AwaitIssuer()
}

// refused lets the service refuse requests with PKI099 and brings an order into that state: it waits to be sent again.
func (s *testCase) refused() {
	s.Helper()
	s.Script(admin.Fault{Operation: signNew, Kind: admin.ResultFail, Code: "PKI099", Count: 100})
	s.Create(s.Certificate())
	s.expect(expectation{reason: v1alpha1.ReasonRetryingSubmission, says: []string{"PKI099", "nothing was spent"}})
}

// sending brings an order to where its request has had its effect and the response is still to come.
func (s *testCase) sending() {
	s.Helper()
	s.Script(admin.Fault{Operation: signNew, Kind: admin.TimeoutAfter, Hold: held})
	s.Create(s.Certificate())
	s.awaitCall(signNew)
}

// doubted brings an order to where its response was lost, and before it is sent again.
func (s *testCase) doubted() {
	s.Helper()
	s.Script(admin.Fault{Operation: signNew, Kind: admin.HTTPStatus, Status: 408, AfterProcessing: true})
	s.Create(s.Certificate())
	s.expect(expectation{reason: v1alpha1.ReasonUncertain, says: []string{"it is sent again"}})
}

// accepted brings an order to where the service has accepted it.
func (s *testCase) accepted() *v1alpha1.VeroOrder {
	s.Helper()
	s.Create(s.Certificate())
	return s.AwaitOrder("accepted", inState(v1alpha1.VeroOrderSubmitted))
}

// issued brings an order to its end.
func (s *testCase) issued() *v1alpha1.VeroOrder {
	s.Helper()
	s.Create(s.Certificate())
	s.awaitReady(certificateName)
	return s.AwaitOrder("issued", inState(v1alpha1.VeroOrderIssued))
}

// awaitOtherRequest waits for a CertificateRequest of the sample Certificate that is not the given one.
func (s *testCase) awaitOtherRequest(other *cmapi.CertificateRequest) *cmapi.CertificateRequest {
	s.Helper()
	return s.awaitRequest(certificateName, "made anew", func(request *cmapi.CertificateRequest) bool {
		return other == nil || request.UID != other.UID
	})
}
