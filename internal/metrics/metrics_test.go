package metrics_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/metrics"
	"github.com/varmenne/varmenne-issuer/internal/vero"
)

func newMetrics(t *testing.T) (*metrics.Metrics, *prometheus.Registry) {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	series, err := metrics.New(registry)
	if err != nil {
		t.Fatal(err)
	}
	return series, registry
}

func compare(t *testing.T, registry *prometheus.Registry, want string, names ...string) {
	t.Helper()
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want), names...); err != nil {
		t.Error(err)
	}
}

func TestCalls(t *testing.T) {
	series, registry := newMetrics(t)
	series.Submitted(v1alpha1.OperationSignNew)
	series.Submitted(v1alpha1.OperationSignNew)
	series.Submitted(v1alpha1.OperationRenew)
	series.Polled(v1alpha1.OperationRenew)
	compare(t, registry, `
# HELP varmenne_polls_total GetCertificate calls, by the operation that started the certificate.
# TYPE varmenne_polls_total counter
varmenne_polls_total{operation="RenewCertificate"} 1
# HELP varmenne_submissions_total Requests for a certificate that were sent to the certificate service, by operation.
# TYPE varmenne_submissions_total counter
varmenne_submissions_total{operation="RenewCertificate"} 1
varmenne_submissions_total{operation="SignNewCertificate"} 2
`, "varmenne_submissions_total", "varmenne_polls_total")
}

func TestAnswers(t *testing.T) {
	for claim, c := range map[string]struct {
		err    error
		result string
	}{
		"OK":                             {nil, "OK"},
		"a code":                         {vero.CredentialsRefused(), "PKI020"},
		"a wrapped code":                 {fmt.Errorf("call: %w", vero.TechnicalError()), "PKI099"},
		"an undocumented code":           {&vero.ServiceError{Code: "PKI777"}, "PKI099"},
		"a code that nobody should say":  {&vero.ServiceError{Code: "random-0001"}, "PKI099"},
		"a signature that is not right":  {&vero.UnverifiedError{Err: errors.New("stranger")}, "UntrustedAnswer"},
		"a timeout":                      {&vero.InterruptedError{Timeout: true}, "NoAnswer"},
		"an answer that is none":         {&vero.AnswerError{Problem: "odd"}, "NoAnswer"},
		"no connection":                  {&vero.UnreachableError{Host: "h", Err: errors.New("refused")}, "NotProcessed"},
		"a Fault":                        {&vero.FaultError{Code: "soap:Client"}, "NotProcessed"},
		"a message that cannot be sent":  {&vero.FieldError{Field: "CustomerName"}, "NotProcessed"},
		"an error of nobody knows where": {errors.New("?"), "NotProcessed"},
	} {
		t.Run(claim, func(t *testing.T) {
			series, registry := newMetrics(t)
			series.Answered(vero.GetCertificate, c.err, 250*time.Millisecond)
			compare(t, registry, fmt.Sprintf(`
# HELP varmenne_answers_total Ends of calls, by operation and result: OK, a code of the service, `+
				`UntrustedAnswer, NoAnswer (it may have been processed) or NotProcessed (it cannot).
# TYPE varmenne_answers_total counter
varmenne_answers_total{operation="GetCertificate",result=%q} 1
`, c.result), "varmenne_answers_total")
			if count := testutil.CollectAndCount(registry, "varmenne_call_duration_seconds"); count != 1 {
				t.Errorf("%d latencies", count)
			}
		})
	}
}

func TestDurations(t *testing.T) {
	series, registry := newMetrics(t)
	series.Answered(vero.SignNewCertificate, nil, 300*time.Millisecond)
	series.Issued(v1alpha1.OperationSignNew, 12*time.Second)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]float64{"varmenne_call_duration_seconds": 0.3, "varmenne_time_to_issue_seconds": 12}
	for _, family := range families {
		sum, histogram := want[family.GetName()]
		if !histogram {
			continue
		}
		delete(want, family.GetName())
		if got := family.GetMetric()[0].GetHistogram(); got.GetSampleSum() != sum || got.GetSampleCount() != 1 {
			t.Errorf("%s: sum %v of %d", family.GetName(), got.GetSampleSum(), got.GetSampleCount())
		}
	}
	if len(want) > 0 {
		t.Errorf("not found: %v", want)
	}
}

