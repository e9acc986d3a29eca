package recording

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/storage"
)

// exposition is what the controllers' metrics server answers with.
const exposition = "text/plain; version=0.0.4"

// up is the series with which Prometheus says whether a target has answered.
const up = "up"

// Scrape reads a target and records its series as of now, as Prometheus does: with the labels of the target where the
// series have none of their own (honorLabels: true), and with a mark where a series has ended.
func (r *Recording) Scrape(ctx context.Context, target Target, now time.Time) error {
	now = now.Truncate(time.Millisecond)
	if r.Start.IsZero() {
		r.Start = now
	}
	r.End = now
	text, err := target.Read(ctx)
	appender := r.DB.Appender(ctx)
	seen, failure := r.append(appender, target, text, now)
	alive := 1.0
	if err != nil {
		alive = 0
	}
	_, reported := appender.Append(0, with(labels.FromStrings(model.MetricNameLabel, up), target), now.UnixMilli(), alive)
	if failure = errors.Join(failure, reported); failure != nil {
		return errors.Join(failure, appender.Rollback())
	}
	key := target.Labels.String()
	for hash, series := range r.seen[key] {
		if _, still := seen[hash]; still {
			continue
		}
		stale := math.Float64frombits(value.StaleNaN)
		if _, err := appender.Append(0, series, now.UnixMilli(), stale); err != nil {
			return errors.Join(fmt.Errorf("end %s: %w", series, err), appender.Rollback())
		}
	}
	r.seen[key] = seen
	return appender.Commit()
}

// append records what a target has said.
func (*Recording) append(
	appender storage.Appender, target Target, text string, now time.Time,
) (map[uint64]labels.Labels, error) {
	seen := map[uint64]labels.Labels{}
	parser, err := textparse.New([]byte(text), exposition, nil, textparse.ParserOptions{})
	if err != nil {
		return nil, err
	}
	for {
		entry, err := parser.Next()
		switch {
		case errors.Is(err, io.EOF):
			return seen, nil
		case err != nil:
			return nil, fmt.Errorf("read the metrics of %s: %w", target.Labels, err)
		case entry != textparse.EntrySeries:
			continue
		}
		var own labels.Labels
		parser.Labels(&own)
		series := with(own, target)
		_, _, number := parser.Series()
		if _, err := appender.Append(0, series, now.UnixMilli(), number); err != nil {
			return nil, fmt.Errorf("record %s: %w", series, err)
		}
		seen[series.Hash()] = series
	}
}

// with adds the labels of a target to those of a series.
func with(own labels.Labels, target Target) labels.Labels {
	builder := labels.NewBuilder(own)
	target.Labels.Range(func(label labels.Label) {
		if !own.Has(label.Name) {
			builder.Set(label.Name, label.Value)
		}
	})
	return builder.Labels()
}
