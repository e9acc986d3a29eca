package docs

import (
	"context"
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
	module, err := binaries.FindModule(ctx, "e2e", gatewayAPI)
	if err != nil {
		return err
	}
	crds := filepath.Join(module.Dir, "config", "crd", "standard")
	return w.Cluster.Apply(ctx, filepath.Join(crds, "gateway.networking.k8s.io_gatewayclasses.yaml"),
		filepath.Join(crds, "gateway.networking.k8s.io_gateways.yaml"))
}
