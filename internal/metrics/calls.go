package metrics

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/vero/protocol"
)

// Results of a call that are not codes of the service.
const (
	codeOK           = "OK"
	codeNoResponse   = "NoResponse"
	codeUntrusted    = "UntrustedResponse"
	codeNotProcessed = "NotProcessed"
)

// describeCalls makes the series about calls to the service. They begin at nought: of a counter that begins at one,
// with the first call of its kind, nobody could see that it has increased.
func (m *Metrics) describeCalls() {
	m.submissions = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "varmenne_submissions_total",
		Help: "Requests for a certificate that were sent to the certificate service, by operation.",
	}, []string{"operation"})
	m.polls = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "varmenne_polls_total",
		Help: "GetCertificate calls, by the operation that started the certificate.",
	}, []string{"operation"})
	m.responses = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "varmenne_service_requests_total",
		Help: "Ends of calls, by operation and code: OK, a code of the service, UntrustedResponse, NoResponse " +
			"(it may have been processed) or NotProcessed (it cannot).",
	}, []string{"operation", "code"})
	m.latency = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "varmenne_call_duration_seconds",
		Help:    "Duration of calls to the certificate service in seconds, by operation.",
		Buckets: prometheus.ExponentialBuckets(0.01, 2.5, 10),
	}, []string{"operation"})
	m.timeToIssue = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "varmenne_time_to_issue_seconds",
		Help:    "Time from the creation of a VeroOrder to its certificate in seconds, by operation.",
		Buckets: []float64{5, 10, 15, 20, 30, 60, 120, 300, 900, 3600, 6 * 3600, 24 * 3600, 72 * 3600},
	}, []string{"operation"})
	for _, operation := range []v1alpha1.VeroOperation{v1alpha1.VeroOperationSignNew, v1alpha1.VeroOperationRenew} {
		m.submissions.WithLabelValues(string(operation))
		m.polls.WithLabelValues(string(operation))
		m.timeToIssue.WithLabelValues(string(operation))
	}
	for _, operation := range protocol.Operations() {
		m.latency.WithLabelValues(string(operation))
		for _, code := range codes() {
			m.responses.WithLabelValues(string(operation), code)
		}
	}
}

// codes are all that a call can end with.
func codes() []string {
	codes := protocol.Codes()
	all := make([]string, 0, len(codes))
	for _, meaning := range codes {
		all = append(all, string(meaning.Code))
	}
	return append(all, codeOK, codeNoResponse, codeUntrusted, codeNotProcessed)
}

// Submitted counts a request for a certificate.
func (m *Metrics) Submitted(operation v1alpha1.VeroOperation) {
	m.submissions.WithLabelValues(string(operation)).Inc()
}

// Polled counts a GetCertificate.
func (m *Metrics) Polled(operation v1alpha1.VeroOperation) {
	m.polls.WithLabelValues(string(operation)).Inc()
}

// Answered counts the end of a call and observes how long it took.
func (m *Metrics) Answered(operation protocol.Operation, err error, took time.Duration) {
	m.responses.WithLabelValues(string(operation), codeOf(err)).Inc()
	m.latency.WithLabelValues(string(operation)).Observe(took.Seconds())
}

// codeOf keeps the label's values few: a code that the service has not documented counts as its technical error.
func codeOf(err error) string {
	if err == nil {
		return codeOK
	}
	if refusal, isRefusal := errors.AsType[*protocol.ServiceError](err); isRefusal {
		if _, known := refusal.Meaning(); known {
			return string(refusal.Code)
		}
		return string(protocol.CodeTechnical)
	}
	if unverified, is := errors.AsType[*protocol.UnverifiedError](err); is && unverified.Damage() == nil {
		return codeUntrusted
	}
	if failure, isCall := errors.AsType[protocol.CallError](err); isCall && failure.MayHaveBeenProcessed() {
		return codeNoResponse
	}
	return codeNotProcessed
}

// Issued observes how long an order took from its creation to its certificate.
func (m *Metrics) Issued(operation v1alpha1.VeroOperation, took time.Duration) {
	m.timeToIssue.WithLabelValues(string(operation)).Observe(took.Seconds())
}
