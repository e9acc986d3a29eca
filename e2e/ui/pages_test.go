package ui

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/varmenne/varmenne-issuer/e2e/browser"
	"github.com/varmenne/varmenne-issuer/e2e/browser/axe"
	"github.com/varmenne/varmenne-issuer/internal/must"
)

// TestThePageOfANamespace with one of everything, which its viewer may look at and not change.
func TestThePageOfANamespace(t *testing.T) {
	t.Parallel()
	g := beginGallery(t)
	for claim, holds := range map[string]func(*gallery){
		"every page is accessible, in light and dark, in three languages": (*gallery).isAccessible,
		"every page fits into 400 pixels":                                 (*gallery).fits,
		"every page leads on from the overview":                           (*gallery).leadsOn,
		"what is to be copied is copied":                                  (*gallery).copies,
		"the table says what the timeline shows":                          (*gallery).saysTheSame,
		"a change shows by itself":                                        (*gallery).refreshes,
		"a change shows by itself without script":                         (*gallery).refreshesWithoutScript,
		"what somebody writes is not taken away":                          (*gallery).keepsWhatIsWritten,
		"the cookie and the start are nobody else's":                      (*gallery).keepsSecrets,
	} {
		t.Run(claim, func(t *testing.T) {
			t.Parallel()
			holds(g.on(t))
		})
	}
	if *update {
		t.Run("pictures of it are taken", func(t *testing.T) { g.on(t).takePictures() })
	}
}

// paths are all pages of the namespace.
func (g *gallery) paths() []string {
	return []string{
		"/", orderPath(payroll, g.order), g.objectPath("Certificate", reporting), g.objectPath("Certificate", invoices),
		g.objectPath("TrackedCertificate", stamp), g.objectPath("MessagesPassword", mailbox), g.noticePath(),
	}
}

func (*gallery) objectPath(kind, name string) string {
	return fmt.Sprintf("/objects/%s/%s/%s", kind, payroll, name)
}

func (*gallery) noticePath() string { return fmt.Sprintf("/tracked/%s/%s/notice", payroll, via) }

func (g *gallery) isAccessible() {
	for _, language := range []string{"en", "fi", "sv"} {
		g.Run(language, func(t *testing.T) {
			t.Parallel()
			p := g.open(t, browser.Look{})
			g.visit(p, "/?lang="+language)
			for _, path := range g.paths() {
				g.visit(p, path)
				if spoken := browser.Evaluate[string](p, "document.documentElement.lang"); spoken != language {
					t.Errorf("%s is in %q", path, spoken)
				}
				for _, dark := range []bool{false, true} {
					p.Darken(dark)
					axe.Check(p, fmt.Sprintf("%s (dark: %v)", path, dark))
				}
			}
			p.Visit(g.origin + "/orders/payroll/nothing")
			axe.Check(p, "a page that is not there")
		})
	}
}

func (g *gallery) fits() {
	p := g.open(g.T, browser.Look{Width: 400, Height: 800})
	for _, language := range []string{"en", "fi", "sv"} {
		for _, path := range g.paths() {
			g.visit(p, path+"?lang="+language)
			if p.ScrollsSideways() {
				g.Errorf("%s is wider in %s", path, language)
			}
		}
	}
}

// leadsOn: what a person comes for is one click away from the overview, the most urgent first.
func (g *gallery) leadsOn() {
	p := g.open(g.T, browser.Look{})
	links := browser.Evaluate[[]string](p, "[...document.querySelectorAll('main a')].map(a => a.pathname)")
	for _, path := range []string{orderPath(payroll, g.order), g.objectPath("Certificate", reporting),
		g.objectPath("TrackedCertificate", stamp), g.objectPath("MessagesPassword", mailbox)} {
		if !slices.Contains(links, path) {
			g.Errorf("no link leads to %s:\n%q", path, links)
		}
	}
	cards := browser.Evaluate[[]string](p, "[...document.querySelectorAll('article.card')].map(c => c.dataset.severity)")
	rank := func(one, other string) int {
		order := []string{"critical", "warning", "ok"}
		return slices.Index(order, one) - slices.Index(order, other)
	}
	if !slices.IsSortedFunc(cards, rank) || len(cards) < 3 {
		g.Errorf("the cards are in the order %q", cards)
	}
	g.visit(p, g.objectPath("Certificate", reporting))
	must.Contain(g, textOf(p), "VeroOrder", "RetrievalId")
	g.visit(p, g.noticePath())
	mail := browser.Evaluate[string](p, "document.querySelector('a[href^=\"mailto:\"]').href")
	must.Contain(g, mail, "mailto:organisaatiopalvelut@dvv.fi?", "Certificate%20change")
}

