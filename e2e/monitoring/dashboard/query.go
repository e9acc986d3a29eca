package dashboard

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"

	"github.com/varmenne/varmenne-issuer/e2e/monitoring/recording"
)

// Choice is what a user has chosen.
type Choice struct {
	// Namespace is the value of the variable namespace: a regular expression.
	Namespace string
	// RateInterval is what Grafana makes of how often Prometheus asks: four times that.
	RateInterval time.Duration
	// Step is the distance of the points of a graph.
	Step time.Duration
}

// All shows everything, of a recording with a scrape each second.
func (d *Dashboard) All() Choice {
	choice := Choice{RateInterval: 10 * time.Second, Step: time.Second}
	for _, variable := range d.Templating.List {
		if variable.Name == "namespace" {
			choice.Namespace = variable.AllValue
		}
	}
	return choice
}

// Expression is the query of a target with the variables replaced. One that is not known stays, and is no PromQL.
func (c Choice) Expression(target Target) string {
	return strings.NewReplacer(
		"$namespace", c.Namespace, "$__rate_interval", fmt.Sprintf("%ds", int(c.RateInterval.Seconds())),
	).Replace(target.Expr)
}

// Value is a value as of now, with its name in the legend.
type Value struct {
	Legend string
	Labels labels.Labels
	Value  float64
}

// Values asks a target for what is now.
func (c Choice) Values(ctx context.Context, from *recording.Recording, target Target) ([]Value, error) {
	vector, err := from.At(ctx, c.Expression(target))
	if err != nil {
		return nil, err
	}
	values := make([]Value, 0, len(vector))
	for _, sample := range vector {
		values = append(values, Value{Legend: legend(target, sample.Metric), Labels: sample.Metric, Value: sample.F})
	}
	return values, nil
}

// Line is a line of a graph.
type Line struct {
	Legend string
	Points []promql.FPoint
}

// Lines asks a target for what was.
func (c Choice) Lines(ctx context.Context, from *recording.Recording, target Target) ([]Line, error) {
	matrix, err := from.Over(ctx, c.Expression(target), c.Step)
	if err != nil {
		return nil, err
	}
	lines := make([]Line, 0, len(matrix))
	for _, series := range matrix {
		lines = append(lines, Line{Legend: legend(target, series.Metric), Points: series.Floats})
	}
	return lines, nil
}

var placeholder = regexp.MustCompile(`{{\s*(\w+)\s*}}`)

// legend replaces {{label}} by its value.
func legend(target Target, of labels.Labels) string {
	if target.Legend == "" {
		return of.String()
	}
	return placeholder.ReplaceAllStringFunc(target.Legend, func(match string) string {
		return of.Get(placeholder.FindStringSubmatch(match)[1])
	})
}
