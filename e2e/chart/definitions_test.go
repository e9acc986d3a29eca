package chart_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/varmenne/varmenne-issuer/e2e/chart"
	"github.com/varmenne/varmenne-issuer/e2e/cluster"
	"github.com/varmenne/varmenne-issuer/e2e/testkit"
	"github.com/varmenne/varmenne-issuer/internal/app"
	"github.com/varmenne/varmenne-issuer/internal/must"
)

func TestTheDefinitionsAreTheGeneratedOnes(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(helm(t).Chart, "files", "crds", "*.yaml"))
	if err != nil || len(files) != 8 {
		t.Fatalf("the generated definitions are %q: %v", files, err)
	}
	rendered := render(t, nil).of("CustomResourceDefinition")
	for _, file := range files {
		content := must.Get(os.ReadFile(file))(t)
		want := &unstructured.Unstructured{}
		must.Do(t, yaml.UnmarshalStrict(content, &want.Object))
		got := rendered.only(t, "CustomResourceDefinition", want.GetName())
		if text, wanted := asYAML(t, got.Object["spec"]), asYAML(t, want.Object["spec"]); text != wanted {
			t.Errorf("%s: the chart has %s", want.GetName(), text)
		}
		for by, says := range kept {
			if got.GetAnnotations()[by] != says {
				t.Errorf("%s is not kept by the annotation %s", want.GetName(), by)
			}
		}
	}
}

// kept are the annotations by which nobody deletes what is left out of a release: Helm, Argo CD, Flux.
var kept = map[string]string{
	"helm.sh/resource-policy":           "keep",
	"argocd.argoproj.io/sync-options":   "Prune=false",
	"kustomize.toolkit.fluxcd.io/prune": "disabled",
}

func TestDefinitionsThatAreNotKeptAreDeletedByAll(t *testing.T) {
	for _, got := range render(t, map[string]any{"crds": map[string]any{"keep": false}}).of("CustomResourceDefinition") {
		for by := range kept {
			if says := got.GetAnnotations()[by]; says != "" {
				t.Errorf("%s has the annotation %s: %s", got.GetName(), by, says)
			}
		}
	}
}

func asYAML(t *testing.T, value any) string {
	t.Helper()
	return string(must.Get(yaml.Marshal(value))(t))
}

// TestIssuersOutliveTheRelease uninstalls, and installs again.
func TestIssuersOutliveTheRelease(t *testing.T) {
	c := shared.Get(t)
	wanted := chart.Release{Name: "keeper", Namespace: "keeper", Args: []string{takeOwnership}}
	install(t, c, wanted)
	issuer := &unstructured.Unstructured{Object: fromYAML(t, `
{apiVersion: varmenne.dev/v1alpha1, kind: VeroIssuer, metadata: {name: vero, namespace: keeper},
 spec: {environment: TEST, customerID: 0123456-7, trust: {
   responses: {configMapKeyRef: {name: trust, key: ca.pem}}, issuance: {configMapKeyRef: {name: trust, key: ca.pem}}}}}
`)}
	must.Do(t, c.Client().Create(t.Context(), issuer))
	uninstall(t, c, wanted)
	if err := c.Client().Get(t.Context(), client.ObjectKeyFromObject(issuer), issuer); err != nil {
		t.Errorf("after uninstalling: %v", err)
	}
	wanted.Args = nil // What it has left it may take again.
	install(t, c, wanted)
}

// TestTwoReleasesShareACluster wants no object of both, also where they share a namespace, and no lease: one of them
// would only wait for the other.
func TestTwoReleasesShareACluster(t *testing.T) {
	c := shared.Get(t)
	for _, namespace := range []string{"tax-reporting", "payroll"} {
		ensureNamespace(t, c, namespace)
	}
	install(t, c, chart.Release{
		Name: "first", Namespace: "both", Values: map[string]any{"watchNamespaces": []any{"tax-reporting"}},
		Args: []string{takeOwnership},
	})
	install(t, c, chart.Release{Name: "second", Namespace: "both", Values: map[string]any{
		"watchNamespaces": []any{"payroll"}, "crds": map[string]any{"enabled": false},
	}})
	names := []string{"first-varmenne-issuer", "second-varmenne-issuer"}
	responses := map[question]bool{}
	for _, name := range names {
		controller := &appsv1.Deployment{}
		must.Do(t, c.Client().Get(t.Context(), client.ObjectKey{Namespace: "both", Name: name}, controller))
		var options app.Options
		parse(t, name, controller.Spec.Template.Spec.Containers[0].Args, options.AddFlags)
		if options.LeaseName != name {
			t.Errorf("%s works with the lease %s", name, options.LeaseName)
		}
		for _, lease := range names {
			asked := question{"system:serviceaccount:both:" + name, "update", "coordination.k8s.io", "leases", lease, "both"}
			responses[asked] = lease == name
		}
	}
	agrees(t, c, responses)
}

func TestDefinitionsThatAreNotKeptGoWithTheRelease(t *testing.T) {
	c := shared.Get(t)
	wanted := chart.Release{
		Name: "leaver", Namespace: "leaver", Values: map[string]any{"crds": map[string]any{"keep": false}},
		Args: []string{takeOwnership},
	}
	install(t, c, wanted)
	uninstall(t, c, wanted)
	defer installDefinitions(t, c) // Others want them.
	for _, kind := range []string{
		"veroissuers", "veroclusterissuers", "veroorders", "manualissuers", "manualclusterissuers", "manualorders",
		"trackedcertificates", "messagespasswords",
	} {
		meta := metav1.ObjectMeta{Name: kind + ".varmenne.dev"}
		awaitGone(t, c, &apiextensionsv1.CustomResourceDefinition{ObjectMeta: meta})
	}
}

// awaitGone waits until the API server has deleted a definition, and before it all objects of its kind. It touches one
// that stays: the API server's finalizer gives up after a conflict with its own write, sees no reason to look again in
// a change of the condition Terminating, and comes back at the resync of its informer only, every five minutes.
func awaitGone(t *testing.T, c *cluster.Cluster, definition client.Object) {
	t.Helper()
	touch := client.RawPatch(types.MergePatchType, []byte(`{"metadata": {"annotations": {"touched": "now"}}}`))
	overdue := time.Now().Add(10 * time.Second)
	testkit.Eventually(t, definition.GetName()+" to be gone", func(ctx context.Context) (bool, error) {
		err := c.Client().Get(ctx, client.ObjectKeyFromObject(definition), definition)
		if err == nil && time.Now().After(overdue) {
			err = c.Client().Patch(ctx, definition, touch)
		}
		return apierrors.IsNotFound(err), client.IgnoreNotFound(err)
	}, nil)
}

func uninstall(t *testing.T, c *cluster.Cluster, installed chart.Release) {
	t.Helper()
	must.Do(t, takeOut(t.Context(), helmOn(t, c), installed))
}
