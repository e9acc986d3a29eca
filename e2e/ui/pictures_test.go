package ui

import (
	"bytes"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/varmenne/varmenne-issuer/e2e/binaries"
	"github.com/varmenne/varmenne-issuer/e2e/browser"
	"github.com/varmenne/varmenne-issuer/internal/must"
)

// mostBytes is how long a picture of the documentation may be.
const mostBytes = 60 << 10

// picture is one of the documentation.
type picture struct {
	look browser.Look
	// order is for the page of the ManualOrder; else it is the overview.
	order bool
}

// pictures are what is in docs/images, by name.
var pictures = map[string]picture{
	"ui-overview.png":       {look: browser.Look{Width: 1000, Height: 900}},
	"ui-overview-dark.png":  {look: browser.Look{Width: 1000, Height: 900, Dark: true}},
	"ui-overview-phone.png": {look: browser.Look{Width: 400, Height: 800}},
	"ui-order.png":          {look: browser.Look{Width: 1000, Height: 1000}, order: true},
}

// takePictures writes the pictures of the documentation.
func (g *gallery) takePictures() {
	for name, of := range pictures {
		p := g.open(g.T, of.look)
		if of.order {
			g.visit(p, orderPath(payroll, g.order))
		}
		must.Do(g, os.WriteFile(inDocs(g.T, "images", name), p.Screenshot(), 0o600))
	}
}

// inDocs is a path below docs.
func inDocs(t *testing.T, parts ...string) string {
	t.Helper()
	return filepath.Join(append([]string{must.Get(binaries.RepositoryRoot())(t), "docs"}, parts...)...)
}

// TestThePicturesOfTheDocumentation are small, of the sizes that they were taken in, and each is on the page.
func TestThePicturesOfTheDocumentation(t *testing.T) {
	page := string(must.Get(os.ReadFile(inDocs(t, "how-to", "kubectl-plugin.md")))(t))
	for name, of := range pictures {
		content := must.Get(os.ReadFile(inDocs(t, "images", name)))(t)
		size := must.Get(png.DecodeConfig(bytes.NewReader(content)))(t)
		if len(content) > mostBytes || int64(size.Width) != of.look.Width || int64(size.Height) != of.look.Height {
			t.Errorf("%s has %d bytes, %d by %d pixels", name, len(content), size.Width, size.Height)
		}
		must.Contain(t, page, "(../images/"+name+")")
	}
	if there := must.Get(os.ReadDir(inDocs(t, "images")))(t); len(there) != len(pictures) {
		t.Errorf("docs/images has %d files, and %d pictures are taken", len(there), len(pictures))
	}
}
