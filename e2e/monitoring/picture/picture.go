// Package picture draws a Grafana dashboard from a recording, as an SVG: the panels where the dashboard places them, in
// the manner of Grafana's dark theme. It is no Grafana: it knows the panels that our dashboard has.
package picture

import (
	"context"
	"crypto/sha256"
	"fmt"

	"github.com/varmenne/varmenne-issuer/e2e/monitoring/dashboard"
	"github.com/varmenne/varmenne-issuer/e2e/monitoring/recording"
)

// Measures of the page, in pixels.
const (
	pageWidth  = 1600.0
	columns    = 24
	unitHeight = 30.0
	gap        = 8.0
	margin     = 16.0
	headHeight = 64.0
	padding    = 10.0
	titleSize  = 14.0
	textSize   = 12.5
	smallSize  = 11.0
)

// drawing is a picture in the making.
type drawing struct {
	canvas

	recording *recording.Recording
	choice    dashboard.Choice
}

// Digest tells which dashboard a picture was drawn from. It is in the picture's description.
func Digest(content []byte) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(content)) }

// Draw draws the dashboard, which was read from content.
func Draw(
	ctx context.Context, board *dashboard.Dashboard, content []byte, from *recording.Recording,
) (string, error) {
	d := &drawing{recording: from, choice: board.All()}
	height := 0.0
	for i := range board.Panels {
		height = max(height, place(board.Panels[i].Place).bottom())
	}
	height += margin
	d.addf(`<svg xmlns="http://www.w3.org/2000/svg" width="%.0f" height="%.0f" viewBox="0 0 %.0f %.0f" `+
		`font-family="Inter, 'Helvetica Neue', Arial, sans-serif" role="img">`, pageWidth, height, pageWidth, height)
	d.addf(`<title>%s</title>`, board.Title)
	d.addf(`<desc>Drawn from %s, %s, and a recording of the controller's metrics in a rehearsal.</desc>`,
		dashboard.File, Digest(content))
	d.rect(box{0, 0, pageWidth, height}, colorPage, "")
	d.head(board)
	for i := range board.Panels {
		if err := d.panel(ctx, &board.Panels[i]); err != nil {
			return "", fmt.Errorf("panel %q: %w", board.Panels[i].Title, err)
		}
	}
	d.addf(`</svg>`)
	return d.String(), nil
}

// place is where a panel is on the page.
func place(p dashboard.Place) box {
	const column = (pageWidth - 2*margin + gap) / columns
	return box{
		x: margin + float64(p.X)*column, y: headHeight + float64(p.Y)*(unitHeight+gap),
		w: float64(p.W)*column - gap, h: float64(p.H)*(unitHeight+gap) - gap,
	}
}

// head draws the title, what is chosen, and the time.
func (d *drawing) head(board *dashboard.Dashboard) {
	const baseline, size, chip = 38.0, 20.0, 28.0
	d.text(margin, baseline, board.Title, style{size: size, color: colorText, bold: true})
	x := margin + width(board.Title, size) + 2*margin
	for _, variable := range board.Templating.List {
		value := "All"
		if variable.Type == "datasource" {
			value = "rehearsal"
		}
		label := variable.Label + ": " + value
		b := box{x, baseline - chip*2/3, width(label, textSize) + 2*padding, chip}
		d.rect(b, colorPanel, `stroke="`+colorBorder+`" rx="3"`)
		d.text(b.x+padding, baseline, label, style{size: textSize, color: colorText})
		x = b.right() + gap
	}
	const clock = "15:04:05"
	d.text(pageWidth-margin, baseline, d.recording.Start.UTC().Format(clock)+" to "+
		d.recording.End.UTC().Format(clock)+" (UTC)", style{size: textSize, color: colorFaint, anchor: "end"})
}

func (d *drawing) panel(ctx context.Context, panel *dashboard.Panel) error {
	frame := place(panel.Place)
	if panel.Type == dashboard.Row {
		d.text(frame.x, frame.y+frame.h*2/3, "⌄  "+panel.Title, style{size: titleSize, color: colorText, bold: true})
		return nil
	}
	d.rect(frame, colorPanel, `stroke="`+colorBorder+`" rx="2"`)
	d.text(frame.x+padding, frame.y+padding+titleSize-2,
		clip(panel.Title, titleSize, frame.w-2*padding), style{size: titleSize, color: colorText, bold: true})
	inner := frame.inset(padding, padding+titleSize+gap, padding, padding)
	switch panel.Type {
	case dashboard.Stat:
		return d.stat(ctx, panel, inner)
	case dashboard.Table:
		return d.table(ctx, panel, inner)
	case dashboard.BarGauge:
		return d.bars(ctx, panel, inner)
	case dashboard.TimeSeries:
		return d.graph(ctx, panel, inner)
	default:
		return fmt.Errorf("the type %s is not known", panel.Type)
	}
}
