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
	// Rows hold the texts of each row by the name of their column.
	Rows []map[string]string
}

// Column is a column of a table.
type Column struct {
	// Name is what the query calls it, Title what is shown.
	Name, Title string
}

// IsValue reports whether the column holds the value.
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
		row := map[string]string{}
		for _, column := range columns {
			row[column.Name] = value.Labels.Get(column.Name)
		}
		sheet.Rows = append(sheet.Rows, row)
	}
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
			if !options.Exclude[name] {
				columns = append(columns, Column{Name: name, Title: cmp.Or(options.Rename[name], name)})
			}
		}
		slices.SortFunc(columns, func(one, other Column) int {
			return cmp.Compare(options.Index[one.Name], options.Index[other.Name])
		})
	}
	return columns, nil
}
