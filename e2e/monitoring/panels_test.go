package monitoring_test

import (
	"regexp"
	"testing"

	"github.com/prometheus/prometheus/promql"

	"github.com/varmenne/varmenne-issuer/e2e/monitoring/dashboard"
	"github.com/varmenne/varmenne-issuer/e2e/monitoring/recording"
)

// theDashboard is the one that the chart ships, and its panels without the titles of rows.
func theDashboard(t *testing.T) (*dashboard.Dashboard, []*dashboard.Panel) {
	t.Helper()
	board, err := dashboard.Read(root)
	if err != nil {
		t.Fatal(err)
	}
	var panels []*dashboard.Panel
	for i := range board.Panels {
		if board.Panels[i].Type != dashboard.Row {
			panels = append(panels, &board.Panels[i])
		}
	}
	return board, panels
}

// TestEveryPanelHasData: what the scenarios let happen shows in every panel.
func TestEveryPanelHasData(t *testing.T) {
	board, panels := theDashboard(t)
	asked := asking{recorded: shared.Get(t).recording, choice: board.All()}
	for _, panel := range panels {
		t.Run(panel.Title, func(t *testing.T) {
			for _, target := range panel.Targets {
				if target.Instant {
					asked.value(t, target)
				} else {
					asked.line(t, target)
				}
			}
			if panel.Type == dashboard.Table {
				asked.columns(t, panel)
			}
		})
	}
}

// asking asks the recording what a user of the dashboard has asked for.
type asking struct {
	recorded *recording.Recording
	choice   dashboard.Choice
}

// value fails the test unless there is something to show other than the zero that stands for nothing.
func (a asking) value(t *testing.T, target dashboard.Target) {
	t.Helper()
	values, err := a.choice.Values(t.Context(), a.recorded, target)
	if err != nil {
		t.Fatal(err)
	}
	if len(values) == 0 || (len(values) == 1 && values[0].Labels.IsEmpty() && values[0].Value == 0) {
		t.Errorf("there is nothing to show for %s: %v", target.Expr, values)
	}
}

// line fails the test unless there is a line with a name.
func (a asking) line(t *testing.T, target dashboard.Target) {
	t.Helper()
	lines, err := a.choice.Lines(t.Context(), a.recorded, target)
	if err != nil {
		t.Fatal(err)
	}
	longest := 0
	for _, line := range lines {
		longest = max(longest, len(line.Points))
		if line.Legend == "" || line.Legend == "{}" {
			t.Errorf("a line of %s has no name in its legend", target.Expr)
		}
	}
	if longest < 2 {
		t.Errorf("there is no line to draw for %s", target.Expr)
	}
}

// columns fails the test if a column of a table is empty.
func (a asking) columns(t *testing.T, panel *dashboard.Panel) {
	t.Helper()
	sheet, err := a.choice.Sheet(t.Context(), a.recorded, panel)
	if err != nil {
		t.Fatal(err)
	}
	for _, column := range sheet.Columns {
		filled := column.IsValue()
		for _, row := range sheet.Rows {
			filled = filled || row[column.Name] != ""
		}
		if !filled {
			t.Errorf("the column %s is empty", column.Title)
		}
	}
}

// TestOneNamespaceCanBeChosen: each that the variable offers has something to show, and only that.
func TestOneNamespaceCanBeChosen(t *testing.T) {
	board, panels := theDashboard(t)
	recorded := shared.Get(t).recording
	offered := valuesOf(t, board, recorded)
	for _, scenario := range scenarios() {
		if !offered[scenario.namespace] {
			t.Errorf("the namespace %s is not offered", scenario.namespace)
		}
	}
	choice := board.All()
	choice.Namespace = "customs"
	for _, panel := range panels {
		for _, target := range panel.Targets {
			values, err := choice.Values(t.Context(), recorded, target)
			if err != nil {
				t.Fatal(err)
			}
			for _, value := range values {
				if namespace := value.Labels.Get("namespace"); offered[namespace] && namespace != choice.Namespace {
					t.Errorf("panel %q shows %s", panel.Title, value.Labels)
				}
			}
		}
	}
}

var labelValues = regexp.MustCompile(`^label_values\((.*), (\w+)\)$`)

// valuesOf are the values that the variable namespace offers.
func valuesOf(t *testing.T, board *dashboard.Dashboard, recorded *recording.Recording) map[string]bool {
	t.Helper()
	offered := map[string]bool{}
	for _, variable := range board.Templating.List {
		if variable.Name != "namespace" {
			continue
		}
		parts := labelValues.FindStringSubmatch(variable.Definition)
		if parts == nil {
			t.Fatalf("the query of the variable is %s", variable.Definition)
		}
		var found promql.Vector
		found, err := recorded.At(t.Context(), parts[1])
		if err != nil {
			t.Fatal(err)
		}
		for _, sample := range found {
			offered[sample.Metric.Get(parts[2])] = true
		}
	}
	return offered
}

func TestPanelsAskTheChosenPrometheusAndLieSideBySide(t *testing.T) {
	const columns, prometheus = 24, "${datasource}"
	board, panels := theDashboard(t)
	taken, ids := map[[2]int]string{}, map[int]bool{}
	for i := range board.Panels {
		panel := &board.Panels[i]
		if ids[panel.ID] {
			t.Errorf("the id of panel %q is that of another one, too", panel.Title)
		}
		ids[panel.ID] = true
		place := panel.Place
		for x := place.X; x < place.X+place.W; x++ {
			for y := place.Y; y < place.Y+place.H; y++ {
				if other := taken[[2]int{x, y}]; other != "" || x >= columns {
					t.Fatalf("panel %q lies over %q, or beside the page", panel.Title, other)
				}
				taken[[2]int{x, y}] = panel.Title
			}
		}
	}
	for _, panel := range panels {
		if panel.Datasource.UID != prometheus || len(panel.Targets) == 0 {
			t.Errorf("panel %q asks %q %d queries", panel.Title, panel.Datasource.UID, len(panel.Targets))
		}
		for _, target := range panel.Targets {
			if target.Datasource.UID != prometheus {
				t.Errorf("panel %q asks %q", panel.Title, target.Datasource.UID)
			}
		}
	}
}