func TestIssuers(t *testing.T) {
	series, registry := newMetrics(t)
	series.IssuerReady(v1alpha1.KindVeroIssuer, "a", "vero", true)
	series.IssuerReady(v1alpha1.KindVeroIssuer, "b", "vero", true)
	series.IssuerReady(v1alpha1.KindVeroIssuer, "b", "vero", false)
	series.IssuerReady(v1alpha1.KindVeroClusterIssuer, "", "gone", true)
	series.IssuerGone(v1alpha1.KindVeroClusterIssuer, "", "gone")
	series.IssuerGone(v1alpha1.KindVeroClusterIssuer, "", "never there")
	compare(t, registry, `
# HELP varmenne_issuer_ready 1 while the issuer is Ready, else 0.
# TYPE varmenne_issuer_ready gauge
varmenne_issuer_ready{kind="VeroIssuer",name="vero",namespace="a"} 1
varmenne_issuer_ready{kind="VeroIssuer",name="vero",namespace="b"} 0
`, "varmenne_issuer_ready")
}

func TestOrders(t *testing.T) {
	collector := func(counts map[v1alpha1.OrderPhase]int, err error) metrics.Orders {
		return metrics.Orders{Count: func(context.Context) (map[v1alpha1.OrderPhase]int, error) { return counts, err }}
	}
	t.Run("every phase has a value", func(t *testing.T) {
		orders := collector(map[v1alpha1.OrderPhase]int{v1alpha1.PhaseIssued: 3, v1alpha1.PhaseFailed: 1}, nil)
		if err := testutil.CollectAndCompare(orders, strings.NewReader(`
# HELP varmenne_orders Number of VeroOrders, by phase.
# TYPE varmenne_orders gauge
varmenne_orders{phase="Failed"} 1
varmenne_orders{phase="Issued"} 3
varmenne_orders{phase="Pending"} 0
varmenne_orders{phase="Submitted"} 0
varmenne_orders{phase="Submitting"} 0
`)); err != nil {
			t.Error(err)
		}
	})
	t.Run("a process that is not the one to tell says nothing", func(t *testing.T) {
		if count := testutil.CollectAndCount(collector(nil, nil)); count != 0 {
			t.Errorf("%d values", count)
		}
	})
	t.Run("a count that fails is reported", func(t *testing.T) {
		registry := prometheus.NewPedanticRegistry()
		registry.MustRegister(collector(nil, errors.New("no cache")))
		if _, err := registry.Gather(); err == nil || !strings.Contains(err.Error(), "no cache") {
			t.Errorf("the error is %v", err)
		}
	})
}

func TestNamesAndTexts(t *testing.T) {
	series, registry := newMetrics(t)
	registry.MustRegister(metrics.Orders{Count: func(context.Context) (map[v1alpha1.OrderPhase]int, error) {
		return map[v1alpha1.OrderPhase]int{}, nil
	}})
	series.Submitted(v1alpha1.OperationSignNew)
	series.Polled(v1alpha1.OperationSignNew)
	series.Answered(vero.GetCertificate, nil, time.Second)
	series.Issued(v1alpha1.OperationSignNew, time.Second)
	series.IssuerReady(v1alpha1.KindVeroIssuer, "a", "vero", true)
	problems, err := testutil.GatherAndLint(registry)
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range problems {
		t.Errorf("%s: %s", problem.Metric, problem.Text)
	}
	if count, err := testutil.GatherAndCount(registry); err != nil || count != 11 {
		t.Errorf("%d series, want 11: %v", count, err)
	}
}

func TestRegisteringTwiceFails(t *testing.T) {
	_, registry := newMetrics(t)
	if _, err := metrics.New(registry); err == nil {
		t.Error("no error")
	}
}

func TestFailingRenewals(t *testing.T) {
	const name = "varmenne_failing_renewal_expiry_timestamp_seconds"
	series, registry := newMetrics(t)
	expires := time.Unix(1800000000, 0)
	series.RenewalFailing("tax", "reporting", "reporting-2", "IssuerNotReady", expires)
	series.RenewalFailing("tax", "reporting", "reporting-2", "SubmissionFailing", expires)
	series.RenewalFailing("other", "reporting", "reporting-2", "Denied", expires.Add(time.Hour))
	series.RenewalFailing("tax", "reporting", "reporting-3", "Denied", expires)
	series.RenewalServed("tax", "reporting-3")
	compare(t, registry, `
# HELP varmenne_failing_renewal_expiry_timestamp_seconds When the certificate in use expires, in seconds since 1970, `+
		`for each CertificateRequest that is to replace one and needs attention. There is no series where `+
		`no renewal is failing.
# TYPE varmenne_failing_renewal_expiry_timestamp_seconds gauge
`+name+`{certificate="reporting",namespace="other",reason="Denied",request="reporting-2"} 1.8000036e+09
`+name+`{certificate="reporting",namespace="tax",reason="SubmissionFailing",request="reporting-2"} 1.8e+09
`, name)
	series.RenewalServed("tax", "reporting-2")
	series.RenewalServed("other", "reporting-2")
	if count := testutil.CollectAndCount(registry, name); count != 0 {
		t.Errorf("%d series are left of renewals that are not failing", count)
	}
}
