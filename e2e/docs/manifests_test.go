package docs

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/e2e/binaries"
	"github.com/varmenne/varmenne-issuer/e2e/cluster"
	"github.com/varmenne/varmenne-issuer/e2e/world"
	"github.com/varmenne/varmenne-issuer/internal/must"
)

// TestEveryManifestIsTakenByTheAPIServer applies every YAML block of every page, and the samples, as a server-side dry
// run: unknown fields, wrong types and broken rules of our kinds are errors.
func TestEveryManifestIsTakenByTheAPIServer(t *testing.T) {
	w := theWorld(t)
	strict := client.WithFieldValidation(w.Client, metav1.FieldValidationStrict)
	applied := 0
	for sample, content := range samples(t) {
		objects, err := manifestsIn(content)
		if err != nil || len(objects) != 1 {
			t.Errorf("docs/samples/%s: %d manifests: %v", sample, len(objects), err)
		}
		for _, object := range objects {
			if err := dryRun(t, w, strict, object); err != nil {
				t.Errorf("docs/samples/%s: %v", sample, err)
			}
		}
	}
	for page, content := range pages(t) {
		for _, b := range blocksOf(t, page, content) {
			if b.language != "yaml" {
				continue
			}
			objects, err := manifestsIn(b.text)
			if err != nil || len(objects) == 0 {
				t.Errorf("%s:%d: %d manifests: %v; values of the chart are %q", b.page, b.line, len(objects), err, valuesLanguage)
			}
			for _, object := range objects {
				if reason, skipped := notInstalled[object.GroupVersionKind().Group]; skipped {
					t.Logf("%s:%d: %s is not applied: %s", b.page, b.line, object.GetKind(), reason)
					continue
				}
				applied++
				if err := dryRun(t, w, strict, object); err != nil {
					t.Errorf("%s:%d: %s %s: %v", b.page, b.line, object.GetKind(), object.GetName(), err)
				}
			}
		}
	}
	if applied < 8 {
		t.Errorf("only %d manifests were applied", applied)
	}
}

func manifestsIn(text string) ([]*unstructured.Unstructured, error) {
	objects, err := cluster.Decode([]byte(text))
	if slices.ContainsFunc(objects, func(object *unstructured.Unstructured) bool {
		return object.GetKind() == "" || object.GetAPIVersion() == ""
	}) {
		return nil, errors.New("it is no manifest")
	}
	return objects, err
}

// dryRun asks the API server whether it would take an object. What it cannot try without them has to exist: namespaces,
// and the ServiceAccount that every namespace has in a cluster with a controller-manager.
func dryRun(t *testing.T, w *world.World, strict client.Client, object *unstructured.Unstructured) error {
	t.Helper()
	if namespace := object.GetNamespace(); namespace != "" {
		for _, needed := range []client.Object{
			&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}},
			&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "default"}},
		} {
			if err := w.Client.Create(t.Context(), needed); err != nil && !apierrors.IsAlreadyExists(err) {
				return fmt.Errorf("making its surroundings: %w", err)
			}
		}
	}
	return strict.Apply(t.Context(), client.ApplyConfigurationFromUnstructured(object),
		client.FieldOwner("documentation"), client.ForceOwnership, client.DryRunAll)
}

// TestAManifestThatIsWrongIsNoticed shows that the test above can fail.
func TestAManifestThatIsWrongIsNoticed(t *testing.T) {
	w := theWorld(t)
	strict := client.WithFieldValidation(w.Client, metav1.FieldValidationStrict)
	for claim, text := range map[string]string{
		"an unknown field": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: tax-reporting}\ndate: {}\n",
		"a broken rule": "apiVersion: varmenne.dev/v1alpha1\nkind: VeroIssuer\n" +
			"metadata: {name: a, namespace: tax-reporting}\nspec: {environment: TEST, customerID: '01234567', " +
			"trust: {responses: {caBundle: YQ==}, issuance: {caBundle: YQ==}}}\n",
	} {
		objects := must.Get(manifestsIn(text))(t)
		if err := dryRun(t, w, strict, objects[0]); err == nil {
			t.Errorf("%s: the API server has taken it", claim)
		} else {
			t.Logf("%s: %v", claim, err)
		}
	}
}

// gatewayAPI is where the definitions of Gateways come from: cert-manager's module requires it.
const gatewayAPI = "sigs.k8s.io/gateway-api"

// notInstalled are kinds that pages show and no module that we require defines.
var notInstalled = map[string]string{
	"argoproj.io":              "Argo CD's definitions are in none of our modules",
	"external-secrets.io":      "the definitions of External Secrets are in none of our modules",
	"helm.toolkit.fluxcd.io":   "Flux's definitions are in none of our modules",
	"source.toolkit.fluxcd.io": "Flux's definitions are in none of our modules",
	"monitoring.coreos.com":    "the Prometheus operator's definitions are in none of our modules",
	"velero.io":                "Velero's definitions are in none of our modules; restore_test.go does what it does",
	"grafana.integreatly.org":  "the Grafana operator's definitions are in none of our modules",
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
