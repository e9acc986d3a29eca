package misbehavior

import (
	"testing"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

// deed is something that a person does: a row of the page.
type deed struct {
	// what the person does, and the state of the order then.
	what, during string
	outcome
	// play does it; nil where a test of another package tells the story.
	play func(*story)
	// ends is how the story ends; nil where the Certificate gets Ready.
	ends func(*story)
	// elsewhere is the test in e2e/stories that tells the story.
	elsewhere string
}

// States of an order, as the page calls them.
const (
	beforeSending = "before the service has accepted it"
	whileSending  = "while it is being sent"
	inDoubt       = "after its response was lost"
	inFlight      = "after the service has accepted it"
	afterIssue    = "after the certificate was issued"
)

// playDeeds plays the rows about people.
func playDeeds(t *testing.T) {
	t.Parallel()
	for _, deed := range deeds() {
		if deed.play == nil {
			continue
		}
		t.Run(deed.what+" "+deed.during, func(t *testing.T) {
			t.Parallel()
			// The service takes a while, so that there is time to interfere.
			s := begin(t, "--processing-delay=15s")
			s.settle(s.Issuer())
			deed.play(s)
			deed.pursue(s)
			if deed.ends != nil {
				deed.ends(s)
			} else {
				s.awaitReady(certificateName, nil)
				s.spends(deed.spent, 1)
			}
		})
	}
}

// refused lets the service refuse requests with PKI099 and brings an order into that state: it waits to be sent again.
func (s *story) refused() {
	s.Helper()
	s.Script(admin.Fault{Operation: signNew, Kind: admin.ResultFail, Code: "PKI099", Count: 100})
	s.Create(s.Certificate())
	s.awaitTold(told{reason: v1alpha1.ReasonRetryingSubmission, says: []string{"PKI099", "nothing was spent"}})
}

// sending brings an order to where its request has had its effect and the response is still to come.
func (s *story) sending() {
	s.Helper()
	s.Script(admin.Fault{Operation: signNew, Kind: admin.TimeoutAfter, Hold: held})
	s.Create(s.Certificate())
	s.awaitCalls(signNew, 1)
}

// doubted brings an order to where its response was lost, and before it is sent again.
func (s *story) doubted() {
	s.Helper()
	s.Script(admin.Fault{Operation: signNew, Kind: admin.HTTPStatus, Status: 408, AfterProcessing: true})
	s.Create(s.Certificate())
	s.awaitTold(told{reason: v1alpha1.ReasonUncertain, says: []string{"it is sent again"}})
}

// submitted brings an order to where the service has accepted it.
func (s *story) submitted() *v1alpha1.VeroOrder {
	s.Helper()
	s.Create(s.Certificate())
	return s.AwaitOrder("accepted", inPhase(v1alpha1.VeroOrderSubmitted))
}

// issued brings an order to its end.
func (s *story) issued() *v1alpha1.VeroOrder {
	s.Helper()
	s.Create(s.Certificate())
	s.awaitReady(certificateName, nil)
	return s.AwaitOrder("issued", inPhase(v1alpha1.VeroOrderIssued))
}
