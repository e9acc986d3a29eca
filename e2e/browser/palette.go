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
			r, g, b, _ := picture.At(x, y).RGBA()
			count[color.RGBA{R: uint8(r >> 8), G: uint8(g >> 8), B: uint8(b >> 8), A: 255}]++
		}
	}
	order := slices.SortedFunc(maps.Keys(count), func(one, other color.RGBA) int {
		return cmp.Or(cmp.Compare(count[other], count[one]), cmp.Compare(one.R, other.R),
			cmp.Compare(one.G, other.G), cmp.Compare(one.B, other.B))
	})
	var colors color.Palette
	for _, c := range order[:min(len(order), 256)] {
		colors = append(colors, c)
	}
	return colors
}
