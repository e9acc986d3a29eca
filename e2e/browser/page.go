package browser

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/draw"
	"image/png"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/varmenne/varmenne-issuer/internal/must"
)

const (
	// timeout bounds everything that a page is asked for, far above what a busy machine needs.
	timeout = time.Minute
	// interval is how often a page is looked at while something is waited for.
	interval = 50 * time.Millisecond
)

// Look is how a person looks at a page.
type Look struct {
	// Width and Height of the window in CSS pixels. Default: 1280 by 900.
	Width, Height int64
	// Dark asks for dark colors.
	Dark bool
	// NoScript runs no script of pages.
	NoScript bool
	// Hostile is for a page that attacks: nobody minds what its console says.
	Hostile bool
}

// Page is a window of its own, with cookies of its own, that closes with the test. What its methods cannot do ends the
// test.
type Page struct {
	testing.TB

	//nolint:containedctx // The window is in it.
	ctx      context.Context
	mutex    sync.Mutex
	requests []string // URLs
	errors   []string // of scripts, and what the page's policy has blocked
}

// Open opens a window.
func (b *Browser) Open(t testing.TB, look Look) *Page {
	t.Helper()
	b.opened.Store(true)
	p := &Page{TB: t}
	ctx, closeWindow := chromedp.NewContext(b.ctx, chromedp.WithNewBrowserContext())
	t.Cleanup(closeWindow)
	p.ctx = ctx
	must.Do(t, chromedp.Do(ctx)) // Without a timeout: the window lives as long as this context.
	must.Do(t, chromedp.Listen(ctx, p.note))
	if look.Width == 0 {
		look.Width, look.Height = 1280, 900
	}
	steps := []chromedp.Action[chromedp.Void]{
		chromedp.EmulateViewport(look.Width, look.Height),
		call(emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true}),
		// With a window, Chromium lets the page in front write to the clipboard once somebody presses a button of it.
		call(browser.SetPermission, browser.SetPermissionParams{
			Permission: &browser.PermissionDescriptor{Name: "clipboard-write"}, Setting: browser.PermissionSettingGranted,
			BrowserContextID: chromedp.FromContext(ctx).BrowserContextID,
		}),
		call(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: look.NoScript}),
	}
	p.Do(steps...)
	p.Darken(look.Dark)
	if !look.Hostile {
		t.Cleanup(p.check)
	}
	return p
}

// Darken asks for dark colors from now on, or for light ones.
func (p *Page) Darken(dark bool) {
	p.Helper()
	p.Do(call(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: map[bool]string{false: "light", true: "dark"}[dark]},
	}}))
}

// call is a command of the browser's protocol whose result does not matter.
func call[P, R any](command cdp.Command[P, R], parameters P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, command, parameters)
		return err
	})
}

// note keeps what the browser tells of the window.
func (p *Page) note(event any) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	switch told := event.(type) {
	case *network.EventRequestWillBeSent:
		p.requests = append(p.requests, told.Request.URL)
	case *runtime.EventExceptionThrown:
		text := told.ExceptionDetails.Text
		if told.ExceptionDetails.Exception != nil {
			text += " " + told.ExceptionDetails.Exception.Description
		}
		p.errors = append(p.errors, text)
	case *log.EventEntryAdded:
		if told.Entry.Source != log.EntrySourceNetwork && told.Entry.Level == log.EntryLevelError {
			p.errors = append(p.errors, told.Entry.Text)
		}
	}
}

// check holds any page to what holds for all of them: it asks nobody but this machine, and what it does is allowed by
// its own policy and works.
func (p *Page) check() {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	for _, address := range p.requests {
		if parsed, err := url.Parse(address); err != nil ||
			!slices.Contains([]string{"127.0.0.1", "localhost", ""}, parsed.Hostname()) {
			p.Errorf("the page asks for %s", address)
		}
	}
	for _, text := range p.errors {
		p.Errorf("the browser says: %s", text)
	}
}

// Requests are the URLs that the window has asked for.
func (p *Page) Requests() []string {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return slices.Clone(p.requests)
}

// Errors are those of scripts, and what the browser has blocked.
func (p *Page) Errors() []string {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return slices.Clone(p.errors)
}

// Do runs steps one after the other.
func (p *Page) Do(steps ...chromedp.Action[chromedp.Void]) {
	p.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, timeout)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		p.Fatalf("%v\n%s", err, p.picture())
	}
}

// Visit goes to an address and returns the HTTP status of the page that comes.
func (p *Page) Visit(address string) int {
	p.Helper()
	return p.Follow(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, page.Navigate, page.NavigateParams{URL: address})
		return err
	}))
}

// Follow runs steps that lead to another page, and returns its HTTP status when it is there.
func (p *Page) Follow(steps ...chromedp.Action[chromedp.Void]) int {
	p.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, timeout)
	defer cancel()
	response, err := chromedp.RunResponse(ctx, steps...)
	if err != nil {
		p.Fatalf("%v\n%s", err, p.picture())
	}
	return int(response.Status)
}

// Try goes to an address that need not lead anywhere, and returns what the browser says then.
func (p *Page) Try(address string) error {
	ctx, cancel := context.WithTimeout(p.ctx, timeout)
	defer cancel()
	return chromedp.Do(ctx, chromedp.Navigate(address))
}

// Click clicks on the first element that the CSS selector matches, where it is seen.
func (p *Page) Click(selector string) {
	p.Helper()
	p.Do(chromedp.Click(chromedp.CSS(selector)))
}

// Await waits until a JavaScript expression is true, also across pages.
func (p *Page) Await(expression string) {
	p.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, timeout)
	defer cancel()
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		// While a page gives way to the next, an error is no more than that.
		if holds, err := chromedp.Run(ctx, chromedp.Evaluate[bool](expression)); err == nil && holds {
			return
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			p.Fatalf("waited %s for %s\n%s", timeout, expression, p.picture())
		}
	}
}

// Evaluate returns the value of a JavaScript expression; of a promise, what it comes to.
func Evaluate[T any](p *Page, expression string) T {
	p.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, timeout)
	defer cancel()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		p.Fatalf("%s: %v\n%s", expression, err, p.picture())
	}
	return value
}

// Text is what a person reads in the first element that the CSS selector matches; nothing where there is none.
func (p *Page) Text(selector string) string {
	p.Helper()
	return Evaluate[string](p, fmt.Sprintf("document.querySelector(%q)?.innerText ?? ''", selector))
}

// ScrollsSideways reports whether the page is wider than its window.
func (p *Page) ScrollsSideways() bool {
	p.Helper()
	return Evaluate[bool](p, "document.documentElement.scrollWidth > document.documentElement.clientWidth")
}

// Screenshot is what the window shows, as a small PNG: of at most 256 colors.
func (p *Page) Screenshot() []byte {
	p.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, timeout)
	defer cancel()
	shot := must.Get(chromedp.Run(ctx, chromedp.CaptureScreenshot()))(p)
	full := must.Get(png.Decode(bytes.NewReader(shot)))(p)
	few := image.NewPaletted(full.Bounds(), palette(full))
	draw.Draw(few, few.Bounds(), full, full.Bounds().Min, draw.Src)
	var out bytes.Buffer
	must.Do(p, (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, few))
	return out.Bytes()
}

// picture is where the window is and what it says, for the message of a test that fails.
func (p *Page) picture() string {
	ctx, cancel := context.WithTimeout(p.ctx, timeout/10)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](
		"location.href + '\\n' + (document.body?.innerText ?? '')"))
	if err != nil {
		return fmt.Sprintf("the page cannot be read: %v", err)
	}
	return strings.TrimSpace(text)
}
