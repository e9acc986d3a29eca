package metrics_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/vero/protocol"
)

func TestCalls(t *testing.T) {
	series, registry := newMetrics(t)
	series.Submitted(v1alpha1.VeroOperationSignNew)
	series.Submitted(v1alpha1.VeroOperationSignNew)
	series.Submitted(v1alpha1.VeroOperationRenew)
	series.Polled(v1alpha1.VeroOperationRenew)
	compare(t, registry, "varmenne_polls_total", map[string]float64{`operation="RenewCertificate"`: 1})
	compare(t, registry, "varmenne_submissions_total", map[string]float64{
		`operation="RenewCertificate"`: 1, `operation="SignNewCertificate"`: 2,
	})
}

func TestResponses(t *testing.T) {
	for claim, c := range map[string]struct {
		err  error
		code string
	}{
		"OK":     {nil, "OK"},
		"a code": {&protocol.ServiceError{Code: protocol.CodeCredentials}, "PKI020"},
		"a wrapped code": {
			fmt.Errorf("call: %w", &protocol.ServiceError{Code: protocol.CodeTechnical}), "PKI099"},
		"an undocumented code":           {&protocol.ServiceError{Code: "PKI777"}, "PKI099"},
		"a code that nobody should say":  {&protocol.ServiceError{Code: "random-0001"}, "PKI099"},
		"a signature that is not right":  {&protocol.UnverifiedError{Err: errors.New("stranger")}, "UntrustedResponse"},
		"a timeout":                      {&protocol.InterruptedError{Timeout: true}, "NoResponse"},
		"a response that is none":        {&protocol.ResponseError{Problem: "odd"}, "NoResponse"},
		"no connection":                  {&protocol.UnreachableError{Host: "h", Err: errors.New("refused")}, "NotProcessed"},
		"a Fault":                        {&protocol.FaultError{Code: "soap:Client"}, "NotProcessed"},
		"a message that cannot be sent":  {&protocol.FieldError{Field: "CustomerName"}, "NotProcessed"},
		"an error of nobody knows where": {errors.New("?"), "NotProcessed"},
	} {
		t.Run(claim, func(t *testing.T) {
			series, registry := newMetrics(t)
			before := testutil.CollectAndCount(registry)
			series.Answered(protocol.GetCertificate, c.err, 250*time.Millisecond)
			compare(t, registry, "varmenne_service_requests_total", map[string]float64{
				fmt.Sprintf(`code=%q,operation="GetCertificate"`, c.code): 1,
			})
			if after := testutil.CollectAndCount(registry); after != before {
				t.Errorf("%d series have become %d: what is counted for the first time cannot be seen to increase", before, after)
			}
		})
	}
}

func TestDurations(t *testing.T) {
	series, registry := newMetrics(t)
	series.Answered(protocol.SignNewCertificate, nil, 300*time.Millisecond)
	series.Issued(v1alpha1.VeroOperationSignNew, 12*time.Second)
	families := must.Get(registry.Gather())(t)
	want := map[string]float64{"varmenne_call_duration_seconds": 0.3, "varmenne_time_to_issue_seconds": 12}
	for _, family := range families {
		sum, histogram := want[family.GetName()]
		if !histogram {
			continue
		}
		delete(want, family.GetName())
		last := family.GetMetric()[len(family.GetMetric())-1] // SignNewCertificate
		if got := last.GetHistogram(); got.GetSampleSum() != sum || got.GetSampleCount() != 1 {
			t.Errorf("%s: sum %v of %d", family.GetName(), got.GetSampleSum(), got.GetSampleCount())
		}
	}
	if len(want) > 0 {
		t.Errorf("not found: %v", want)
	}
}
