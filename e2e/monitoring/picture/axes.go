package picture

import (
	"math"
	"time"
)

// axisWidth is the room for the numbers at the left.
const axisWidth = 62.0

// axes are the frame of a graph.
type axes struct {
	*canvas
	box

	start, end time.Time
	unit       string
	highest    float64
}

func (a *axes) x(at time.Time) float64 {
	return a.box.x + a.w*float64(at.Sub(a.start))/float64(a.end.Sub(a.start))
}

func (a *axes) y(value float64) float64 { return a.bottom() - a.h*value/a.highest }

// draw draws the grid for values from 0 to the highest.
func (a *axes) draw(highest float64, decimals *int) {
	const wanted = 4
	step := round(highest/wanted, a.unit)
	if decimals != nil && *decimals == 0 {
		step = math.Ceil(step)
	}
	a.highest = max(math.Ceil(highest/step*1.0001), 1) * step
	for value := 0.0; value <= a.highest*1.0001; value += step {
		y := a.y(value)
		a.canvas.line(a.box.x, y, a.right(), y, colorGrid)
		a.text(a.box.x-gap, y+smallSize/3, format(value, a.unit, decimals),
			style{size: smallSize, color: colorFaint, anchor: "end"})
	}
	const widest, second5 = 80.0, 5 * time.Second
	every := time.Duration(float64(a.end.Sub(a.start)) * max(widest/a.w, 1.0/wanted))
	every = max(every.Truncate(second5), second5)
	for at := a.start.Truncate(every).Add(every); !at.After(a.end); at = at.Add(every) {
		a.canvas.line(a.x(at), a.box.y, a.x(at), a.bottom(), colorGrid)
		a.text(a.x(at), a.bottom()+smallSize+gap/2, at.UTC().Format("15:04:05"),
			style{size: smallSize, color: colorFaint, anchor: "middle"})
	}
}

// round makes a step for an axis that a reader can count in.
func round(step float64, unit string) float64 {
	if step <= 0 {
		return 1
	}
	if unit == "bytes" {
		return math.Exp2(math.Ceil(math.Log2(step)))
	}
	magnitude := math.Pow(10, math.Floor(math.Log10(step))) //nolint:mnd // decimal
	for _, nice := range []float64{1, 2, 2.5, 5, 10} {
		if step <= nice*magnitude*1.0001 {
			return nice * magnitude
		}
	}
	return step
}
