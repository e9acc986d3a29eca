package stories

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

func TestAServiceThatTakesAMinuteIsWaitedFor(t *testing.T) {
	t.Parallel()
	// It is asked 10, 20, 30, 45 and 67 seconds after the acceptance.
	const refusals = 4
	s := begin(t)
	s.Script(admin.Fault{Operation: "GetCertificate", Kind: admin.ResultFail, Code: "PKI099", Count: refusals})
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
	for i, poll := range polls[:len(polls)-1] {
		if next := polls[i+1].Time.Sub(poll.Time); next < 10*time.Second {
			t.Errorf("the certificate was asked for again after %s", next)
		}
	}
}

func TestASubmissionThatWasNotProcessedIsSentAgain(t *testing.T) {
	t.Parallel()
	for claim, fault := range map[string]admin.Fault{
		"the connection breaks":         {Kind: admin.DropBefore},
		"a gateway answers 503":         {Kind: admin.HTTPStatus},
		"the service answers a Fault":   {Kind: admin.SOAPFault},
		"the service answers PKI099":    {Kind: admin.ResultFail},
		"the service wants to redirect": {Kind: admin.Redirect},
	} {
		t.Run(claim, func(t *testing.T) {
			t.Parallel()
			s := begin(t)
			fault.Operation = "SignNewCertificate"
			s.Script(fault)
			s.Create(s.Trust(), s.Issuer(), s.Credentials(s.Mint()), s.Certificate())
			pending := s.awaitPending(certificateName, "again")
			s.awaitReady(certificateName).isFor(s, pending)
			if sent, accepted := len(s.submissions()), len(s.Accepted()); sent != 2 || accepted != 1 {
				t.Errorf("%d requests were sent and %d accepted, want two and one", sent, accepted)
			}
		})
	}
}

func TestALostResponseIsToldAndNewCredentialsGoOn(t *testing.T) {
	t.Parallel()
	s := begin(t)
	s.Script(admin.Fault{
		Operation: "SignNewCertificate", Kind: admin.HTTPStatus, Status: 408, AfterProcessing: true,
	})
	s.Create(s.Trust(), s.Issuer(), s.Credentials(s.Mint()), s.Certificate())
	s.awaitPending(certificateName, "answered HTTP 408", "it is sent again with the same authorization")
	pending := s.awaitPending(certificateName, "an earlier response was lost", "PKI020",
		"order new transfer credentials and put them into Secret "+transferName)
	s.awaitEvent("VeroOrder", s.Orders()[0].Name, corev1.EventTypeWarning, v1alpha1.ReasonResponseLost,
		"an earlier response was lost")
	s.ReplaceCredentials(s.Mint())
	s.awaitReady(certificateName).isFor(s, pending)
	if submissions := s.submissions(); len(submissions) != 3 || !submissions[2].Accepted {
		t.Errorf("the service was sent %+v, want the lost one, once more, and one with new credentials", submissions)
	}
}

func TestAnOrderThatAPersonDeletesIsGivenUp(t *testing.T) {
	t.Parallel()
	s := begin(t)
	s.Script(admin.Fault{Operation: "GetCertificate", Kind: admin.WrongCertificate, Count: 100})
	s.Create(s.Trust(), s.Issuer(), s.Credentials(s.Mint()), s.Certificate())
	order := s.awaitOrder("accepted", func(order *v1alpha1.VeroOrder) bool { return order.Status.RetrievalID != "" })
	s.awaitPending(certificateName, "delete VeroOrder "+order.Name+" to give it up")
	if err := s.Service.ClearFaults(t.Context()); err != nil {
		t.Fatal(err)
	}
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

func TestACertificateOfSomebodyElseIsNotDelivered(t *testing.T) {
	t.Parallel()
	for _, variant := range admin.CertificateVariants() {
		t.Run(variant, func(t *testing.T) {
			t.Parallel()
			s := begin(t)
			s.Script(admin.Fault{Operation: "GetCertificate", Kind: admin.WrongCertificate, Variant: variant})
			s.Create(s.Trust(), s.Issuer(), s.Credentials(s.Mint()), s.Certificate())
			_, retrievalID := s.awaitSubmitted(certificateName)
			pending := s.awaitPending(certificateName, "the issued certificate is not the one that was asked for",
				"RetrievalId "+retrievalID)
			s.awaitReady(certificateName).isFor(s, pending)
			s.spentOnce()
			s.awaitIssuer(v1alpha1.ReasonChecked)
			if polls := s.polls(); len(polls) != 2 || polls[0].Fault != admin.WrongCertificate {
				t.Errorf("the certificate was asked for %+v, want a wrong one and the right one", polls)
			}
		})
	}
}
