package docs

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/varmenne/varmenne-issuer/e2e/howto"
	"github.com/varmenne/varmenne-issuer/e2e/testkit"
	"github.com/varmenne/varmenne-issuer/internal/pki"
)

// TestTheRequestForTheEServiceIsOneThatTheServiceTakes runs the page's command, and judges what it makes as the
// controller judges requests.
func TestTheRequestForTheEServiceIsOneThatTheServiceTakes(t *testing.T) {
	t.Parallel()
	commands := commandsOf(t, troublePage)
	index := slices.IndexFunc(commands, func(c howto.Command) bool { return strings.HasPrefix(c.Text, "openssl req ") })
	shell := howto.Shell{Dir: t.TempDir(), Log: t.Logf}
	testkit.NoError(t, shell.Run(t.Context(), commands[index:index+1]))
	content := testkit.Must(os.ReadFile(filepath.Join(shell.Dir, "request.pem")))(t)
	request := testkit.Must(pki.ParseCertificateRequest(content))(t)
	if err := pki.CheckCertificateRequest(request, customerID); err != nil {
		t.Error(err)
	}
}
