package docs

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/varmenne/varmenne-issuer/e2e/howto"
	"github.com/varmenne/varmenne-issuer/internal/pki"
)

// TestTheRequestForTheEServiceIsOneThatTheServiceTakes runs the page's command, and judges what it makes as the
// controller judges requests.
func TestTheRequestForTheEServiceIsOneThatTheServiceTakes(t *testing.T) {
	t.Parallel()
	commands := commandsOf(t, troublePage)
	index := slices.IndexFunc(commands, func(c howto.Command) bool { return strings.HasPrefix(c.Text, "openssl req ") })
	shell := howto.Shell{Dir: t.TempDir(), Log: t.Logf}
	if err := shell.Run(t.Context(), commands[index:index+1]); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(filepath.Join(shell.Dir, "request.pem"))
	if err != nil {
		t.Fatal(err)
	}
	request, err := pki.ParseCertificateRequest(content)
	if err != nil {
		t.Fatal(err)
	}
	if err := pki.CheckCertificateRequest(request, customerID); err != nil {
		t.Error(err)
	}
}
