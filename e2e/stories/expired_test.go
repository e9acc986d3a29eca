package stories

import (
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

// A life that an outage can outlast: its renewal begins long after the certificate is there, and long before its end.
const (
	briefLife    = 80 * time.Second
	briefRenewal = 40 * time.Second
)

// onItsWay is how long a try may take from its decision until it has reached the service: what was decided on in time
// may come there after the certificate has expired.
const onItsWay = 5 * time.Second

func TestACertificateThatExpiresWhileTheServiceHangsIsReplacedOnceItIsBackIfThereAreCredentials(t *testing.T) {
	t.Parallel()
	s, first := beginBrief(t)
	sent := s.Mint()
	must.Do(t, s.Service.Process.Pause())
	// Whatever happens: the service has to list what it was asked in the end.
	t.Cleanup(func() { _ = s.Service.Process.Resume() })
	s.awaitRenewalOrder("sent", func(order *v1alpha1.VeroOrder) bool { return order.Status.Submissions > 0 })
	waiting := s.awaitPending(certificateName)
	s.Create(s.Credentials(sent))

	s.awaitRenewalExpired(first, v1alpha1.ReasonCertificateExpired, "before it could be renewed")
	must.Do(t, s.Service.Process.Resume())
	s.awaitRenewed(first).isFor(s, waiting)
	s.receivedRenewals(0)
	s.boughtTimes(2)
}

func TestACertificateThatExpiresWhileRenewalsFailAsksForCredentials(t *testing.T) {
	t.Parallel()
	for claim, c := range map[string]struct {
		fault admin.Fault
		// failing is what the request says before, ended and says what the order says after the certificate has expired.
		failing []string
		ended   string
		says    string
	}{
		"the service answers PKI099": {
			admin.Fault{Kind: admin.ResultFail}, []string{"PKI099", "it is tried again", "nothing was spent"},
			v1alpha1.ReasonCertificateExpired, "before it could be renewed",
		},
		"a gateway answers 503": {
			admin.Fault{Kind: admin.HTTPStatus}, []string{"HTTP 503", "it is sent again with the same authorization"},
			v1alpha1.ReasonResponseLost, "its response was lost",
		},
	} {
		t.Run(claim, func(t *testing.T) {
			t.Parallel()
			fault := c.fault
			fault.Operation, fault.Count = renew, 100
			s, first := beginBrief(t, fault)
			waiting := s.awaitPending(certificateName, c.failing...)

			says := []string{"the certificate in Secret " + s.Certificate().Spec.SecretName + " cannot be renewed", "expired",
				wantsCredentials, transferName, "does not exist", v1alpha1.KeyTransferID, v1alpha1.KeyTransferPassword}
			pending := s.awaitPending(certificateName, says...)
			s.awaitEvent("CertificateRequest", pending.Name, corev1.EventTypeNormal,
				v1alpha1.ReasonWaitingForCredentials, says...)
			s.awaitRenewalExpired(first, c.ended, c.says)
			s.triedInTime(first)
			s.deliver()
			s.Create(s.Credentials(s.Mint()))
			s.awaitRenewed(first).isFor(s, waiting)
			s.boughtTimes(2)
		})
	}
}

// beginBrief begins a test case with a Certificate that is Ready for a short time, with no credentials left, at a
// service that misbehaves in the given ways.
func beginBrief(t *testing.T, faults ...admin.Fault) (*testCase, *issued) {
	t.Helper()
	s := begin(t, "--validity="+briefLife.String(), "--processing-delay=1s")
	for _, fault := range faults {
		s.Script(fault)
	}
	certificate := s.Certificate()
	certificate.Spec.RenewBefore = &metav1.Duration{Duration: briefRenewal}
	s.Create(s.Trust(), s.Issuer(), s.Credentials(s.Mint()), certificate)
	return s, s.awaitFirst()
}

// awaitRenewalExpired waits until the renewal has ended because the certificate had expired, and checks that this was
// reported.
func (s *testCase) awaitRenewalExpired(first *issued, reason string, says ...string) {
	s.Helper()
	expiry := first.chain[0].NotAfter.UTC().Format(time.RFC3339)
	order := s.awaitRenewalOrder("ended", func(order *v1alpha1.VeroOrder) bool {
		return order.Status.CompletionTime != nil
	})
	s.endedAs(order, reason, append(says, "expired on "+expiry)...)
	if ended := order.Status.CompletionTime; ended.Time.Before(first.chain[0].NotAfter) {
		s.Errorf("the renewal was given up on %s, and the certificate expired on %s", ended, expiry)
	}
}

// triedInTime fails the test case unless the service has received some renewals of a certificate, and none that was
// decided on after its end.
func (s *testCase) triedInTime(first *issued) {
	s.Helper()
	renewals := s.Asked(renew)
	late := slices.ContainsFunc(renewals, func(renewal admin.Request) bool {
		return renewal.Time.After(first.chain[0].NotAfter.Add(onItsWay))
	})
	if late || len(renewals) < 2 {
		s.Errorf("the service was sent the renewals %+v, want some, and none after the certificate had expired", renewals)
	}
}

// awaitRenewalOrder waits until the only order for a renewal is as it should be.
func (s *testCase) awaitRenewalOrder(what string, reached func(*v1alpha1.VeroOrder) bool) *v1alpha1.VeroOrder {
	s.Helper()
	return s.AwaitOrder("for a renewal and "+what, func(order *v1alpha1.VeroOrder) bool {
		return order.Spec.Operation == v1alpha1.VeroOperationRenew && reached(order)
	})
}
