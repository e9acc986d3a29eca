package docs

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/e2e/howto"
	"github.com/varmenne/varmenne-issuer/e2e/tenant"
	"github.com/varmenne/varmenne-issuer/e2e/testkit"
	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/pki"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

// Pages whose commands are run here.
const (
	startPage      = "docs/getting-started.md"
	troublePage    = "docs/troubleshooting.md"
	trustPage      = "docs/operations/trust-bundles.md"
	permissionPage = "docs/operations/namespaces-and-rbac.md"
)

// TestAReaderGetsTheFirstCertificate follows the page from the bundles to the Certificate, with the simulator in the
// place of the TEST environment: its address and its TLS authority are all that differs, as the page says.
func TestAReaderGetsTheFirstCertificate(t *testing.T) {
	t.Parallel()
	s := emptyScenario(t, "first-certificate", "--processing-delay=1s")
	bundles := must.Get(s.Service.Bundles(t.Context()))(t)
	sent := s.Mint()
	r := s.reader()
	for name, bundle := range bundles {
		r.write(name, bundle)
	}
	spec := "spec:\n"
	issuer := strings.Replace(read(t, "docs", "samples", "issuer.yaml"), spec, spec+"  url: "+s.Service.URL+"\n", 1)
	r.write("issuer.yaml", strings.ReplaceAll(issuer, "namespace: "+readersNamespace, "namespace: "+s.Namespace))
	r.write("certificate.yaml", strings.ReplaceAll(
		manifestsOf(t, startPage)["Certificate"], "namespace: "+readersNamespace, "namespace: "+s.Namespace))

	r.follow(startPage, "Bundles and credentials",
		howto.Replacement{Old: "create namespace " + readersNamespace, New: "create namespace " + s.Namespace},
		withSimulatorsTLS(),
		howto.Replacement{Old: "12345678901", New: sent.TransferID},
		howto.Replacement{Old: "replace-me", New: sent.TransferPassword})
	r.follow(startPage, "The issuer")
	r.follow(startPage, "The Certificate")
	s.AwaitReady(certificateName)
	r.follow(startPage, "What you have now")
}

// withSimulatorsTLS adds what the pages say to add where the ConfigMap holds the authority of the simulator's TLS, too.
func withSimulatorsTLS() howto.Replacement {
	const first = "--from-file=responses.pem"
	return howto.Replacement{Old: first, New: "--from-file=tls.pem " + first}
}

// manifestsOf are the manifests that a page shows, by kind.
func manifestsOf(t *testing.T, page string) map[string]string {
	t.Helper()
	shown := map[string]string{}
	for _, b := range blocksOf(t, page, read(t, page)) {
		if b.language != "yaml" {
			continue
		}
		objects, err := manifestsIn(b.text)
		if err != nil || len(objects) != 1 {
			t.Fatalf("%s:%d: %d manifests: %v", page, b.line, len(objects), err)
		}
		shown[objects[0].GetKind()] = b.text
	}
	return shown
}

// TestAnOperatorLooksAround runs the commands with which somebody looks for a cause.
func TestAnOperatorLooksAround(t *testing.T) {
	t.Parallel()
	s := beginScenario(t, "looks-around", "--processing-delay=1s")
	s.Create(s.Certificate())
	s.AwaitReady(certificateName)
	for _, heading := range followed[troublePage] {
		s.follow(troublePage, heading)
	}
}

func TestABundleIsRotatedAsThePageSays(t *testing.T) {
	t.Parallel()
	s := beginScenario(t, "rotation", "--processing-delay=1s")
	s.AwaitIssuer()
	r := s.reader()
	bundles := must.Get(s.Service.Bundles(t.Context()))(t)
	for name, bundle := range bundles {
		r.write(name, bundle)
	}
	r.write("new-responses.pem", bundles["issuance.pem"]) // authorities that sign nothing here
	r.follow(trustPage, "When an authority changes", withSimulatorsTLS())
	r.follow(trustPage, "Check a bundle")
	if trust := tenant.Get(s.Tenant, "vero-trust", &corev1.ConfigMap{}); !strings.Contains(
		trust.Data["responses.pem"], strings.TrimSpace(bundles["issuance.pem"])) {
		t.Error("the bundle does not hold the new authority")
	}
	s.Create(s.Certificate())
	s.AwaitReady(certificateName)
}

// TestTheControllerMayNotListSecrets runs the questions of the page; kubectl ends with an error where the response is
// no.
func TestTheControllerMayNotListSecrets(t *testing.T) {
	t.Parallel()
	s := emptyScenario(t, "permissions")
	for heading, account := range map[string]string{
		"What the controller may do":                     ":varmenne-issuer:varmenne-issuer",
		"What the process that rotates passwords may do": ":varmenne-issuer:varmenne-issuer-messages",
	} {
		s.reader().follow(permissionPage, heading, howto.Replacement{Old: account, New: account + " || true"})
	}
}

