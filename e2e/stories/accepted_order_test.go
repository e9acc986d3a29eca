package stories

import (
	"testing"
	"time"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

func TestAServiceThatTakesAMinuteIsWaitedFor(t *testing.T) {
	t.Parallel()
	// It is asked 10, 20, 30, 45 and 67 seconds after the acceptance.
	const refusals = 4
	s := begin(t)
	s.Script(admin.Fault{Operation: get, Kind: admin.ResultFail, Code: "PKI099", Count: refusals})
	s.Create(s.Trust(), s.Issuer(), s.Credentials(s.Mint()), s.Certificate())
	_, retrievalID := s.awaitSubmitted(certificateName)
	pending := s.awaitPending(certificateName, "has accepted the request (RetrievalId "+retrievalID+")")
	found := s.awaitReady(certificateName)
	found.isFor(s, pending)
	if found.request.Status.FailureTime != nil {
		t.Errorf("the request had failed on %s in between", found.request.Status.FailureTime)
	}
	s.spentOnce()
	polls := s.polls()
	if took := polls[len(polls)-1].Time.Sub(polls[0].Time); len(polls) != refusals+1 || took < 50*time.Second {
		t.Errorf("the certificate was asked for %d times in %s, want %d times with growing distances: %+v",
			len(polls), took, refusals+1, polls)
	}
	s.areApart(polls, 10*time.Second)
}

func TestASubmissionThatWasNotProcessedIsSentAgain(t *testing.T) {
	t.Parallel()
	s := begin(t)
	s.Script(admin.Fault{Operation: signNew, Kind: admin.ResultFail, Code: "PKI099"})
	s.Create(s.Trust(), s.Issuer(), s.Credentials(s.Mint()), s.Certificate())
	pending := s.awaitPending(certificateName, "PKI099", "again")
	s.awaitReady(certificateName).isFor(s, pending)
	if sent, accepted := len(s.submissions()), len(s.Accepted()); sent != 2 || accepted != 1 {
		t.Errorf("%d requests were sent and %d accepted, want two and one", sent, accepted)
	}
}

func TestAnOrderThatAPersonDeletesIsGivenUp(t *testing.T) {
	t.Parallel()
	s := begin(t)
	s.Script(admin.Fault{Operation: get, Kind: admin.WrongCertificate, Count: 100})
	s.Create(s.Trust(), s.Issuer(), s.Credentials(s.Mint()), s.Certificate())
	order := s.awaitOrder("accepted", func(order *v1alpha1.VeroOrder) bool { return order.Status.RetrievalID != "" })
	s.awaitPending(certificateName, "delete VeroOrder "+order.Name+" to give it up")
	s.deliver()
	s.ReplaceCredentials(s.Mint())
	s.Remove(order)
	found := s.awaitReady(certificateName)
	if submitted(found.request).Message == order.Status.RetrievalID {
		t.Errorf("the certificate was fetched with RetrievalId %s, which was given up", order.Status.RetrievalID)
	}
	if accepted := s.Accepted(); len(accepted) != 2 {
		t.Errorf("the service has accepted %+v, want what was given up and one request", accepted)
	}
}
