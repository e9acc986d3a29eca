// Package dashboard reads the Grafana dashboard that the chart ships, as far as it is needed to ask its queries and to
// draw it.
package dashboard

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
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

// Dashboard is a Grafana dashboard.
type Dashboard struct {
	UID        string  `json:"uid"`
	Title      string  `json:"title"`
	Panels     []Panel `json:"panels"`
	Templating struct {
		List []Variable `json:"list"`
	} `json:"templating"`
}

// Variable is what a user chooses at the top of a dashboard.
type Variable struct {
	Name  string `json:"name"`
	Label string `json:"label"`
	Type  string `json:"type"`
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
	Description     string           `json:"description"`
	Place           Place            `json:"gridPos"`
	Datasource      Datasource       `json:"datasource"`
	Targets         []Target         `json:"targets"`
	Field           FieldConfig      `json:"fieldConfig"`
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
	Type string `json:"type"`
	UID  string `json:"uid"`
}

// Target is a query of a panel.
type Target struct {
	RefID      string     `json:"refId"`
	Datasource Datasource `json:"datasource"`
	Expr       string     `json:"expr"`
	Legend     string     `json:"legendFormat"`
	Instant    bool       `json:"instant"`
}

// FieldConfig is how values are shown.
type FieldConfig struct {
	Defaults  Field `json:"defaults"`
	Overrides []struct {
		Matcher struct {
			ID      string `json:"id"`
			Options string `json:"options"`
		} `json:"matcher"`
		Properties []struct {
			ID    string          `json:"id"`
			Value json.RawMessage `json:"value"`
		} `json:"properties"`
	} `json:"overrides"`
}

// Field is how a value is shown.
type Field struct {
	Unit       string     `json:"unit"`
	Max        *float64   `json:"max"`
	Decimals   *int       `json:"decimals"`
	Thresholds Thresholds `json:"thresholds"`
	Custom     struct {
		Stacking struct {
			Mode string `json:"mode"`
		} `json:"stacking"`
	} `json:"custom"`
}

// Thresholds are the colours of values.
type Thresholds struct {
	Steps []struct {
		Color string `json:"color"`
		// Value from which on it is that colour; nil for the first.
		Value *float64 `json:"value"`
	} `json:"steps"`
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

// Read reads the dashboard below the root of the repository.
func Read(root string) (*Dashboard, []byte, error) {
	content, err := os.ReadFile(filepath.Join(root, File))
	if err != nil {
		return nil, nil, err
	}
	read := &Dashboard{}
	if err := json.NewDecoder(bytes.NewReader(content)).Decode(read); err != nil {
		return nil, nil, fmt.Errorf("read %s: %w", File, err)
	}
	return read, content, nil
}

// Color is that of a value; empty if there are no thresholds.
func (t Thresholds) Color(value float64) string {
	color := ""
	for _, step := range t.Steps {
		if step.Value == nil || value >= *step.Value {
			color = step.Color
		}
	}
	return color
}

// Column is how a column of a table is shown that is named so.
func (p *Panel) Column(name string) (Field, error) {
	field := p.Field.Defaults
	for _, override := range p.Field.Overrides {
		if override.Matcher.ID != "byName" || override.Matcher.Options != name {
			continue
		}
		for _, property := range override.Properties {
			var into any
			switch property.ID {
			case "unit":
				into = &field.Unit
			case "thresholds":
				into = &field.Thresholds
			default:
				continue // about looks only
			}
			if err := json.Unmarshal(property.Value, into); err != nil {
				return Field{}, fmt.Errorf("panel %q, %s of %s: %w", p.Title, property.ID, name, err)
			}
		}
	}
	return field, nil
}