func (g *gallery) copies() {
	p := g.open(g.T, browser.Look{})
	g.visit(p, orderPath(payroll, g.order))
	want := browser.Evaluate[string](p, "document.querySelector('button.copy').dataset.copy")
	p.Click("button.copy")
	p.Click(note + "[name=reference]")
	p.Paste()
	// The field takes the beginning of it, in one line.
	if got := written(p); len(got) < 256 || !strings.HasPrefix(strings.Join(strings.Fields(want), " "), got) {
		g.Errorf("%q was copied, want %q", got, want)
	}
}

// written is what is in the field for the authority's reference.
func written(p *browser.Page) string {
	p.Helper()
	return browser.Evaluate[string](p, fmt.Sprintf("document.querySelector(%q).value", note+"[name=reference]"))
}

// saysTheSame compares the names of the timeline with those of the table.
func (g *gallery) saysTheSame() {
	p := g.open(g.T, browser.Look{})
	timeline, table := p.Text("#timeline"), p.Text("#table")
	for _, name := range []string{reporting, stamp, via, mailbox} {
		must.Contain(g, timeline, name)
		must.Contain(g, table, name)
	}
}

// refreshes: a certificate is tracked anew, and somebody who does nothing sees it.
func (g *gallery) refreshes() { g.shows("arrives", browser.Look{}) }

func (g *gallery) refreshesWithoutScript() { g.shows("arrives-too", browser.Look{NoScript: true}) }

func (g *gallery) shows(name string, look browser.Look) {
	g.Helper()
	p := g.open(g.T, look)
	if strings.Contains(p.Text("#table"), name) {
		g.Fatalf("%s is there already", name)
	}
	g.tracked(name, 300*day, nil)
	p.Await(fmt.Sprintf("document.querySelector('#table')?.innerText.includes(%q)", name))
}

// keepsWhatIsWritten: what another window shows by then has changed here, too.
func (g *gallery) keepsWhatIsWritten() {
	p, other := g.open(g.T, browser.Look{}), g.open(g.T, browser.Look{})
	g.visit(p, orderPath(payroll, g.order))
	p.Click(note + "[name=reference]")
	p.Press("DVV 8")
	g.tracked("written", 300*day, nil)
	other.Await("document.querySelector('#table')?.innerText.includes('written')")
	other.Visit(g.origin + "/")
	if got := written(p); got != "DVV 8" {
		g.Errorf("what was written has become %q", got)
	}
}

// keepsSecrets: no script sees the cookie, no address has the secret, and who has neither gets nothing but how to
// start.
func (g *gallery) keepsSecrets() {
	p := g.open(g.T, browser.Look{})
	if cookie := browser.Evaluate[string](p, "document.cookie"); strings.Contains(cookie, "varmenne=") {
		g.Errorf("a script reads the cookie %q", cookie)
	}
	_, secret, _ := strings.Cut(g.start, "secret=")
	if strings.Contains(browser.Evaluate[string](p, "document.documentElement.outerHTML + document.referrer"), secret) {
		g.Error("the page tells the secret")
	}
	stranger := chromium.Get(g).Open(g, browser.Look{})
	for _, path := range append(g.paths(), "/start", "/start?secret=guessed", "/version", "/script.js") {
		if status := stranger.Visit(g.origin + path); status != 403 || strings.Contains(textOf(stranger), reporting) {
			g.Errorf("a stranger gets %d and %q from %s", status, textOf(stranger), path)
		}
	}
}

// TestThePageEndsWithAnInterrupt at once, as with Ctrl-C, and nothing answers any more.
func TestThePageEndsWithAnInterrupt(t *testing.T) {
	t.Parallel()
	chromium.Get(t)
	e := shared.Get(t)
	n := begin(t, e, "interrupted")
	s := serve(n, e, "view")
	p := s.open(t, browser.Look{})
	must.Do(t, s.process.Signal(os.Interrupt))
	if state := must.Get(s.process.Wait(t.Context()))(t); !state.Success() {
		t.Errorf("it ends with %s:\n%s", state, s.log())
	}
	must.Say(t, p.Try(s.origin), "ERR_CONNECTION_REFUSED")
}
