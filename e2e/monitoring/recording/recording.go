// Package recording is a Prometheus in small: it reads the metrics of processes and keeps them in Prometheus' own
// database, where Prometheus' own engine can be asked about them.
package recording

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/tsdb"
)

const (
	// lookback, timeout and samples are Prometheus' own limits.
	lookback = 5 * time.Minute
	timeout  = 2 * time.Minute
	samples  = 50_000_000
)

// Target is what is scraped.
type Target struct {
	// Labels are those that a ServiceMonitor gives to the target: job, instance, namespace and pod.
	Labels labels.Labels
	// Read returns its metrics as text.
	Read func(context.Context) (string, error)
}

// Recording holds what was scraped. It is for one goroutine at a time.
type Recording struct {
	// DB is Prometheus' database.
	DB *tsdb.DB
	// Engine evaluates queries.
	Engine *promql.Engine
	// Start and End are the times of the first and the last scrape.
	Start, End time.Time

	// seen are the series that each target had when it was last scraped.
	seen map[string]map[uint64]labels.Labels
}

// Open makes a recording in a directory.
func Open(directory string) (*Recording, error) {
	options := tsdb.DefaultOptions()
	options.RetentionDuration = 0 // The recording has an end.
	db, err := tsdb.Open(directory, slog.New(slog.DiscardHandler), nil, options, nil)
	if err != nil {
		return nil, fmt.Errorf("open a recording: %w", err)
	}
	engine := promql.NewEngine(promql.EngineOpts{
		MaxSamples: samples, Timeout: timeout, LookbackDelta: lookback, EnableAtModifier: true,
		Parser: parser.NewParser(parser.Options{}),
	})
	return &Recording{DB: db, Engine: engine, seen: map[string]map[uint64]labels.Labels{}}, nil
}

// Close closes it.
func (r *Recording) Close() error { return errors.Join(r.Engine.Close(), r.DB.Close()) }

// At evaluates a query at the end of the recording.
func (r *Recording) At(ctx context.Context, expression string) (promql.Vector, error) {
	query, err := r.Engine.NewInstantQuery(ctx, r.DB, nil, expression, r.End)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", expression, err)
	}
	defer query.Close()
	result := query.Exec(ctx)
	vector, err := result.Vector()
	if err != nil {
		return nil, fmt.Errorf("evaluate %s: %w", expression, err)
	}
	return append(promql.Vector(nil), vector...), nil
}

// Over evaluates a query over the whole recording.
func (r *Recording) Over(ctx context.Context, expression string, step time.Duration) (promql.Matrix, error) {
	query, err := r.Engine.NewRangeQuery(ctx, r.DB, nil, expression, r.Start, r.End, step)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", expression, err)
	}
	defer query.Close()
	matrix, err := query.Exec(ctx).Matrix()
	if err != nil {
		return nil, fmt.Errorf("evaluate %s: %w", expression, err)
	}
	copied := make(promql.Matrix, 0, len(matrix))
	for _, series := range matrix {
		series.Floats = append([]promql.FPoint(nil), series.Floats...) // The query takes them back.
		copied = append(copied, series)
	}
	return copied, nil
}

// Names are the names of all series.
func (r *Recording) Names(ctx context.Context) (map[string]bool, error) {
	querier, err := r.DB.Querier(r.Start.UnixMilli(), r.End.UnixMilli())
	if err != nil {
		return nil, err
	}
	defer querier.Close()
	found, _, err := querier.LabelValues(ctx, model.MetricNameLabel, nil)
	names := map[string]bool{}
	for _, name := range found {
		names[name] = true
	}
	return names, err
}
