package docs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	cmutil "github.com/cert-manager/cert-manager/pkg/api/util"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"

	"github.com/varmenne/varmenne-issuer/e2e/howto"
	"github.com/varmenne/varmenne-issuer/e2e/tenant"
	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

const (
	customerID      = tenant.CustomerID
	certificateName = tenant.CertificateName
	tlsSecretName   = "tax-reporting-tls"
	transferName    = tenant.TransferName
	issuerName      = tenant.IssuerName
)

// scenario is a namespace with the sample issuer, a certificate service of its own, and its transfer credentials.
type scenario struct{ *tenant.Tenant }

var scenarios atomic.Int32

// beginScenario makes everything that a first certificate needs but the Certificate.
func beginScenario(t *testing.T, name string, service ...string) *scenario {
	t.Helper()
	s := emptyScenario(t, fmt.Sprintf("%s-%d", name, scenarios.Add(1)), service...)
	s.Create(s.NamespaceObject(), s.Trust(), s.Issuer(), s.Credentials(s.Mint()))
	return s
}

// emptyScenario has the certificate service only.
func emptyScenario(t *testing.T, namespace string, service ...string) *scenario {
	t.Helper()
	return &scenario{tenant.Begin(t, theWorld(t), namespace, service...)}
}

// awaitSaying waits until a CertificateRequest has a condition for a reason, any for none, whose message says
// something. It is that of a name, or of a Certificate with it; any for none.
func (s *scenario) awaitSaying(name string, kind cmapi.CertificateRequestConditionType, reason, says string) {
	s.Helper()
	s.AwaitRequest(fmt.Sprintf("%s %s, and says %q", kind, reason, says), func(request *cmapi.CertificateRequest) bool {
		condition := cmutil.GetCertificateRequestCondition(request, kind)
		meant := name == "" || name == request.Name || name == request.Annotations[cmapi.CertificateNameKey]
		return meant && condition != nil && (reason == "" || condition.Reason == reason) &&
			strings.Contains(condition.Message, says)
	})
}

// submissions is what the service was sent to make certificates, in order.
func (s *scenario) submissions() []admin.Request {
	s.Helper()
	return slices.DeleteFunc(s.Asked(""), func(asked admin.Request) bool { return asked.Operation == "GetCertificate" })
}

// readersNamespace is what the pages call the namespace of their reader.
const readersNamespace = "tax-reporting"

// reader is somebody who types the commands of a page, in a directory of their own.
type reader struct {
	*scenario

	shell howto.Shell
}

func (s *scenario) reader() *reader {
	s.Helper()
	return &reader{scenario: s, shell: s.Shell()}
}

// follow does what a page says under a heading, in the scenario's namespace.
func (s *scenario) follow(page, heading string) {
	s.Helper()
	s.reader().follow(page, heading)
}

func (r *reader) follow(page, heading string, replacements ...howto.Replacement) {
	r.Helper()
	commands, err := commandsOf(r.T, page).Section(heading)
	if err != nil {
		r.Fatalf("%s: %v", page, err)
	}
	for i := range commands {
		text := must.Get(howto.Replace(commands[i].Text, replacementsIn(commands[i].Text, replacements)...))(r)
		commands[i].Text = strings.ReplaceAll(text, "-n "+readersNamespace, "-n "+r.Namespace)
	}
	if err := r.shell.Run(r.Context(), commands); err != nil {
		r.Fatalf("%s, %s: %v\n%s", page, heading, err, r.Picture())
	}
}

// replacementsIn are those that a text has something for.
func replacementsIn(text string, all []howto.Replacement) []howto.Replacement {
	var found []howto.Replacement
	for _, replacement := range all {
		if strings.Contains(text, replacement.Old) {
			found = append(found, replacement)
		}
	}
	return found
}

// write puts a file into the reader's directory.
func (r *reader) write(name, content string) {
	r.Helper()
	path := filepath.Join(r.shell.Dir, name)
	must.Do(r, errors.Join(
		os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(content), 0o600)))
}
