// The definitions of the Prometheus operator, with which the chart's monitors and rules are checked. Nothing here is
// compiled: the module only pins what is downloaded, in place of `go mod tidy`, which would drop it.
module github.com/varmenne/varmenne-issuer/e2e/chart/definitions

go 1.26.0

require github.com/prometheus-operator/prometheus-operator v0.85.0
