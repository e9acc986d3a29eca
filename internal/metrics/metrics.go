// Package metrics holds every time series of varmenne-issuer, so that the documentation, alerts and dashboards have
// one place to look. No label ever carries a secret, and the name of an object only where somebody has to look at it:
// an issuer, or what is not finished.
//
// The series about objects come from the replica that works alone: the others reconcile nothing, and a replica that
// loses the lease ends. So they can be added up, and none is counted twice.
package metrics

import (
	"errors"
	"runtime"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics are the series of one controller process.
type Metrics struct {
	watches

	submissions *prometheus.CounterVec
	polls       *prometheus.CounterVec
	responses   *prometheus.CounterVec
	latency     *prometheus.HistogramVec
	timeToIssue *prometheus.HistogramVec
	ready       *state
	checks      *state
	unserved    *requests
	failing     *state
	credentials *state
}

// New makes the series and registers them.
func New(registerer prometheus.Registerer) (*Metrics, error) {
	m := &Metrics{watches: describeWatches("CertificateRequest", "VeroIssuer", "VeroClusterIssuer", "VeroOrder",
		"ManualIssuer", "ManualClusterIssuer", "ManualOrder", "TrackedCertificate")}
	m.describeCalls()
	m.describeObjects()
	return m, errors.Join(
		registerer.Register(m.errors),
		registerer.Register(m.submissions), registerer.Register(m.polls), registerer.Register(m.responses),
		registerer.Register(m.latency), registerer.Register(m.timeToIssue), registerer.Register(m.ready),
		registerer.Register(m.checks), registerer.Register(m.unserved), registerer.Register(m.failing),
		registerer.Register(m.credentials))
}

// The processes that varmenne_build_info tells of, as their Pods name them in app.kubernetes.io/component.
const (
	ComponentController = "controller"
	ComponentMessages   = "messages"
)

// BuildInfo is a collector of varmenne_build_info: which program a replica runs, and as which of the components.
func BuildInfo(component, version, commit string) prometheus.Collector {
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "varmenne_build_info",
		Help: "1, with the component that the replica is of, and the version, commit and Go version that it was built from.",
		ConstLabels: prometheus.Labels{
			"component": component, "version": version, "commit": commit, "go_version": runtime.Version(),
		},
	})
	info.Set(1)
	return info
}
