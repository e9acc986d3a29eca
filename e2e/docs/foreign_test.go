package docs

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/varmenne/varmenne-issuer/e2e/binaries"
	"github.com/varmenne/varmenne-issuer/e2e/world"
)

// gatewayAPI is where the definitions of Gateways come from: cert-manager's module requires it.
const gatewayAPI = "sigs.k8s.io/gateway-api"

// notInstalled are kinds that pages show and no module that we require defines.
var notInstalled = map[string]string{
	"monitoring.coreos.com":   "the Prometheus operator's definitions are in none of our modules",
	"velero.io":               "Velero's definitions are in none of our modules; restore_test.go does what a restore does",
	"grafana.integreatly.org": "the Grafana operator's definitions are in none of our modules",
}

// installForeignKinds installs the definitions of kinds of others that the pages show.
func installForeignKinds(ctx context.Context, w *world.World) error {
	root, err := binaries.RepositoryRoot()
	if err != nil {
		return err
	}
	command := exec.CommandContext(ctx, "go", "mod", "download", "-json", gatewayAPI)
	command.Dir = filepath.Join(root, "e2e")
	command.Env = append(os.Environ(), "GOWORK=off")
	output, err := command.Output()
	if err != nil {
		return fmt.Errorf("finding the definitions of Gateways: %w: %s", err, output)
	}
	var module struct {
		Dir string `json:"Dir"`
	}
	if err := json.Unmarshal(output, &module); err != nil {
		return fmt.Errorf("finding the definitions of Gateways: %w", err)
	}
	crds := filepath.Join(module.Dir, "config", "crd", "standard")
	return w.Cluster.Apply(ctx, filepath.Join(crds, "gateway.networking.k8s.io_gatewayclasses.yaml"),
		filepath.Join(crds, "gateway.networking.k8s.io_gateways.yaml"))
}
