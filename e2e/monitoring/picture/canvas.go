package picture

import (
	"fmt"
	"html"
	"strings"
)

// Colours of Grafana's dark theme.
const (
	colorPage   = "#111217"
	colorPanel  = "#181b1f"
	colorBorder = "#2c3235"
	colorGrid   = "#2a2d33"
	colorText   = "#d8d9da"
	colorFaint  = "#8e9198"
)

// palette are the colours of lines, in the order in which Grafana gives them.
var palette = []string{
	"#73bf69", "#f2cc0c", "#5794f2", "#ff9830", "#f2495c", "#8ab8ff", "#b877d9", "#96d98d", "#ffa6b0", "#37872d",
	"#fade2a", "#3274d9",
}

// named are the colours that thresholds name.
var named = map[string]string{
	"green": "#73bf69", "yellow": "#f2cc0c", "orange": "#ff9830", "red": "#f2495c", "blue": "#5794f2", "text": colorText,
}

// box is a rectangle.
type box struct {
	x, y, w, h float64
}

func (b box) right() float64  { return b.x + b.w }
func (b box) bottom() float64 { return b.y + b.h }

// inset is the box without a margin.
func (b box) inset(left, top, right, bottom float64) box {
	return box{b.x + left, b.y + top, b.w - left - right, b.h - top - bottom}
}

// canvas collects an SVG.
type canvas struct {
	strings.Builder
}

// addf writes an element. Texts have to be escaped; see text.
func (c *canvas) addf(format string, arguments ...any) { fmt.Fprintf(c, format+"\n", arguments...) }

func (c *canvas) rect(b box, fill, extra string) {
	c.addf(`<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s" %s/>`, b.x, b.y, b.w, b.h, fill, extra)
}

func (c *canvas) line(x1, y1, x2, y2 float64, color string) {
	c.addf(`<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="%s"/>`, x1, y1, x2, y2, color)
}

// style is how a text looks.
type style struct {
	size   float64
	color  string
	anchor string // start, middle or end
	bold   bool
}

func (c *canvas) text(x, y float64, text string, s style) {
	extra := ""
	if s.bold {
		extra = ` font-weight="500"`
	}
	if s.anchor != "" {
		extra += ` text-anchor="` + s.anchor + `"`
	}
	c.addf(`<text x="%.1f" y="%.1f" font-size="%.4g" fill="%s"%s>%s</text>`,
		x, y, s.size, s.color, extra, html.EscapeString(text))
}

// perCharacter is the width of a character of the size 1, of a text of some length.
const perCharacter = 0.56

// width is about that of a text.
func width(text string, size float64) float64 {
	return float64(len([]rune(text))) * size * perCharacter
}

// clip shortens a text to a width.
func clip(text string, size, widest float64) string {
	runes := []rune(text)
	if fits := int(widest / (size * perCharacter)); fits < len(runes) && fits > 1 {
		return string(runes[:fits-1]) + "…"
	}
	return text
}
