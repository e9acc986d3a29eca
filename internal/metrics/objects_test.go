package metrics_test

import (
	"strings"
	"testing"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"github.com/prometheus/client_golang/prometheus/testutil"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
)

const (
	unserved    = "varmenne_certificaterequest_pending_created_timestamp_seconds"
	failing     = "varmenne_renewal_failing_expiration_timestamp_seconds"
	credentials = "varmenne_transfer_credentials_written_timestamp_seconds"
)

// request is a CertificateRequest that was made at 100.
func request(namespace, certificate, name string) *cmapi.CertificateRequest {
	return &cmapi.CertificateRequest{ObjectMeta: metav1.ObjectMeta{
		Namespace: namespace, Name: name, CreationTimestamp: metav1.Unix(100, 0),
		Annotations: map[string]string{cmapi.CertificateNameKey: certificate},
	}}
}

func TestIssuers(t *testing.T) {
	series, registry := newMetrics(t)
	series.IssuerReady(v1alpha1.KindVeroIssuer, "a", "vero", v1alpha1.ReasonChecked, true)
	series.IssuerReady(v1alpha1.KindVeroIssuer, "b", "vero", v1alpha1.ReasonChecked, true)
	series.IssuerReady(v1alpha1.KindVeroIssuer, "b", "vero", v1alpha1.ReasonBundleInvalid, false)
	series.IssuerReady(v1alpha1.KindVeroClusterIssuer, "", "gone", v1alpha1.ReasonChecked, true)
	series.IssuerGone(v1alpha1.KindVeroClusterIssuer, "", "gone")
	series.IssuerGone(v1alpha1.KindVeroClusterIssuer, "", "never there")
	compare(t, registry, "varmenne_issuer_ready", map[string]float64{
		`kind="VeroIssuer",name="vero",namespace="a",reason="Checked"`: 1,
	})
	series.IssuerReady(v1alpha1.KindVeroIssuer, "b", "vero", v1alpha1.ReasonChecked, true)
	compare(t, registry, "varmenne_issuer_ready", map[string]float64{
		`kind="VeroIssuer",name="vero",namespace="a",reason="Checked"`: 1,
		`kind="VeroIssuer",name="vero",namespace="b",reason="Checked"`: 1,
	})
}

// TestChecksOfIssuers: one that waits for its first check is there, at zero; one that is gone is not.
func TestChecksOfIssuers(t *testing.T) {
	series, registry := newMetrics(t)
	series.IssuerSeen(v1alpha1.KindVeroIssuer, "a", "waiting")
	series.IssuerChecked(v1alpha1.KindVeroIssuer, "a", "checked", time.Unix(100, 0))
	series.IssuerSeen(v1alpha1.KindVeroIssuer, "a", "checked")
	series.IssuerChecked(v1alpha1.KindVeroClusterIssuer, "", "gone", time.Unix(100, 0))
	series.IssuerGone(v1alpha1.KindVeroClusterIssuer, "", "gone")
	const name = "varmenne_issuer_last_check_timestamp_seconds"
	compare(t, registry, name, map[string]float64{
		`kind="VeroIssuer",name="checked",namespace="a"`: 100,
	})
	count, err := testutil.GatherAndCount(registry, name)
	if err != nil || count != 2 {
		t.Errorf("%d issuers have a series, want that which waits, too: %v", count, err)
	}
}

func TestUnservedRequests(t *testing.T) {
	series, registry := newMetrics(t)
	series.RequestUnserved(request("tax", "reporting", "reporting-1"), v1alpha1.ReasonWaitingForApproval)
	series.RequestUnserved(request("tax", "reporting", "reporting-1"), v1alpha1.ReasonWaitingForCredentials)
	series.RequestUnserved(request("other", "", "by-hand"), v1alpha1.ReasonDenied)
	series.RequestUnserved(request("other", strings.Repeat("x", 1000), "odd"), v1alpha1.ReasonDenied)
	series.RequestUnserved(request("tax", "served", "served-1"), v1alpha1.ReasonSubmitting)
	series.RequestServed("tax", "served-1")
	older := request("tax", "b", "b-1")
	older.CreationTimestamp = metav1.Unix(50, 0)
	series.RequestUnserved(request("tax", "a", "a-1"), v1alpha1.ReasonAwaitingCertificate)
	series.RequestUnserved(older, v1alpha1.ReasonAwaitingCertificate)
	compare(t, registry, "varmenne_certificaterequests_pending", map[string]float64{
		`namespace="tax",reason="WaitingForCredentials"`: 1, `namespace="other",reason="Denied"`: 2,
		`namespace="tax",reason="AwaitingCertificate"`: 2,
	})
	compare(t, registry, unserved, map[string]float64{
		`certificate="",namespace="tax",reason="AwaitingCertificate",request=""`:                       50,
		`certificate="reporting",namespace="tax",reason="WaitingForCredentials",request="reporting-1"`: 100,
		`certificate="",namespace="other",reason="Denied",request="by-hand"`:                           100,
		`certificate="",namespace="other",reason="Denied",request="odd"`:                               100,
	})
}

func TestFailingRenewals(t *testing.T) {
	series, registry := newMetrics(t)
	expires := time.Unix(1800000000, 0)
	series.RenewalFailing("tax", "reporting", "reporting-2", "IssuerNotReady", expires)
	series.RenewalFailing("tax", "reporting", "reporting-2", "SubmissionFailing", expires)
	series.RenewalFailing("other", "reporting", "reporting-2", "Denied", expires.Add(time.Hour))
	series.RenewalFailing("tax", "reporting", "reporting-3", "Denied", expires)
	series.RenewalServed("tax", "reporting-3")
	compare(t, registry, failing, map[string]float64{
		`certificate="reporting",namespace="other",reason="Denied",request="reporting-2"`:          1800003600,
		`certificate="reporting",namespace="tax",reason="SubmissionFailing",request="reporting-2"`: 1800000000,
	})
	series.RenewalServed("tax", "reporting-2")
	series.RequestServed("other", "reporting-2")
	compare(t, registry, failing, nil)
}

func TestTransferCredentials(t *testing.T) {
	series, registry := newMetrics(t)
	waiting := request("tax", "reporting", "reporting-1")
	series.CredentialsUnspent(waiting, "first", time.Unix(100, 0))
	series.CredentialsUnspent(waiting, "second", time.Unix(200, 0))
	series.CredentialsUnspent(request("other", "", "spent"), "first", time.Unix(100, 0))
	series.CredentialsGone("other", "spent")
	compare(t, registry, credentials, map[string]float64{
		`certificate="reporting",namespace="tax",request="reporting-1",secret="second"`: 200,
	})
	series.RequestServed("tax", "reporting-1")
	compare(t, registry, credentials, nil)
}
