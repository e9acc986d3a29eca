package browser

import (
	"context"
	"fmt"

	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// mostStops is how many stops of the Tab key a page may have.
const mostStops = 200

// Press presses keys: those of package kb, or letters.
func (p *Page) Press(keys string) {
	p.Helper()
	p.Do(chromedp.KeyEvent(keys))
}

// TabTo presses Tab until the focus is on an element that the CSS selector matches, and fails if the focus cannot be
// seen there.
func (p *Page) TabTo(selector string) {
	p.Helper()
	there := fmt.Sprintf("document.activeElement.matches(%q)", selector)
	for range mostStops {
		p.Press(kb.Tab)
		if !Evaluate[bool](p, there) {
			continue
		}
		if !Evaluate[bool](p, `(style => style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0 ||
			style.boxShadow !== 'none')(getComputedStyle(document.activeElement))`) {
			p.Errorf("nobody sees that the focus is on %s", selector)
		}
		return
	}
	p.Fatalf("Tab does not lead to %s\n%s", selector, p.picture())
}

// Choose runs steps that open the dialog for files, and chooses files in it.
func (p *Page) Choose(files []string, steps ...chromedp.Action[chromedp.Void]) {
	p.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, timeout)
	defer cancel()
	p.Do(call(page.SetInterceptFileChooserDialog, page.SetInterceptFileChooserDialogParams{Enabled: true}))
	opened, err := chromedp.Run(ctx, chromedp.WaitEvent(page.FileChooserOpened, nil, chromedp.Steps(steps...)))
	if err != nil {
		p.Fatalf("no dialog for files: %v\n%s", err, p.picture())
	}
	p.Do(call(dom.SetFileInputFiles, dom.SetFileInputFilesParams{Files: files, BackendNodeID: opened.BackendNodeID}))
}

// Drop drags files from elsewhere on the desktop into the middle of an element, and drops them there.
func (p *Page) Drop(selector string, files ...string) {
	p.Helper()
	p.Do(chromedp.ScrollIntoView(chromedp.CSS(selector)))
	middle := Evaluate[[]float64](p, fmt.Sprintf(
		"(at => [at.x + at.width / 2, at.y + at.height / 2])(document.querySelector(%q).getBoundingClientRect())", selector))
	for _, step := range []input.DispatchDragEventType{
		input.DispatchDragEventTypeDragEnter, input.DispatchDragEventTypeDragOver, input.DispatchDragEventTypeDrop,
	} {
		p.Do(call(input.DispatchDragEvent, input.DispatchDragEventParams{
			Type: step, X: middle[0], Y: middle[1],
			Data: &input.DragData{Items: []*input.DragDataItem{}, Files: files, DragOperationsMask: 1},
		}))
	}
}

// Paste pastes what was copied last, where the focus is.
func (p *Page) Paste() {
	p.Helper()
	p.Do(chromedp.KeyEvent("v", chromedp.KeyModifiers(kb.ModifierCtrl),
		func(parameters *input.DispatchKeyEventParams) { parameters.Commands = []string{"paste"} }))
}
