// Package site tests the pages of `make site` in a browser, as people read them: on a wide screen and on a phone, in
// the light and in the dark, from a server and from a disk, with the keyboard alone and without script.
package site

import (
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/varmenne/varmenne-issuer/e2e/binaries"
	"github.com/varmenne/varmenne-issuer/e2e/browser"
	"github.com/varmenne/varmenne-issuer/e2e/browser/axe"
	"github.com/varmenne/varmenne-issuer/internal/must"
)

// representative are pages with all that pages have: tables, code, drawings, pictures, a list of contents.
var representative = []string{
	"index.html", "docs/index.html", "docs/architecture.html", "docs/troubleshooting.html",
	"docs/reference/veroissuer.html", "docs/how-to/kubectl-plugin.html", "docs/adr/index.html",
}

// widest is an element that reaches out of the window.
const widest = `[...document.querySelectorAll('*')].filter(e => e.getBoundingClientRect().right > innerWidth &&
	!e.parentElement?.closest('.scroll, pre')).map(e => e.outerHTML.slice(0, 99))[0] ?? ''`

var (
	chromium browser.Shared
	// directory is that of the site, which all tests share.
	directory string
	build     sync.Once
)

func TestMain(m *testing.M) {
	var err error
	if directory, err = os.MkdirTemp("", "varmenne-site-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	if err := chromium.End(); err != nil {
		fmt.Fprintln(os.Stderr, "--- FAIL: the browser keeps to this machine:", err)
		code = 1
	}
	os.RemoveAll(directory)
	os.Exit(code)
}

// render builds the site into a directory, the way `make site` does.
func render(t *testing.T, output string) {
	t.Helper()
	root := must.Get(binaries.RepositoryRoot())(t)
	command := exec.CommandContext(t.Context(), "go", "-C", "tools/docs", "run", "./site",
		"-repository", root, "-output", output)
	command.Dir = root
	if printed, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, printed)
	}
}

// serve builds the site once, and serves it.
func serve(t *testing.T) string {
	t.Helper()
	build.Do(func() { render(t, directory) })
	server := httptest.NewServer(http.FileServer(http.Dir(directory)))
	t.Cleanup(server.Close)
	return server.URL + "/"
}

// contents are the files of a directory.
func contents(t *testing.T, directory string) map[string]string {
	t.Helper()
	found := map[string]string{}
	must.Do(t, fs.WalkDir(os.DirFS(directory), ".", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			found[path] = string(must.Get(os.ReadFile(filepath.Join(directory, path)))(t))
		}
		return err
	}))
	return found
}

// TestEveryPageCanBeRead on a phone, and leads only to what is there.
func TestEveryPageCanBeRead(t *testing.T) {
	t.Parallel()
	origin := serve(t)
	p := chromium.Get(t).Open(t, browser.Look{Width: 400, Height: 800})
	links, ids := map[string]string{}, map[string]bool{}
	for path := range contents(t, directory) {
		if filepath.Ext(path) != ".html" {
			continue
		}
		if status := p.Visit(origin + path); status != http.StatusOK {
			t.Errorf("%s is answered with %d", path, status)
		}
		address := browser.Evaluate[string](p, "location.href") // without index.html
		if p.ScrollsSideways() {
			t.Errorf("%s is wider than a phone: %s", path, browser.Evaluate[string](p, widest))
		}
		for _, id := range browser.Evaluate[[]string](p, "[...document.querySelectorAll('[id]')].map(e => e.id)") {
			if ids[address+"#"+id] {
				t.Errorf("%s has two elements %s", path, id)
			}
			ids[address+"#"+id] = true
		}
		ids[address], ids[origin+path] = true, true
		for _, link := range browser.Evaluate[[]string](p,
			"[...document.links].map(a => decodeURI(a.href.replace(/index\\.html(?=#)/, '')))") {
			links[link] = path
		}
	}
	if len(ids) < 500 || len(links) < 500 {
		t.Errorf("only %d places and %d links are found", len(ids), len(links))
	}
	for link, page := range links {
		if strings.HasPrefix(link, origin) && !ids[link] {
			t.Errorf("%s links to %s, which is not there", page, link)
		}
	}
}

