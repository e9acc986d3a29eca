package app

import (
	metricsfilters "sigs.k8s.io/controller-runtime/pkg/metrics/filters"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
)

// metricsServer is plain HTTP for whoever asks, or HTTPS for those whom the API server knows and lets get /metrics.
func (p *Process) metricsServer() metricsserver.Options {
	server := metricsserver.Options{BindAddress: p.MetricsAddress}
	if p.MetricsSecure {
		server.SecureServing = true
		server.CertDir = p.MetricsCertDirectory
		server.FilterProvider = metricsfilters.WithAuthenticationAndAuthorization
	}
	return server
}
