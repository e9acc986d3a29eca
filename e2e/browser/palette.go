package browser

import (
	"cmp"
	"image"
	"image/color"
	"maps"
	"slices"
)

// palette holds the colors that a picture has most often, as many as a small PNG can have. Pages have few colors; what
// is left out are shades at the edges of letters.
func palette(picture image.Image) color.Palette {
	count := map[color.RGBA]int{}
	bounds := picture.Bounds()
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			if c, isRGBA := color.RGBAModel.Convert(picture.At(x, y)).(color.RGBA); isRGBA {
				count[c]++
			}
		}
	}
	order := slices.SortedFunc(maps.Keys(count), func(one, other color.RGBA) int {
		return cmp.Or(cmp.Compare(count[other], count[one]), cmp.Compare(one.R, other.R),
			cmp.Compare(one.G, other.G), cmp.Compare(one.B, other.B))
	})
	const most = 256 // of a PNG with one byte for each pixel
	order = order[:min(len(order), most)]
	colors := make(color.Palette, 0, len(order))
	for _, c := range order {
		colors = append(colors, c)
	}
	return colors
}
