package browser_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/varmenne/varmenne-issuer/e2e/browser"
	"github.com/varmenne/varmenne-issuer/e2e/browser/axe"
	"github.com/varmenne/varmenne-issuer/internal/must"
)

var shared browser.Shared

func TestMain(m *testing.M) {
	code := m.Run()
	if err := shared.End(); err != nil {
		fmt.Fprintln(os.Stderr, "--- FAIL: the browser keeps to this machine:", err)
		code = 1
	}
	os.Exit(code)
}

// serve serves one page, which is well made but for the body, and returns its address.
func serve(t *testing.T, body string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; img-src data: http:")
		fmt.Fprintf(w, `<!doctype html><html lang="en"><title>Page</title><link rel="icon" href="data:,">
<style>body{color:#111;background:#fff} @media (prefers-color-scheme: dark) {body{color:#111;background:#222}}</style>
<main><h1>%s</h1>%s</main></html>`, r.URL.Query().Get("said"), body)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// recorder is a test that notes how it has failed. What is opened with it closes with the real one.
type recorder struct {
	testing.TB

	errors []string
	ends   []func()
}

func (r *recorder) Errorf(format string, arguments ...any) {
	r.errors = append(r.errors, fmt.Sprintf(format, arguments...))
}

func (r *recorder) Cleanup(end func()) { r.ends = append(r.ends, end) }

// end does what the end of the test does.
func (r *recorder) end() {
	for _, end := range slices.Backward(r.ends) {
		end()
	}
}

func TestAPersonCanDoEverythingWithAPage(t *testing.T) {
	t.Parallel()
	address := serve(t, `<form><label>Name <input name="said"></label><label>File <input type="file" id="file"></label>
		<button>Send</button></form>`)
	p := shared.Get(t).Open(t, browser.Look{})
	if status := p.Visit(address); status != http.StatusOK {
		t.Fatalf("the status is %d", status)
	}
	file := filepath.Join(t.TempDir(), "file")
	must.Do(t, os.WriteFile(file, []byte("1234"), 0o600))
	p.TabTo("input[name=said]")
	p.Press("Äiti")
	p.TabTo("#file")
	p.Choose([]string{file}, chromedp.KeyEvent(kb.Enter))
	if size := browser.Evaluate[int](p, "document.querySelector('#file').files[0].size"); size != 4 {
		t.Errorf("the file has %d bytes", size)
	}
	p.TabTo("button")
	p.Follow(chromedp.KeyEvent(kb.Enter))
	if text := p.Text("h1"); text != "Äiti" {
		t.Errorf("the page says %q", text)
	}
	p.Await("document.title === 'Page'")
}

func TestWhatIsDroppedAndPastedArrives(t *testing.T) {
	t.Parallel()
	p := shared.Get(t).Open(t, browser.Look{Hostile: true}) // Its script is not one that the page's policy allows.
	p.Visit(serve(t, `<div style="height: 2000px"></div><input type="file" id="file" multiple><p id="text">copied</p>
		<input id="field">`))
	file := filepath.Join(t.TempDir(), "file")
	must.Do(t, os.WriteFile(file, []byte("1234"), 0o600))
	p.Drop("#file", file)
	if names := browser.Evaluate[string](p, "document.querySelector('#file').files[0].name"); names != "file" {
		t.Errorf("what was dropped is %q", names)
	}
	browser.Evaluate[bool](p, "getSelection().selectAllChildren(document.querySelector('#text')),"+
		"document.execCommand('copy')")
	p.Click("#field")
	p.Paste()
	if text := browser.Evaluate[string](p, "document.querySelector('#field').value"); text != "copied" {
		t.Errorf("what was pasted is %q", text)
	}
}

func TestTheLookOfAWindowIsThatOfTheTest(t *testing.T) {
	t.Parallel()
	address := serve(t, `<div style="width: 500px">wide</div><noscript><p>without script</p></noscript>`)
	for claim, c := range map[string]struct {
		look     browser.Look
		sideways bool
		dark     bool
		noScript bool
	}{
		"a wide window shows all of a page":       {look: browser.Look{}},
		"a narrow one does not":                   {look: browser.Look{Width: 400, Height: 800}, sideways: true},
		"dark colors are had by who asks":         {look: browser.Look{Dark: true}, dark: true},
		"no script runs for who does not want it": {look: browser.Look{NoScript: true}, noScript: true},
	} {
		t.Run(claim, func(t *testing.T) {
			t.Parallel()
			p := shared.Get(t).Open(t, c.look)
			p.Visit(address)
			if got := p.ScrollsSideways(); got != c.sideways {
				t.Errorf("the page scrolls sideways: %v", got)
			}
			if got := browser.Evaluate[bool](p, "matchMedia('(prefers-color-scheme: dark)').matches"); got != c.dark {
				t.Errorf("the page is asked for dark colors: %v", got)
			}
			if got := strings.Contains(p.Text("main"), "without script"); got != c.noScript {
				t.Errorf("the page says what it says without script: %v", got)
			}
			if size := len(p.Screenshot()); size == 0 || size > 60<<10 {
				t.Errorf("the screenshot has %d bytes", size)
			}
		})
	}
}

func TestAxeCoreFindsWhatIsNotAccessible(t *testing.T) {
	t.Parallel()
	for claim, c := range map[string]struct {
		look       browser.Look
		body, want string
	}{
		"a good page has no violation":    {body: "<p>good</p>"},
		"a field without a label is one":  {body: "<input>", want: "label (critical)"},
		"a picture without a text is one": {body: `<img src="data:,">`, want: "image-alt (critical)"},
		"letters that one cannot see are, too": {
			look: browser.Look{Dark: true}, body: "<p>dark</p>", want: "color-contrast (serious)",
		},
		"so are headings that leave one out":      {body: "<h4>deep</h4>", want: "heading-order (moderate)"},
		"so are letters on what is but half seen": {body: `<p style="color:#bbb">faint</p>`, want: "color-contrast"},
	} {
		t.Run(claim, func(t *testing.T) {
			t.Parallel()
			p := shared.Get(t).Open(t, c.look)
			p.Visit(serve(t, c.body) + "?said=Page")
			found := strings.Join(axe.Violations(p), "\n")
			if c.want == "" && found != "" || !strings.Contains(found, c.want) {
				t.Errorf("want %q, found\n%s", c.want, found)
			}
		})
	}
}

func TestEveryPageIsCheckedForWhatItDoesByItself(t *testing.T) {
	t.Parallel()
	for claim, c := range map[string]struct{ body, want string }{
		"a page that asks for nothing is let be":           {"<p>quiet</p>", ""},
		"a picture from elsewhere is an error":             {`<img alt="" src="http://elsewhere.example/x">`, "elsewhere"},
		"what the page's own policy does not allow is one": {"<script>let x</script>", "Content Security Policy"},
	} {
		t.Run(claim, func(t *testing.T) {
			t.Parallel()
			r := &recorder{TB: t}
			p := shared.Get(t).Open(r, browser.Look{})
			p.Visit(serve(t, c.body))
			r.end()
			got := strings.Join(r.errors, "\n")
			if c.want == "" && got != "" || !strings.Contains(got, c.want) {
				t.Errorf("want %q, got %q", c.want, got)
			}
		})
	}
}

// TestANameThatIsNotThisMachinesLeadsNowhere but for the one that stands for an attacker's.
func TestANameThatIsNotThisMachinesLeadsNowhere(t *testing.T) {
	t.Parallel()
	p := shared.Get(t).Open(t, browser.Look{Hostile: true})
	address := serve(t, "")
	if status := p.Visit(strings.Replace(address, "127.0.0.1", browser.HostileHost, 1)); status != http.StatusOK {
		t.Errorf("the attacker's name leads to %d", status)
	}
	if err := p.Try("http://elsewhere.example/"); err == nil || !strings.Contains(err.Error(), "ERR_NAME_NOT_RESOLVED") {
		t.Errorf("another name leads to %v", err)
	}
}
