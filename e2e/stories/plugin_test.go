package stories

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/utils/clock"

	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/plugin/commands"
)

// plugin runs kubectl varmenne in the namespace of the test case, as a user, and returns what it prints and what it
// warns of.
func (m *manual) plugin(user string, arguments ...string) (out, warnings string) {
	m.Helper()
	printed, warned := &bytes.Buffer{}, &bytes.Buffer{}
	root := commands.New(commands.Options{Clock: clock.RealClock{}, Streams: genericiooptions.IOStreams{
		In: strings.NewReader(""), Out: printed, ErrOut: warned}})
	root.SetArgs(append([]string{
		"--kubeconfig", m.Cluster.KubeconfigPath(), "--as", user, "-n", m.Namespace,
	}, arguments...))
	if err := root.ExecuteContext(m.Context()); err != nil {
		m.Errorf("%q: %v", arguments, err)
	}
	return printed.String(), warned.String()
}

// TestAPersonFetchesACertificateWithThePlugin from the first look to a Certificate that is Ready, with the chart's
// roles for people and no other rights; who may only view sees whose turn it is all the way.
func TestAPersonFetchesACertificateWithThePlugin(t *testing.T) {
	t.Parallel()
	m := beginManual(t)
	viewer, carrier := "viewer-"+m.Namespace, "carrier-"+m.Namespace
	m.GrantRoles(viewer, "view")
	m.GrantRoles(carrier, "view", "edit")
	order := m.next()
	status, warnings := m.plugin(viewer, "status")
	must.Contain(t, status, "warning", "stamping", "Issuing", "yours: carry the CSR to the authority")
	if strings.Contains(warnings, "not shown") {
		t.Errorf("who may view does not see everything: %s", warnings)
	}
	why, _ := m.plugin(viewer, "why", "stamping")
	must.Contain(t, why, "ManualOrder  "+order.Name+"  AwaitingApplication", "ManualIssuer  dvv  ready", "Newest events",
		"ApplicationDue", "kubectl varmenne csr -n "+m.Namespace+" "+order.Name)

	if request, _ := m.plugin(carrier, "csr", "stamping"); request != string(order.Spec.Request) {
		t.Errorf("the request is %q", request)
	}
	content := m.apply(order)
	m.plugin(carrier, "applied", "stamping", "--reference=DVV 7", "--by=Maija")
	m.awaitSaying(order, "AwaitingAuthority", "DVV 7")
	status, _ = m.plugin(viewer, "status")
	must.Contain(t, status, "the service's")

	file := filepath.Join(t.TempDir(), "mail")
	must.Do(t, os.WriteFile(file, content, 0o600))
	out, _ := m.plugin(carrier, "complete", "stamping", file, "--yes")
	must.Contain(t, out, "came:    serial number", "has the certificate", "Issued: the certificate is issued")
	m.awaitIssued(order)
	status, _ = m.plugin(viewer, "status", "--fail-on=warning")
	must.Contain(t, status, "Ready", "nobody's", " renewal")
	calendar, _ := m.plugin(viewer, "calendar")
	must.Contain(t, calendar, "-lead-time-begins@varmenne.dev", "-end@varmenne.dev", "METHOD:PUBLISH")
}
