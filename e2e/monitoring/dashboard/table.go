package dashboard

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/varmenne/varmenne-issuer/e2e/monitoring/recording"
)

// valueColumn is what Grafana calls the column with the value.
const valueColumn = "Value"

// Sheet is a table as it is shown.
type Sheet struct {
	Columns []Column
	Rows    []Entry
}

// Column is a column of a table.
type Column struct {
	// Name is what the query calls it, Title what is shown.
	Name, Title string
	Field       Field
}

// Entry is a row: texts by the name of their column, and the value.
type Entry struct {
	Texts map[string]string
	Value float64
}

// IsValue is whether the column holds the value.
func (c Column) IsValue() bool { return c.Name == valueColumn }

// Sheet asks for the rows of a table panel, which has one query and says which columns it shows, and in which order.
func (c Choice) Sheet(ctx context.Context, from *recording.Recording, panel *Panel) (*Sheet, error) {
	if len(panel.Targets) != 1 {
		return nil, fmt.Errorf("panel %q has %d queries, and a table has one", panel.Title, len(panel.Targets))
	}
	columns, err := panel.columns()
	if err != nil {
		return nil, err
	}
	values, err := c.Values(ctx, from, panel.Targets[0])
	if err != nil {
		return nil, err
	}
	sheet := &Sheet{Columns: columns}
	for _, value := range values {
		entry := Entry{Texts: map[string]string{}, Value: value.Value}
		for _, column := range columns {
			entry.Texts[column.Name] = value.Labels.Get(column.Name)
		}
		sheet.Rows = append(sheet.Rows, entry)
	}
	slices.SortFunc(sheet.Rows, func(one, other Entry) int {
		for _, column := range columns {
			if order := cmp.Compare(one.Texts[column.Name], other.Texts[column.Name]); order != 0 {
				return order
			}
		}
		return 0
	})
	return sheet, nil
}

// columns are those of the transformation organize.
func (p *Panel) columns() ([]Column, error) {
	var columns []Column
	for _, transformation := range p.Transformations {
		if transformation.ID != "organize" {
			return nil, fmt.Errorf("the transformation %s of panel %q is not known", transformation.ID, p.Title)
		}
		options := transformation.Options
		for name := range options.Index {
			column := Column{Name: name, Title: cmp.Or(options.Rename[name], name)}
			var err error
			if column.Field, err = p.Column(column.Title); err != nil {
				return nil, err
			}
			if !options.Exclude[name] {
				columns = append(columns, column)
			}
		}
		slices.SortFunc(columns, func(one, other Column) int {
			return cmp.Compare(options.Index[one.Name], options.Index[other.Name])
		})
	}
	return columns, nil
}
