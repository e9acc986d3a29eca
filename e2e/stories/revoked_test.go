package stories

import (
	"slices"
	"testing"

	cmutil "github.com/cert-manager/cert-manager/pkg/api/util"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/e2e/testkit"
	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

// alwaysRenewable are the arguments of a service whose certificates can be renewed at any moment, and whose hour
// outlasts every test case: nothing is renewed before the test case says so.
var alwaysRenewable = []string{"--validity=1h", "--processing-delay=1s"}

func TestARevokedCertificateIsReplacedWithNewCredentials(t *testing.T) {
	t.Parallel()
	for claim, c := range map[string]struct {
		// forget is what has become of the credentials of the first certificate, says what is asked for then.
		forget func(*testCase, *corev1.Secret)
		says   []string
		supply func(*testCase, admin.Credential)
	}{
		"the spent credentials are still there": {
			forget: func(*testCase, *corev1.Secret) {},
			says:   []string{"Secret " + transferName, "were spent", "order new ones and put them into the Secret"},
			supply: (*testCase).ReplaceCredentials,
		},
		"the spent credentials were removed": {
			forget: func(s *testCase, spent *corev1.Secret) { s.Remove(spent) },
			says:   []string{transferName, "does not exist", v1alpha1.KeyTransferID, v1alpha1.KeyTransferPassword},
			supply: func(s *testCase, sent admin.Credential) { s.Create(s.Credentials(sent)) },
		},
	} {
		t.Run(claim, func(t *testing.T) {
			t.Parallel()
			s := begin(t, alwaysRenewable...)
			certificate, spent := s.Certificate(), s.Credentials(s.Mint())
			s.Create(s.Trust(), s.Issuer(), spent, certificate)
			first := s.awaitReady(certificateName)
			inUse := s.readSecret(certificate.Spec.SecretName)
			c.forget(s, spent)
			must.Get(s.Service.Revoke(t.Context(), serialNumber(first.chain[0])))(t)
			s.renewSettled(certificate)

			says := append([]string{"the service does not renew the certificate in Secret " + certificate.Spec.SecretName,
				"a new one needs transfer credentials"}, c.says...)
			pending := s.awaitPending(certificateName, says...)
			s.endedAs(s.onlyRenewalOrder(), v1alpha1.ReasonRenewalRefused, "PKI015", "order new transfer credentials")
			s.awaitEvent("CertificateRequest", pending.Name, corev1.EventTypeNormal, v1alpha1.ReasonWaitingForCredentials,
				says...)
			s.awaitSecretRead(transferName, 2)
			s.receivedRenewals(1)
			s.keepsHolding(inUse)

			c.supply(s, s.Mint())
			s.awaitRenewed(first).isFor(s, pending)
			s.receivedRenewals(1)
			s.boughtTimes(2)
		})
	}
}

// beginRenewable begins a test case with a Certificate that is Ready, and with no transfer credentials left. The
// arguments come after those of alwaysRenewable.
func beginRenewable(t *testing.T, service ...string) (*testCase, *cmapi.Certificate, *issued) {
	t.Helper()
	s := begin(t, slices.Concat(alwaysRenewable, service)...)
	certificate := s.Certificate()
	s.Create(s.Trust(), s.Issuer(), s.Credentials(s.Mint()), certificate)
	return s, certificate, s.awaitFirst()
}

// renewSettled renews a Certificate as Renew does, once cert-manager has finished the issuance before. A moment earlier
// the Certificate may be Ready already, and the two would be taken for one.
func (s *testCase) renewSettled(certificate *cmapi.Certificate) {
	s.Helper()
	await(s, certificate, "not being issued", func(certificate *cmapi.Certificate) bool {
		issuing := cmutil.GetCertificateCondition(certificate, cmapi.CertificateConditionIssuing)
		return issuing == nil || issuing.Status == cmmeta.ConditionFalse
	})
	s.Renew(certificate)
}

// onlyRenewalOrder is the order for a renewal, of which there has to be one.
func (s *testCase) onlyRenewalOrder() *v1alpha1.VeroOrder {
	s.Helper()
	renewals := slices.DeleteFunc(s.Orders(), func(order v1alpha1.VeroOrder) bool {
		return order.Spec.Operation != v1alpha1.VeroOperationRenew
	})
	if len(renewals) != 1 {
		s.Fatalf("there are %d orders for a renewal, want one\n%s", len(renewals), s.Picture())
	}
	return &renewals[0]
}

// endedAs fails the test case unless an order has failed for that reason, has warned of it, and says all of this.
func (s *testCase) endedAs(order *v1alpha1.VeroOrder, reason string, says ...string) {
	s.Helper()
	found := testkit.ReasonOf(order.Status.Conditions)
	if order.Status.State != v1alpha1.VeroOrderFailed || order.Status.CompletionTime == nil || found != reason {
		s.Errorf("VeroOrder %s is %s for reason %s, want Failed for %s",
			order.Name, order.Status.State, found, reason)
	}
	s.awaitEvent("VeroOrder", order.Name, corev1.EventTypeWarning, reason, says...)
}

// receivedRenewals fails the test case unless the service has received so many renewals.
func (s *testCase) receivedRenewals(want int) []admin.Request {
	s.Helper()
	renewals := s.Asked(renew)
	if len(renewals) != want {
		s.Fatalf("the service was sent %d RenewCertificate, want %d: %+v", len(renewals), want, renewals)
	}
	return renewals
}

// boughtTimes fails the test case unless the service has accepted so many SignNewCertificate, and refused none.
func (s *testCase) boughtTimes(want int) {
	s.Helper()
	if sent, accepted := len(s.submissions()), len(s.Accepted()); sent != want || accepted != want {
		s.Errorf("the service was sent %d SignNewCertificate and accepted %d, want %d: %+v",
			sent, accepted, want, s.submissions())
	}
}
