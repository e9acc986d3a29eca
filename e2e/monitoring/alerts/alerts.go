// Package alerts reads the alerts that the chart ships, and evaluates them with Prometheus' own code.
package alerts

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"time"

	"github.com/prometheus/common/promslog"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/rules"
	"github.com/prometheus/prometheus/storage"
)

// File is where the alerts are, below the root of the repository.
const File = "charts/varmenne-issuer/files/rules.yaml"

// Alert is an alert that remembers, from one evaluation to the next, since when it is active.
type Alert struct {
	*rules.AlertingRule

	query rules.QueryFunc
}

// Load reads the alerts below the root of the repository. They are evaluated on the given data.
func Load(root string, engine *promql.Engine, data storage.Queryable) ([]*Alert, error) {
	query := rules.EngineQueryFunc(engine, data)
	manager := rules.NewManager(&rules.ManagerOptions{
		QueryFunc: query, Queryable: data, Context: context.Background(), Logger: promslog.NewNopLogger(),
		NotifyFunc: func(context.Context, string, ...*rules.Alert) {},
	})
	groups, failures := manager.LoadGroups(
		time.Minute, labels.EmptyLabels(), "", nil, false, filepath.Join(root, File))
	if len(failures) > 0 {
		return nil, errors.Join(failures...)
	}
	var alerts []*Alert
	for _, group := range groups {
		for _, rule := range group.Rules() {
			alert, isAlert := rule.(*rules.AlertingRule)
			if !isAlert {
				return nil, fmt.Errorf("%s is no alert", rule.Name())
			}
			alerts = append(alerts, &Alert{AlertingRule: alert, query: query})
		}
	}
	return alerts, nil
}

// Firing evaluates the alert at a time, which must not be earlier than the last one, and returns what fires.
func (a *Alert) Firing(ctx context.Context, now time.Time) ([]*rules.Alert, error) {
	if _, err := a.Eval(ctx, 0, now, a.query, &url.URL{}, 0); err != nil {
		return nil, fmt.Errorf("evaluate %s: %w", a.Name(), err)
	}
	var firing []*rules.Alert
	for _, alert := range a.ActiveAlerts() {
		if alert.State == rules.StateFiring {
			firing = append(firing, alert)
		}
	}
	return firing, nil
}
