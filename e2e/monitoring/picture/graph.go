package picture

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/varmenne/varmenne-issuer/e2e/monitoring/dashboard"
)

// point is a place on the page.
type point struct{ x, y float64 }

// graph draws lines over time, and their legend below.
func (d *drawing) graph(ctx context.Context, panel *dashboard.Panel, inner box) error {
	var lines []dashboard.Line
	for _, target := range panel.Targets {
		found, err := d.choice.Lines(ctx, d.recording, target)
		if err != nil {
			return err
		}
		lines = append(lines, found...)
	}
	field := panel.Field.Defaults
	stacked := field.Custom.Stacking.Mode == "normal"
	bottoms := make([]map[int64]float64, len(lines)) // what lies below each line of a stack
	top := map[int64]float64{}
	highest := 0.0
	for i, line := range lines {
		bottoms[i] = map[int64]float64{}
		for _, p := range line.Points {
			if stacked {
				bottoms[i][p.T] = top[p.T]
				top[p.T] += p.F
				highest = max(highest, top[p.T])
			} else if !math.IsNaN(p.F) {
				highest = max(highest, p.F)
			}
		}
	}
	legend := d.legend(lines, inner)
	plot := axes{
		canvas: &d.canvas, box: inner.inset(axisWidth, gap/2, gap, legend+smallSize+gap),
		start: d.recording.Start, end: d.recording.End, unit: field.Unit,
	}
	plot.draw(highest, field.Decimals)
	for i, line := range lines {
		plot.line(line, bottoms[i], palette[i%len(palette)], stacked, d.choice.Step)
	}
	return nil
}

// legend draws the names of the lines at the bottom, and returns how high that is.
func (d *drawing) legend(lines []dashboard.Line, inner box) float64 {
	const lineHeight, dash, widest = 17.0, 14.0, 0.96
	rows, x := [][]int{nil}, 0.0
	entry := func(i int) float64 {
		return min(width(lines[i].Legend, smallSize), inner.w*widest-dash) + dash + 2*gap
	}
	for i := range lines {
		if x > 0 && x+entry(i) > inner.w {
			rows, x = append(rows, nil), 0
		}
		rows[len(rows)-1] = append(rows[len(rows)-1], i)
		x += entry(i)
	}
	height := float64(len(rows)) * lineHeight
	for row, entries := range rows {
		x, y := inner.x, inner.bottom()-height+float64(row+1)*lineHeight
		for _, i := range entries {
			d.rect(box{x, y - smallSize/2, dash - gap/2, 3}, palette[i%len(palette)], `rx="1"`)
			d.text(x+dash, y, clip(lines[i].Legend, smallSize, inner.w*widest-dash), style{size: smallSize, color: colorText})
			x += entry(i)
		}
	}
	return height
}

// line draws one line, with gaps where there was nothing, and its area where it is one of a stack.
func (a *axes) line(
	line dashboard.Line, bottoms map[int64]float64, color string, stacked bool, step time.Duration,
) {
	var upper, lower []point
	flush := func() {
		a.stroke(upper, lower, color, stacked)
		upper, lower = nil, nil
	}
	last := int64(0)
	for _, p := range line.Points {
		if math.IsNaN(p.F) {
			continue
		}
		if p.T-last > step.Milliseconds()*3/2 {
			flush()
		}
		last = p.T
		x := a.x(time.UnixMilli(p.T))
		upper = append(upper, point{x, a.y(bottoms[p.T] + p.F)})
		lower = append(lower, point{x, a.y(bottoms[p.T])})
	}
	flush()
}

func (a *axes) stroke(upper, lower []point, color string, stacked bool) {
	if len(upper) == 0 {
		return
	}
	if stacked {
		outline := append([]point(nil), upper...)
		for _, below := range slices.Backward(lower) {
			outline = append(outline, below)
		}
		a.addf(`<polygon points="%s" fill="%s" fill-opacity="0.4"/>`, path(outline), color)
	}
	a.addf(`<polyline points="%s" fill="none" stroke="%s" stroke-width="1.6"/>`, path(upper), color)
	if len(upper) == 1 {
		a.addf(`<circle cx="%.1f" cy="%.1f" r="2" fill="%s"/>`, upper[0].x, upper[0].y, color)
	}
}

func path(points []point) string {
	var text strings.Builder
	for i, p := range points {
		if i > 0 {
			text.WriteByte(' ')
		}
		fmt.Fprintf(&text, "%.1f,%.1f", p.x, p.y)
	}
	return text.String()
}
