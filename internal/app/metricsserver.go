package app

import (
	"net/http"

	"github.com/go-logr/logr"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/varmenne/varmenne-issuer/internal/kube/review"
)

// metricsPath is where the metrics are.
const metricsPath = "/metrics"

// metricsServer is plain HTTP for whoever asks, or HTTPS for those whom the API server knows and lets get /metrics.
func (p *Process) metricsServer() metricsserver.Options {
	server := metricsserver.Options{BindAddress: p.MetricsAddress}
	if p.MetricsSecure {
		server.SecureServing = true
		server.CertDir = p.MetricsCertDirectory
		server.FilterProvider = guardMetrics
	}
	return server
}

// guardMetrics takes the place of controller-runtime's own filter, which links the libraries of an API server.
func guardMetrics(connection *rest.Config, access *http.Client) (metricsserver.Filter, error) {
	guard, err := review.New(connection, access, clock.RealClock{})
	if err != nil {
		return nil, err
	}
	return func(log logr.Logger, page http.Handler) (http.Handler, error) {
		return guard.Protect(log, metricsPath, page), nil
	}, nil
}