// TestTheListOfWhatIsUnderWay runs the command with which somebody waits before a move or an uninstallation.
func TestTheListOfWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	accepted, unanswered := beginScenario(t, "list", "--processing-delay=10m"), beginScenario(t, "list")
	unanswered.Script(admin.Fault{
		Operation: "SignNewCertificate", Kind: admin.DropBefore, ForDuration: admin.Duration(testkit.Timeout),
	})
	for state, s := range map[v1alpha1.VeroOrderState]*scenario{
		v1alpha1.VeroOrderSubmitted: accepted, v1alpha1.VeroOrderSubmitting: unanswered,
	} {
		s.Create(s.Certificate())
		order := s.AwaitOrder(string(state), func(order *v1alpha1.VeroOrder) bool { return order.Status.State == state })
		for _, page := range []string{restorePage, "docs/operations/upgrade.md"} {
			s.runOne(page, "kubectl get veroorder -A ", order.Name)
		}
	}
}

// runOne runs the command of a page that begins like this, and looks for a text in what it prints.
func (s *scenario) runOne(page, begins, prints string) {
	s.Helper()
	for _, command := range commandsOf(s.T, page) {
		if !strings.HasPrefix(command.Text, begins) {
			continue
		}
		r, text := s.reader(), command.Text
		text = strings.ReplaceAll(text, "-n "+readersNamespace, "-n "+s.Namespace)
		if err := r.shell.Run(s.Context(), howto.Page{{Text: text + " > printed"}}); err != nil {
			s.Fatalf("%s: %v", page, err)
		}
		content, err := os.ReadFile(r.shell.Dir + "/printed")
		if err != nil || !strings.Contains(string(content), prints) {
			s.Errorf("%s: $ %s has printed %q, want %q: %v", page, text, content, prints, err)
		}
		return
	}
	s.Errorf("%s has no command that begins with %q", page, begins)
}

// TestADeletedOrderIsMadeAgain with the RetrievalId that its request carries. The service gives no certificate before
// the order is gone: the controller would have fetched it.
func TestADeletedOrderIsMadeAgain(t *testing.T) {
	t.Parallel()
	s := beginScenario(t, "made-again", "--processing-delay=1s")
	s.Script(admin.Fault{
		Operation: "GetCertificate", Kind: admin.ResultFail, Code: "PKI099", ForDuration: admin.Duration(testkit.Timeout),
	})
	s.Create(s.Certificate())
	lost := s.AwaitOrder("accepted", func(order *v1alpha1.VeroOrder) bool { return order.Status.RetrievalID != "" })
	s.awaitSaying("", cmapi.CertificateRequestConditionType(v1alpha1.ConditionSubmitted), "", lost.Status.RetrievalID)
	must.Do(t, s.Client.Delete(t.Context(), lost))
	must.Do(t, s.Service.ClearFaults(t.Context()))
	s.AwaitReady(certificateName)
	if sent := s.submissions(); len(sent) != 1 {
		t.Errorf("the request was sent %d times", len(sent))
	}
}

// TestAnOrderTakesOverARetrievalId: a response was lost, and somebody who knows its RetrievalId does what the page
// says.
func TestAnOrderTakesOverARetrievalId(t *testing.T) {
	t.Parallel()
	s := beginScenario(t, "takes-over")
	s.Script(admin.Fault{
		Operation: "SignNewCertificate", Kind: admin.HTTPStatus, Status: http.StatusRequestTimeout, AfterProcessing: true,
	})
	s.Create(s.Certificate())
	home := s.AwaitOrder("failed", func(order *v1alpha1.VeroOrder) bool {
		return order.Status.State == v1alpha1.VeroOrderFailed
	})
	accepted := s.Accepted()
	if len(accepted) != 1 {
		t.Fatalf("the service has accepted %+v", accepted)
	}
	var annotate howto.Page
	for _, command := range commandsOf(t, troublePage) {
		if strings.HasPrefix(command.Text, "kubectl -n tax-reporting annotate veroorder NAME ") {
			command.Text = strings.NewReplacer("NAME", home.Name, "RETRIEVAL-ID", accepted[0].RetrievalID,
				"-n "+readersNamespace, "-n "+s.Namespace).Replace(command.Text)
			annotate = append(annotate, command)
		}
	}
	if err := s.reader().shell.Run(t.Context(), annotate); err != nil || len(annotate) != 1 {
		t.Fatalf("%d commands: %v", len(annotate), err)
	}
	s.AwaitReady(certificateName)
}

// TestTheRequestForTheEServiceIsOneThatTheServiceTakes runs the page's command, and judges what it makes as the
// controller judges requests.
func TestTheRequestForTheEServiceIsOneThatTheServiceTakes(t *testing.T) {
	t.Parallel()
	commands := commandsOf(t, troublePage)
	index := slices.IndexFunc(commands, func(c howto.Command) bool { return strings.HasPrefix(c.Text, "openssl req ") })
	shell := howto.Shell{Dir: t.TempDir(), Log: t.Logf}
	must.Do(t, shell.Run(t.Context(), commands[index:index+1]))
	content := must.Get(os.ReadFile(filepath.Join(shell.Dir, "request.pem")))(t)
	request := must.Get(pki.ParseCertificateRequest(content))(t)
	if err := pki.CheckCertificateRequest(request, customerID); err != nil {
		t.Error(err)
	}
}
