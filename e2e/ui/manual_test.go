package ui

import (
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/e2e/browser"
	"github.com/varmenne/varmenne-issuer/e2e/tenant"
	"github.com/varmenne/varmenne-issuer/e2e/testkit"
	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

// way is how somebody works with a page.
type way struct {
	look browser.Look
	// press presses a button or follows a link, write fills a field in, and choose gives files to the page.
	press  func(p *browser.Page, selector string)
	write  func(p *browser.Page, selector, text string)
	choose func(p *browser.Page, file string)
}

// pointing is with a mouse or a finger; files are chosen in their dialog.
func pointing(look browser.Look) way {
	return way{look: look, press: (*browser.Page).Click,
		write: func(p *browser.Page, selector, text string) {
			p.Helper()
			p.Click(selector)
			p.Press(text)
		},
		choose: func(p *browser.Page, file string) {
			p.Helper()
			p.Choose([]string{file}, chromedp.Click(chromedp.CSS(files)))
		}}
}

// dragging is with a mouse, and files are dropped on the page.
func dragging() way {
	w := pointing(browser.Look{})
	w.choose = func(p *browser.Page, file string) {
		p.Helper()
		p.Drop(".drop", file)
	}
	return w
}

// typing is with nothing but Tab, Enter and letters.
func typing() way {
	return way{
		press: func(p *browser.Page, selector string) {
			p.Helper()
			p.TabTo(selector)
			p.Press(kb.Enter)
		},
		write: func(p *browser.Page, selector, text string) {
			p.Helper()
			p.TabTo(selector)
			p.Press(text)
		},
		choose: func(p *browser.Page, file string) {
			p.Helper()
			p.TabTo(files)
			p.Choose([]string{file}, chromedp.KeyEvent(kb.Enter))
		}}
}

// Parts of an order's page.
const (
	files   = "#files"
	refusal = "[role=alert]"
	note    = "form[action$='/reference'] "
	check   = "form[action$='/check'] "
	confirm = "form[action$='/complete'] "
)

// refused are files that may come by mistake, and what the page says about each.
func refused() []struct {
	file admin.MailedFile
	says string
} {
	return []struct {
		file admin.MailedFile
		says string
	}{
		{admin.FileCSR, "CSR itself"},
		{admin.FileAnotherKey, "was sent another CSR"},
		{admin.FilePrivateKey, "treat that key as leaked"},
	}
}

// TestAPersonFetchesACertificateFromTheFirstClickToReady, and is told on the way what is wrong with other files.
func TestAPersonFetchesACertificateFromTheFirstClickToReady(t *testing.T) {
	t.Parallel()
	for claim, w := range map[string]way{
		"with the mouse":     dragging(),
		"the keyboard alone": typing(),
		"on a phone":         pointing(browser.Look{Width: 400, Height: 800}),
		"without script":     pointing(browser.Look{NoScript: true}),
	} {
		t.Run(claim, func(t *testing.T) {
			t.Parallel()
			chromium.Get(t)
			e := shared.Get(t)
			m := beginManual(begin(t, e, strings.ReplaceAll(claim, " ", "-")))
			s := serve(m.Tenant, e, "view", "edit")
			c := &carrying{manual: m, way: w, Page: s.open(t, w.look), origin: s.origin, order: m.next()}
			c.find()
			c.apply()
			for _, wrong := range refused() {
				c.bringWrong(wrong.file, wrong.says)
			}
			c.bring()
			// What the closing checks read is really there.
			if len(must.Get(testkit.ReadAuditLog(e.Cluster.AuditLog(), personPrefix+m.Namespace))(t)) == 0 {
				t.Error("the audit log knows nothing of it")
			}
		})
	}
}

// carrying is somebody at work on an order.
type carrying struct {
	*browser.Page
	manual *manual
	way    way
	origin string
	order  *v1alpha1.ManualOrder
}

// find finds the order in the overview, where it is the person's turn.
func (c *carrying) find() {
	c.Helper()
	path := orderPath(c.order.Namespace, c.order.Name)
	link := fmt.Sprintf("article.card[data-turn=yours] a[href='%s']", path)
	c.Await(fmt.Sprintf("document.querySelector(%q) !== null", link))
	c.way.press(c.Page, link)
	c.Await(fmt.Sprintf("location.pathname === %q", path))
	c.fits()
}

// fits checks that nothing is wider than the window.
func (c *carrying) fits() {
	c.Helper()
	c.Await("document.readyState === 'complete'") // with the stylesheet
	if c.ScrollsSideways() {
		c.Errorf("the page is wider than the window: %s: %s", browser.Evaluate[string](c.Page, "location.href"),
			browser.Evaluate[string](c.Page, "[...document.querySelectorAll('*')].filter(e => "+
				"e.getBoundingClientRect().right > innerWidth).map(e => e.outerHTML.slice(0, 90)).join(' ')"))
	}
}

// apply carries what the page offers to DVV, and notes it.
func (c *carrying) apply() {
	c.Helper()
	csr := browser.Evaluate[string](c.Page, fmt.Sprintf("fetch(%q).then(r => r.text())",
		orderPath(c.order.Namespace, c.order.Name)+"/csr"))
	if csr != string(c.order.Spec.Request) {
		c.Errorf("the page offers the CSR\n%s", csr)
	}
	c.way.write(c.Page, note+"[name=reference]", "DVV 7")
	c.way.press(c.Page, note+"button")
	c.manual.await(v1alpha1.ReasonAwaitingAuthority)
	c.Await("document.body.innerText.includes('DVV 7')")
}

// mail is a file with what DVV mails for the order.
func (c *carrying) mail(kind admin.MailedFile) string {
	c.Helper()
	content := c.manual.Apply(c.order.Spec.Request, func(application *admin.Application) { application.File = kind })
	for rest := content; kind == admin.FilePrivateKey; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if strings.Contains(block.Type, "PRIVATE KEY") {
			c.manual.Ledger.KeepKey(pem.EncodeToMemory(block), "the private key that came in a mail")
		}
	}
	name := filepath.Join(c.TempDir(), string(kind))
	must.Do(c, os.WriteFile(name, content, 0o600))
	return name
}

// bringWrong brings a file that cannot be used. The page says why, and nothing of it gets to the cluster.
func (c *carrying) bringWrong(kind admin.MailedFile, says string) {
	c.Helper()
	c.way.choose(c.Page, c.mail(kind))
	c.way.press(c.Page, check+"button")
	c.Await(fmt.Sprintf("document.querySelector(%q)?.innerText.includes(%q)", refusal, says))
	c.fits()
	order := tenant.Get(c.manual.Tenant, c.order.Name, &v1alpha1.ManualOrder{})
	if order.Spec.Certificate != "" || order.Spec.CertificateFrom != nil {
		c.Errorf("what the page refuses has got to the order")
	}
}

// bring brings the certificate, and waits until the Certificate is Ready.
func (c *carrying) bring() {
	c.Helper()
	c.way.choose(c.Page, c.mail(admin.FilePEM))
	c.way.press(c.Page, check+"button")
	c.Await(fmt.Sprintf("document.querySelector(%q) !== null", confirm+"button"))
	c.fits()
	c.way.press(c.Page, confirm+"button")
	issued := c.manual.await(v1alpha1.ReasonIssued)
	c.Await(fmt.Sprintf("document.body.innerText.includes(%q)", issued.Status.SerialNumber))
	c.manual.AwaitReady(c.manual.certificate.Name)
}
