// Package metrics holds every time series of varmenne-issuer, so that the documentation, alerts and dashboards have
// one place to look. No label ever carries a secret, and the name of an object only where somebody has to look at it:
// an issuer, or a renewal that is failing.
package metrics

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/vero"
)

// Results of a call that are not codes of the service.
const (
	resultOK           = "OK"
	resultNoAnswer     = "NoAnswer"
	resultUntrusted    = "UntrustedAnswer"
	resultNotProcessed = "NotProcessed"
)

// Metrics are the series of one controller process.
type Metrics struct {
	submissions *prometheus.CounterVec
	polls       *prometheus.CounterVec
	answers     *prometheus.CounterVec
	latency     *prometheus.HistogramVec
	timeToIssue *prometheus.HistogramVec
	ready       *prometheus.GaugeVec
	failing     *prometheus.GaugeVec
}

// New makes the series and registers them.
func New(registerer prometheus.Registerer) (*Metrics, error) {
	m := &Metrics{
		submissions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "varmenne_submissions_total",
			Help: "Requests for a certificate that were sent to the certificate service, by operation.",
		}, []string{"operation"}),
		polls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "varmenne_polls_total",
			Help: "GetCertificate calls, by the operation that started the certificate.",
		}, []string{"operation"}),
		answers: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "varmenne_answers_total",
			Help: "Ends of calls, by operation and result: OK, a code of the service, UntrustedAnswer, NoAnswer " +
				"(it may have been processed) or NotProcessed (it cannot).",
		}, []string{"operation", "result"}),
		latency: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "varmenne_call_duration_seconds",
			Help:    "Duration of calls to the certificate service in seconds, by operation.",
			Buckets: prometheus.ExponentialBuckets(0.01, 2.5, 10),
		}, []string{"operation"}),
		timeToIssue: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "varmenne_time_to_issue_seconds",
			Help:    "Time from the creation of a VeroOrder to its certificate in seconds, by operation.",
			Buckets: []float64{5, 10, 15, 20, 30, 60, 120, 300, 900, 3600, 6 * 3600, 24 * 3600, 72 * 3600},
		}, []string{"operation"}),
		ready: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "varmenne_issuer_ready",
			Help: "1 while the issuer is Ready, else 0.",
		}, []string{"kind", "namespace", "name"}),
		failing: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "varmenne_failing_renewal_expiry_timestamp_seconds",
			Help: "When the certificate in use expires, in seconds since 1970, for each CertificateRequest that is to " +
				"replace one and needs attention. There is no series where no renewal is failing.",
		}, []string{"namespace", "certificate", "request", "reason"}),
	}
	return m, errors.Join(
		registerer.Register(m.submissions), registerer.Register(m.polls), registerer.Register(m.answers),
		registerer.Register(m.latency), registerer.Register(m.timeToIssue), registerer.Register(m.ready),
		registerer.Register(m.failing))
}

// Submitted counts a request for a certificate.
func (m *Metrics) Submitted(operation v1alpha1.Operation) {
	m.submissions.WithLabelValues(string(operation)).Inc()
}

// Polled counts a GetCertificate.
func (m *Metrics) Polled(operation v1alpha1.Operation) {
	m.polls.WithLabelValues(string(operation)).Inc()
}

// Answered counts the end of a call and observes how long it took.
func (m *Metrics) Answered(operation vero.Operation, err error, took time.Duration) {
	m.answers.WithLabelValues(string(operation), resultOf(err)).Inc()
	m.latency.WithLabelValues(string(operation)).Observe(took.Seconds())
}

// resultOf keeps the label's values few: a code that the service has not documented counts as its technical error.
func resultOf(err error) string {
	if err == nil {
		return resultOK
	}
	if refusal, isRefusal := errors.AsType[*vero.ServiceError](err); isRefusal {
		if _, known := refusal.Meaning(); known {
			return string(refusal.Code)
		}
		return string(vero.CodeTechnical)
	}
	if _, isUnverified := errors.AsType[*vero.UnverifiedError](err); isUnverified {
		return resultUntrusted
	}
	if failure, isCall := errors.AsType[vero.CallError](err); isCall && failure.MayHaveBeenProcessed() {
		return resultNoAnswer
	}
	return resultNotProcessed
}

// Issued observes how long an order took from its creation to its certificate.
func (m *Metrics) Issued(operation v1alpha1.Operation, took time.Duration) {
	m.timeToIssue.WithLabelValues(string(operation)).Observe(took.Seconds())
}

// IssuerReady sets whether an issuer is ready.
func (m *Metrics) IssuerReady(kind, namespace, name string, ready bool) {
	value := 0.0
	if ready {
		value = 1
	}
	m.ready.WithLabelValues(kind, namespace, name).Set(value)
}

// IssuerGone forgets an issuer.
func (m *Metrics) IssuerGone(kind, namespace, name string) {
	m.ready.DeleteLabelValues(kind, namespace, name)
}

// RenewalFailing sets when the certificate expires that a request is to replace, and why it does not.
func (m *Metrics) RenewalFailing(namespace, certificate, request, reason string, expires time.Time) {
	m.RenewalServed(namespace, request) // the reason may be another than before
	m.failing.WithLabelValues(namespace, certificate, request, reason).Set(float64(expires.Unix()))
}

// RenewalServed forgets a request whose renewal was failing.
func (m *Metrics) RenewalServed(namespace, request string) {
	m.failing.DeletePartialMatch(prometheus.Labels{"namespace": namespace, "request": request})
}

// Orders is a collector of varmenne_orders: the number of VeroOrders by phase, counted when it is asked for, so that
// it is right after a restart and after every deletion.
type Orders struct {
	// Count returns the number of orders in each phase, nil where this process is not the one to tell.
	Count func(context.Context) (map[v1alpha1.OrderPhase]int, error)
}

func ordersDescription() *prometheus.Desc {
	return prometheus.NewDesc("varmenne_orders", "Number of VeroOrders, by phase.", []string{"phase"}, nil)
}

// Describe implements prometheus.Collector.
func (Orders) Describe(descriptions chan<- *prometheus.Desc) { descriptions <- ordersDescription() }

// Collect implements prometheus.Collector. Every phase has a value, so that an alert on zero has something to read.
func (o Orders) Collect(collected chan<- prometheus.Metric) {
	description := ordersDescription()
	counts, err := o.Count(context.Background())
	if err != nil {
		collected <- prometheus.NewInvalidMetric(description, err)
		return
	}
	if counts == nil {
		return
	}
	for _, phase := range []v1alpha1.OrderPhase{v1alpha1.PhasePending, v1alpha1.PhaseSubmitting,
		v1alpha1.PhaseSubmitted, v1alpha1.PhaseIssued, v1alpha1.PhaseFailed} {
		collected <- prometheus.MustNewConstMetric(
			description, prometheus.GaugeValue, float64(counts[phase]), string(phase))
	}
}
