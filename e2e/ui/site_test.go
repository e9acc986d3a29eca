package ui

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/varmenne/varmenne-issuer/e2e/browser"
	"github.com/varmenne/varmenne-issuer/e2e/process"
	"github.com/varmenne/varmenne-issuer/e2e/tenant"
	"github.com/varmenne/varmenne-issuer/e2e/testkit"
	"github.com/varmenne/varmenne-issuer/internal/must"
)

// personPrefix begins the names of the users that the page acts for.
const personPrefix = "person-"

// site is a page that is being served.
type site struct {
	process *process.Process
	// origin is where it is, and start the address that was printed, with the secret.
	origin, start string
}

// printed is what the plugin prints.
var printed = regexp.MustCompile(`The page is at ((http://127\.0\.0\.1:[0-9]+)/start\?secret=(\S+))`)

// serve serves the page for the tenant's namespace, with some of the chart's roles.
func serve(n *tenant.Tenant, e *environment, roles ...string) *site {
	n.Helper()
	user := personPrefix + n.Namespace
	n.GrantRoles(user, roles...)
	return launch(n.T, e, "--as", user, "-n", n.Namespace)
}

// launch runs the program that ships, with a kubeconfig of the administrator.
func launch(t testing.TB, e *environment, arguments ...string) *site {
	t.Helper()
	running := must.Get(process.Start(process.Options{
		Path:    e.plugin,
		Args:    append([]string{"ui", "--no-browser", "--kubeconfig", e.Cluster.KubeconfigPath()}, arguments...),
		LogFile: filepath.Join(t.TempDir(), "log"), // It tells the secret, as it should.
	}))(t)
	must.Cleanup(t, running.Stop)
	s := &site{process: running}
	testkit.Eventually(t, "the address of the page", func(context.Context) (bool, error) {
		if err := running.ExitError(); err != nil {
			return false, err
		}
		found := printed.FindStringSubmatch(s.log())
		if found == nil {
			return false, nil
		}
		s.start, s.origin = found[1], found[2]
		e.KeepSecret(found[3], "the secret of a page")
		return true, nil
	}, s.log)
	return s
}

// log is what the program has printed.
func (s *site) log() string {
	content, err := os.ReadFile(s.process.LogFile())
	if err != nil {
		return err.Error()
	}
	return string(content)
}

// open opens the page in a window, as the address that was printed does.
func (s *site) open(t testing.TB, look browser.Look) *browser.Page {
	t.Helper()
	p := chromium.Get(t).Open(t, look)
	if status := p.Visit(s.start); status != http.StatusOK {
		t.Fatalf("the start is answered with %d:\n%s", status, p.Text("body"))
	}
	if at := browser.Evaluate[string](p, "location.href"); at != s.origin+"/" {
		t.Errorf("the start leads to %s", at)
	}
	return p
}

// visit goes to a path of the page, and fails unless it is there.
func (s *site) visit(p *browser.Page, path string) {
	p.Helper()
	if status := p.Visit(s.origin + path); status != http.StatusOK {
		p.Fatalf("%s is answered with %d:\n%s", path, status, p.Text("body"))
	}
}

// orderPath is the path of a ManualOrder's page.
func orderPath(namespace, name string) string { return fmt.Sprintf("/orders/%s/%s", namespace, name) }

// textOf is all that a page says, in one line.
func textOf(p *browser.Page) string {
	p.Helper()
	return strings.Join(strings.Fields(p.Text("body")), " ")
}