func TestPagesAreAccessible(t *testing.T) {
	t.Parallel()
	origin := serve(t)
	for _, path := range representative {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			p := chromium.Get(t).Open(t, browser.Look{})
			p.Visit(origin + path)
			for _, dark := range []bool{false, true} {
				p.Darken(dark)
				axe.Check(p, fmt.Sprintf("%s (dark: %v)", path, dark))
			}
		})
	}
}

// TestTheSearchFindsWithTheKeyboardAlone, from a server and from a disk, and follows the first result.
func TestTheSearchFindsWithTheKeyboardAlone(t *testing.T) {
	t.Parallel()
	for claim, origin := range map[string]string{"from a server": serve(t), "from a disk": "file://" + directory + "/"} {
		t.Run(claim, func(t *testing.T) {
			t.Parallel()
			p := chromium.Get(t).Open(t, browser.Look{})
			p.Do(chromedp.Navigate(origin + "docs/operations/proxy.html"))
			p.TabTo("#search")
			p.Press("RetrievalId late annotation")
			p.Await("document.querySelectorAll('#results a').length > 1")
			if strings.HasPrefix(origin, "http") { // axe-core asks for the style again, which a disk does not allow.
				axe.Check(p, "results")
			}
			p.Press("zzzz")
			p.Await("document.getElementById('found').textContent === 'Nothing is found'")
			for range "zzzz" {
				p.Press(kb.Backspace)
			}
			p.Await("document.querySelectorAll('#results a').length > 1")
			p.Press(kb.ArrowDown)
			p.Press(kb.ArrowDown)
			p.Press(kb.ArrowUp)
			target := browser.Evaluate[string](p, "document.activeElement.href")
			p.Press(kb.Enter)
			p.Await(fmt.Sprintf("location.href === %q", target))
			p.Await("document.querySelector('main')?.textContent.includes('RetrievalId')")
			p.Await("document.querySelector('.search')?.checkVisibility()")
			p.Press("/")
			p.Await("document.activeElement.id === 'search'")
		})
	}
}

// TestAWordOfAHeadingAloneShowsHowItsSectionBegins, not how it ends.
func TestAWordOfAHeadingAloneShowsHowItsSectionBegins(t *testing.T) {
	t.Parallel()
	p := chromium.Get(t).Open(t, browser.Look{})
	p.Visit(serve(t) + "docs/limits.html")
	p.TabTo("#search")
	p.Press("contributing decisions")
	const excerpt = "#results a[href$='CONTRIBUTING.html#decisions'] span"
	p.Await(fmt.Sprintf("document.querySelector(%q) !== null", excerpt))
	must.Contain(t, p.Text(excerpt), "What could have been decided otherwise")
}

func TestWithoutScriptNothingIsMissingButTheSearch(t *testing.T) {
	t.Parallel()
	origin := serve(t)
	p := chromium.Get(t).Open(t, browser.Look{NoScript: true, Width: 400, Height: 800})
	p.Visit(origin + "docs/limits.html")
	const visible = "document.querySelector(%q).checkVisibility()"
	for _, selector := range []string{"#search", "#pages"} {
		if browser.Evaluate[bool](p, fmt.Sprintf(visible, selector)) {
			t.Errorf("%s does not work, or was not asked for, and is shown", selector)
		}
	}
	p.Click(".menu")
	p.Await(fmt.Sprintf(visible, "#pages"))
	p.Click("#pages a[href$='renewal.html']")
	p.Await("location.pathname.endsWith('/docs/renewal.html')")
}

func TestOneCommitMakesTheSameBytes(t *testing.T) {
	t.Parallel()
	serve(t)
	again := t.TempDir()
	render(t, again)
	one, other := contents(t, directory), contents(t, again)
	for path := range one {
		if one[path] != other[path] {
			t.Errorf("%s is another the second time", path)
		}
	}
	if len(one) < 60 || len(one) != len(other) {
		t.Errorf("there are %d files, and %d the second time", len(one), len(other))
	}
}
