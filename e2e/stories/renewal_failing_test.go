package stories

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"testing"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/e2e/testkit"
	"github.com/varmenne/varmenne-issuer/internal/kube/conditions"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

// TestARenewalThatFailsSaysHowMuchTimeIsLeftAndIsTriedToTheLastMinute: conditions, events and metrics report it while
// there is time; then transfer credentials are the way back.
func TestARenewalThatFailsSaysHowMuchTimeIsLeftAndIsTriedToTheLastMinute(t *testing.T) {
	t.Parallel()
	const shortLife, wholeWindow = 90 * time.Second, time.Minute
	s := begin(t, "--validity="+shortLife.String(), "--renewal-window="+wholeWindow.String(), "--processing-delay=1s")
	issuer, certificate := s.Issuer(), s.Certificate()
	issuer.Spec.RenewalWindow = &metav1.Duration{Duration: wholeWindow}
	certificate.Spec.RenewBefore = &metav1.Duration{Duration: wholeWindow}
	s.Create(s.Trust(), issuer, s.Credentials(s.Mint()), certificate)
	first := s.awaitReady(certificateName)
	if reported := conditions.Find(first.request, v1alpha1.ConditionRenewalFailing); reported != nil {
		t.Errorf("a first certificate replaces nothing, and its request says %+v", reported)
	}
	s.Script(admin.Fault{
		Operation: renew, Kind: admin.ResultFail, Code: "PKI099", ForDuration: admin.Duration(testkit.Timeout),
	})
	expires := first.chain[0].NotAfter
	date := expires.UTC().Format(time.RFC3339)

	failing := s.awaitFailing(metav1.ConditionTrue, "expires on "+date, "in less than 1 minute", "PKI099")
	s.awaitEvent(cmapi.CertificateKind, certificateName, corev1.EventTypeWarning, v1alpha1.ReasonRenewalFailing,
		"expires on "+date, "in less than 1 minute", "PKI099")
	s.Eventually("the metric of the failing renewal", func(ctx context.Context) (bool, error) {
		found, err := s.failingRenewals(ctx)
		return slices.Equal(found, []int64{expires.Unix()}), err
	})

	s.awaitPending(certificateName, "expired", "needs transfer credentials", "were spent")
	s.awaitFailing(metav1.ConditionTrue, "expired on "+date)
	s.awaitEvent(cmapi.CertificateKind, certificateName, corev1.EventTypeWarning,
		v1alpha1.ReasonCertificateExpired, "expired on "+date)
	const closest, fewest = 15 * time.Second, 3
	tries := s.Asked(renew)
	if last := tries[len(tries)-1].Time; len(tries) < fewest || expires.Sub(last) > closest ||
		last.After(expires.Add(onItsWay)) {
		t.Errorf("the renewal was tried %d times, the last time %s before the certificate expired",
			len(tries), expires.Sub(last))
	}

	s.ReplaceCredentials(s.Mint())
	second := s.awaitRenewed(first)
	second.isFor(s, failing)
	s.awaitFailing(metav1.ConditionFalse, "there is a new certificate")
	s.Eventually("the metric to go", func(ctx context.Context) (bool, error) {
		found, err := s.failingRenewals(ctx)
		return len(found) == 0, err
	})
	if accepted := s.Accepted(); len(accepted) != 2 {
		t.Errorf("the service has accepted %+v, want two requests", accepted)
	}
	s.reportedOnce(cmapi.CertificateKind, certificateName, v1alpha1.ReasonRenewalFailing)
	s.reportedOnce(cmapi.CertificateKind, certificateName, v1alpha1.ReasonCertificateExpired)
}

// awaitFailing waits until the CertificateRequest that is to replace a certificate reports its failing like that.
func (s *testCase) awaitFailing(value metav1.ConditionStatus, says ...string) *cmapi.CertificateRequest {
	s.Helper()
	return s.awaitRequest(certificateName, fmt.Sprintf("its renewal failing: %s, saying %q", value, says),
		func(request *cmapi.CertificateRequest) bool {
			reported := conditions.Find(request, v1alpha1.ConditionRenewalFailing)
			return reported != nil && reported.Status == cmmeta.ConditionStatus(value) &&
				testkit.ContainsAll(reported.Message, says)
		})
}

// failingRenewals are the times of expiry that the controller's metrics have for the test case's namespace.
func (s *testCase) failingRenewals(ctx context.Context) ([]int64, error) {
	text, err := s.Metrics(ctx)
	if err != nil {
		return nil, err
	}
	series := regexp.MustCompile(`(?m)^varmenne_renewal_failing_expiration_timestamp_seconds\{certificate="` +
		certificateName + `",namespace="` + s.Namespace + `",[^}]*\} (\S+)$`)
	var found []int64
	for _, match := range series.FindAllStringSubmatch(text, -1) {
		value, err := strconv.ParseFloat(match[1], 64)
		if err != nil {
			return nil, err
		}
		found = append(found, int64(value))
	}
	return found, nil
}
