package stories

import (
	"slices"
	"testing"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

func TestARenewalThatIsRefusedFailsWithAnExplanationAndTheNextOneGoesOn(t *testing.T) {
	t.Parallel()
	const signature, request = "check that the Secret of the Certificate holds the certificate that is to be renewed",
		"check the Certificate's spec.privateKey"
	for claim, c := range map[string]struct {
		code, reason, says string
		// bought reports whether somebody has bought transfer credentials before it is tried again.
		bought bool
	}{
		"PKI010": {"PKI010", v1alpha1.ReasonSignatureRefused, signature, false},
		"PKI010, and then there are new credentials": {"PKI010", v1alpha1.ReasonSignatureRefused, signature, true},
		"PKI030": {"PKI030", v1alpha1.ReasonRequestRefused, request, false},
	} {
		t.Run(claim, func(t *testing.T) {
			t.Parallel()
			s, certificate, first := beginRenewable(t)
			inUse := s.readSecret(certificate.Spec.SecretName)
			s.Script(admin.Fault{Operation: renew, Kind: admin.ResultFail, Code: c.code})
			s.renewSettled(certificate)
			says := []string{c.code, c.says, "`cmctl renew -n " + s.Namespace + " " + certificateName + "`"}
			failed := s.awaitRequest(certificateName, "failed", func(request *cmapi.CertificateRequest) bool {
				return isNotReady(request, cmapi.CertificateRequestReasonFailed, says...) && request.Status.FailureTime != nil
			})
			s.awaitEvent("CertificateRequest", failed.Name, corev1.EventTypeWarning, c.reason, c.code)
			s.endedAs(s.onlyRenewalOrder(), c.reason, c.code)
			s.awaitTold(certificate, says...)
			s.keepsHolding(inUse)

			renewals, bought := 2, 1
			if c.bought {
				renewals, bought = 1, 2
				s.Create(s.Credentials(s.Mint()))
			}
			s.renewSettled(certificate)
			s.awaitRenewed(first)
			s.receivedRenewals(renewals)
			s.boughtTimes(bought)
		})
	}
}

func TestARenewalThatTheServiceFindsTooEarlyIsHeldForAnHour(t *testing.T) {
	t.Parallel()
	s, certificate, first := beginRenewable(t, "--validity=1000h", "--renewal-window=1m")
	inUse := s.readSecret(certificate.Spec.SecretName)
	s.renewSettled(certificate)
	s.awaitPending(certificateName, "PKI080", "more than 60 days left", "it is tried again every hour")
	order := s.onlyRenewalOrder()
	asked := s.receivedRenewals(1)[0]
	next := order.Status.NextSubmitTime
	if next == nil || next.Sub(asked.Time) < time.Hour || next.Sub(asked.Time) > time.Hour+time.Minute {
		t.Errorf("the renewal of %s is to be sent again at %v, want an hour later", asked.Time, next)
	}
	s.awaitEvent("VeroOrder", order.Name, corev1.EventTypeNormal, v1alpha1.ReasonWaitingForWindow, "PKI080")

	// Everything is looked at again when the issuer goes and comes back; the hour is not forgotten over it.
	s.EditIssuer(func(issuer *v1alpha1.VeroIssuer) { issuer.Spec.URL = "https://127.0.0.1:1/" })
	s.awaitPending(certificateName, "VeroIssuer vero is not ready")
	s.EditIssuer(func(issuer *v1alpha1.VeroIssuer) { issuer.Spec.URL = s.Service.URL })
	s.awaitPending(certificateName, "PKI080", "it is tried again")
	if again := s.onlyRenewalOrder(); !again.Status.NextSubmitTime.Equal(next) {
		t.Errorf("the renewal is to be sent at %v now, want %v as before", again.Status.NextSubmitTime, next)
	}
	s.receivedRenewals(1)
	s.boughtTimes(1)
	s.keepsHolding(inUse)
	if !s.awaitReady(certificateName).chain[0].Equal(first.chain[0]) {
		t.Error("the Certificate is Ready with another certificate than before")
	}
}

func TestARenewalThatIsNotProcessedIsSentAgainWithGrowingDistance(t *testing.T) {
	t.Parallel()
	s, certificate, first := beginRenewable(t)
	s.Script(admin.Fault{Operation: renew, Kind: admin.ResultFail, Code: "PKI099", Count: 3})
	s.renewSettled(certificate)
	pending := s.awaitPending(certificateName, "PKI099", "it is tried again", "nothing was spent")
	s.awaitRenewed(first).isFor(s, pending)
	renewals := s.receivedRenewals(4)
	for i, least := range []time.Duration{10 * time.Second, 20 * time.Second, 40 * time.Second} {
		s.areApart(renewals[i:i+2], least)
	}
	s.boughtTimes(1)
}

func TestARenewedCertificateIsAskedForUntilTheServiceHasMadeIt(t *testing.T) {
	t.Parallel()
	s, certificate, first := beginRenewable(t)
	s.Script(admin.Fault{Operation: get, Kind: admin.ResultFail, Code: "PKI099", Count: 2})
	s.renewSettled(certificate)
	pending := s.awaitPending(certificateName, "has accepted the request (RetrievalId ")
	second := s.awaitRenewed(first)
	second.isFor(s, pending)
	retrievalID := s.receivedRenewals(1)[0].RetrievalID
	if condition := submitted(second.request); condition == nil || condition.Reason != renew ||
		condition.Message != retrievalID {
		t.Errorf("the request shows %+v, want %s and RetrievalId %s", condition, renew, retrievalID)
	}
	polls := slices.DeleteFunc(s.polls(), func(poll admin.Request) bool { return poll.RetrievalID != retrievalID })
	if len(polls) != 3 {
		t.Fatalf("the certificate was asked for %d times, want 3: %+v", len(polls), polls)
	}
	s.areApart(polls, 10*time.Second)
	s.boughtTimes(1)
}
