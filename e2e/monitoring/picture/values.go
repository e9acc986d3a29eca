package picture

import (
	"cmp"
	"context"

	"github.com/varmenne/varmenne-issuer/e2e/monitoring/dashboard"
)

// stat draws one large number for each query.
func (d *drawing) stat(ctx context.Context, panel *dashboard.Panel, inner box) error {
	const size, dense = 40.0, 32.0
	var values []dashboard.Value
	for _, target := range panel.Targets {
		found, err := d.choice.Values(ctx, d.recording, target)
		if err != nil {
			return err
		}
		values = append(values, found...)
	}
	part := inner.w / float64(max(len(values), 1))
	field := panel.Field.Defaults
	for i, value := range values {
		x, color := inner.x+part*(float64(i)+0.5), named[field.Thresholds.Color(value.Value)]
		text := format(value.Value, field.Unit, field.Decimals)
		if len(values) == 1 {
			d.text(x, inner.y+inner.h/2+size/3, text, style{size: size, color: color, anchor: "middle", bold: true})
			continue
		}
		d.text(x, inner.y+smallSize, value.Legend, style{size: textSize, color: colorText, anchor: "middle"})
		d.text(x, inner.bottom()-dense/3, text, style{size: dense, color: color, anchor: "middle", bold: true})
	}
	return nil
}

// bars draws a bar for each value, from 0 to the field's maximum.
func (d *drawing) bars(ctx context.Context, panel *dashboard.Panel, inner box) error {
	const highest, label, number = 30.0, 0.4, 0.18
	values, err := d.choice.Values(ctx, d.recording, panel.Targets[0])
	if err != nil {
		return err
	}
	field := panel.Field.Defaults
	step := min(inner.h/float64(max(len(values), 1)), highest+gap)
	for i, value := range values {
		row := box{inner.x, inner.y + float64(i)*step + gap/2, inner.w, step - gap}
		middle := row.y + row.h/2 + textSize/3
		d.text(row.x, middle, clip(value.Legend, textSize, row.w*label), style{size: textSize, color: colorText})
		track := box{row.x + row.w*label, row.y, row.w * (1 - label - number), row.h}
		d.rect(track, colorGrid, `rx="2"`)
		share := 1.0
		if field.Max != nil {
			share = min(max(value.Value / *field.Max, 0), 1)
		}
		color := cmp.Or(named[field.Thresholds.Color(value.Value)], colorText)
		d.rect(box{track.x, track.y, track.w * share, track.h}, color, `rx="2"`)
		d.text(row.right(), middle, format(value.Value, field.Unit, field.Decimals),
			style{size: titleSize, color: color, anchor: "end", bold: true})
	}
	return nil
}
