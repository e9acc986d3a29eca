package metrics

import (
	"strings"

	"github.com/prometheus/client_golang/prometheus"
)

// groups are values for objects that have the same labels: how many there are, and when the oldest of them was made.
// Thousands may wait for the same, and a series for each would be most of what a scrape reads.
type groups map[string]*group

type group struct {
	labels []string
	number float64
	oldest float64
}

// add counts an object that was made at a time.
func (g groups) add(made float64, labels ...string) {
	key := strings.Join(labels, "\x00")
	found := g[key]
	if found == nil {
		found = &group{labels: labels, oldest: made}
		g[key] = found
	}
	found.number++
	found.oldest = min(found.oldest, made)
}

// collect tells of each group in a series or two; none where there is no description.
func (g groups) collect(number, oldest *prometheus.Desc, collected chan<- prometheus.Metric) {
	for _, group := range g {
		if number != nil {
			collected <- prometheus.MustNewConstMetric(number, prometheus.GaugeValue, group.number, group.labels...)
		}
		if oldest != nil {
			collected <- prometheus.MustNewConstMetric(oldest, prometheus.GaugeValue, group.oldest, group.labels...)
		}
	}
}
