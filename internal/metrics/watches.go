package metrics

import "github.com/prometheus/client_golang/prometheus"

// describeWatches makes the series about the kinds that the controller follows. They begin at zero, as those of calls
// do.
func (m *Metrics) describeWatches() {
	m.watchErrors = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "varmenne_watch_errors_total",
		Help: "Failures to list or watch objects of a kind. What changes is not seen until it works again.",
	}, []string{"kind"})
	for _, kind := range []string{
		"CertificateRequest", "VeroIssuer", "VeroClusterIssuer", "VeroOrder",
		"ManualIssuer", "ManualClusterIssuer", "ManualOrder", "TrackedCertificate",
	} {
		m.watchErrors.WithLabelValues(kind)
	}
}

// WatchFailed counts a failure to list or watch objects of a kind.
func (m *Metrics) WatchFailed(kind string) {
	m.watchErrors.WithLabelValues(kind).Inc()
}
