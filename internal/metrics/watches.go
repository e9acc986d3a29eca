package metrics

import "github.com/prometheus/client_golang/prometheus"

// watches are the series about the kinds that a process follows. They begin at zero, as those of calls do.
type watches struct{ errors *prometheus.CounterVec }

func describeWatches(kinds ...string) watches {
	w := watches{prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "varmenne_watch_errors_total",
		Help: "Failures to list or watch objects of a kind. What changes is not seen until it works again.",
	}, []string{"kind"})}
	for _, kind := range kinds {
		w.errors.WithLabelValues(kind)
	}
	return w
}

// WatchFailed counts a failure to list or watch objects of a kind.
func (w watches) WatchFailed(kind string) {
	w.errors.WithLabelValues(kind).Inc()
}
