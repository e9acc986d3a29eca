// Package dashboard reads the Grafana dashboard that the chart ships, as far as it is needed to ask its queries.
package dashboard

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// File is where the dashboard is, below the root of the repository.
const File = "charts/varmenne-issuer/files/dashboard.json"

// Kinds of panels.
const (
	Row        = "row"
	Stat       = "stat"
	Table      = "table"
	BarGauge   = "bargauge"
	TimeSeries = "timeseries"
)

// kinds are those that the tests know how to ask.
var kinds = []string{Row, Stat, Table, BarGauge, TimeSeries}

// Dashboard is a Grafana dashboard.
type Dashboard struct {
	Panels     []Panel `json:"panels"`
	Templating struct {
		List []Variable `json:"list"`
	} `json:"templating"`
}

// Variable is what a user chooses at the top of a dashboard.
type Variable struct {
	Name string `json:"name"`
	// Definition is the query of a variable of the type query.
	Definition string `json:"definition"`
	// AllValue stands for all values.
	AllValue string `json:"allValue"`
}

// Panel is a panel, or the title of a row of them.
type Panel struct {
	ID              int              `json:"id"`
	Type            string           `json:"type"`
	Title           string           `json:"title"`
	Place           Place            `json:"gridPos"`
	Datasource      Datasource       `json:"datasource"`
	Targets         []Target         `json:"targets"`
	Transformations []Transformation `json:"transformations"`
}

// Place is where a panel is, in a grid of 24 columns.
type Place struct {
	X int `json:"x"`
	Y int `json:"y"`
	W int `json:"w"`
	H int `json:"h"`
}

// Datasource is whom a panel asks.
type Datasource struct {
	UID string `json:"uid"`
}

// Target is a query of a panel.
type Target struct {
	Datasource Datasource `json:"datasource"`
	Expr       string     `json:"expr"`
	Legend     string     `json:"legendFormat"`
	Instant    bool       `json:"instant"`
}

// Transformation changes a table before it is shown.
type Transformation struct {
	ID      string `json:"id"`
	Options struct {
		Exclude map[string]bool   `json:"excludeByName"`
		Index   map[string]int    `json:"indexByName"`
		Rename  map[string]string `json:"renameByName"`
	} `json:"options"`
}

// Read reads the dashboard below the root of the repository. A panel of a kind that is not known is an error.
func Read(root string) (*Dashboard, error) {
	content, err := os.ReadFile(filepath.Join(root, File))
	if err != nil {
		return nil, err
	}
	read := &Dashboard{}
	if err := json.Unmarshal(content, read); err != nil {
		return nil, fmt.Errorf("read %s: %w", File, err)
	}
	for i := range read.Panels {
		if panel := &read.Panels[i]; !slices.Contains(kinds, panel.Type) {
			return nil, fmt.Errorf("read %s: panel %q is of the kind %s, which is not known", File, panel.Title, panel.Type)
		}
	}
	return read, nil
}
