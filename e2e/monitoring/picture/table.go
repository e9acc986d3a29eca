package picture

import (
	"context"
	"fmt"

	"github.com/varmenne/varmenne-issuer/e2e/monitoring/dashboard"
)

// table draws as many rows as there is room for.
func (d *drawing) table(ctx context.Context, panel *dashboard.Panel, inner box) error {
	const rowHeight = 27.0
	sheet, err := d.choice.Sheet(ctx, d.recording, panel)
	if err != nil {
		return err
	}
	cells := cellsOf(sheet)
	widths := fit(cells, inner.w)
	for i, row := range cells {
		y := inner.y + float64(i)*rowHeight
		if y+rowHeight > inner.bottom()+padding {
			d.text(inner.right(), inner.bottom()+padding-gap/2, fmt.Sprintf("%d more", len(cells)-i),
				style{size: smallSize, color: colorFaint, anchor: "end"})
			break
		}
		x := inner.x
		for j, cell := range row {
			d.text(x, y+rowHeight*2/3, clip(cell.text, textSize, widths[j]-gap),
				style{size: textSize, color: cell.color, bold: i == 0})
			x += widths[j]
		}
		d.line(inner.x, y+rowHeight, inner.right(), y+rowHeight, colorGrid)
	}
	return nil
}

type cell struct {
	text, color string
}

// cellsOf are the cells of a table, its head first.
func cellsOf(sheet *dashboard.Sheet) [][]cell {
	head := make([]cell, 0, len(sheet.Columns))
	for _, column := range sheet.Columns {
		head = append(head, cell{column.Title, named["blue"]})
	}
	cells := make([][]cell, 0, 1+len(sheet.Rows))
	cells = append(cells, head)
	for _, entry := range sheet.Rows {
		row := make([]cell, 0, len(sheet.Columns))
		for _, column := range sheet.Columns {
			if !column.IsValue() {
				row = append(row, cell{entry.Texts[column.Name], colorText})
				continue
			}
			color := colorText
			if steps := column.Field.Thresholds.Steps; len(steps) > 1 {
				color = named[column.Field.Thresholds.Color(entry.Value)]
			}
			row = append(row, cell{format(entry.Value, column.Field.Unit, column.Field.Decimals), color})
		}
		cells = append(cells, row)
	}
	return cells
}

// fit gives each column what its longest text asks for, and shares out what is left. Where there is too little, the
// wide columns give.
func fit(cells [][]cell, whole float64) []float64 {
	widths := make([]float64, len(cells[0]))
	for column := range widths {
		for _, row := range cells {
			widths[column] = max(widths[column], width(row[column].text, textSize)+2*gap)
		}
	}
	widest := whole
	for sum(widths, widest) > whole {
		widest--
	}
	missing := whole - sum(widths, widest)
	for column := range widths {
		widths[column] = min(widths[column], widest) + missing/float64(len(widths))
	}
	return widths
}

// sum is the width of all columns, none of which is wider than the widest.
func sum(widths []float64, widest float64) float64 {
	total := 0.0
	for _, width := range widths {
		total += min(width, widest)
	}
	return total
}
