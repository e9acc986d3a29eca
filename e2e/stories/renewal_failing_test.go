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
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/e2e/testkit"
	"github.com/varmenne/varmenne-issuer/internal/kube/status"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

// TestARenewalThatFailsSaysHowMuchTimeIsLeftAndIsTriedToTheLastMinute: conditions, events and metrics tell of it while
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
	if told := status.Find(first.request, v1alpha1.ConditionRenewalFailing); told != nil {
		t.Errorf("a first certificate replaces nothing, and its request says %+v", told)
	}
	s.Script(admin.Fault{
		Operation: "RenewCertificate", Kind: admin.ResultFail, Code: "PKI099", ForDuration: admin.Duration(testkit.Timeout),
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
	tries := s.Asked("RenewCertificate")
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
	s.toldOnce(v1alpha1.ReasonRenewalFailing)
	s.toldOnce(v1alpha1.ReasonCertificateExpired)
}

// awaitFailing waits until the CertificateRequest that is to replace a certificate tells of its failing like that.
func (s *story) awaitFailing(value metav1.ConditionStatus, says ...string) *cmapi.CertificateRequest {
	s.Helper()
	return s.awaitRequest(certificateName, fmt.Sprintf("its renewal failing: %s, saying %q", value, says),
		func(request *cmapi.CertificateRequest) bool {
			told := status.Find(request, v1alpha1.ConditionRenewalFailing)
			return told != nil && told.Status == cmmeta.ConditionStatus(value) && testkit.ContainsAll(told.Message, says)
		})
}

// failingRenewals are the times of expiry that the controller's metrics tell for the story's namespace.
func (s *story) failingRenewals(ctx context.Context) ([]int64, error) {
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

// toldOnce fails the story if an event about its Certificate, of that reason, was written more than once.
func (s *story) toldOnce(reason string) {
	s.Helper()
	events := &corev1.EventList{}
	if err := s.Client.List(s.Context(), events, client.InNamespace(s.Namespace)); err != nil {
		s.Fatal(err)
	}
	told := map[string]int32{}
	for _, event := range events.Items {
		if event.InvolvedObject.Kind != cmapi.CertificateKind || event.Reason != reason {
			continue
		}
		told[event.Message]++
		if event.Series != nil || event.Count > 1 || told[event.Message] > 1 {
			s.Errorf("this was told more than once: %s", event.Message)
		}
	}
}
