package stories

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/e2e/binaries"
	"github.com/varmenne/varmenne-issuer/e2e/testkit"
	"github.com/varmenne/varmenne-issuer/internal/must"
)

// releaseName is what the chart is installed as.
const releaseName = "varmenne-issuer"

// release is an installation of the chart.
type release struct {
	*platform

	namespace string
	// notes is what helm has said last.
	notes string
	// audited is how much of the audit log has been looked at.
	audited int
}

// source is where a chart comes from.
type source struct {
	// chart is what helm is told of it, and values what the chart is, to find its image.
	chart  []string
	values values
	// digest is that of its image.
	digest string
}

// packed is the packed chart of a version.
func (p *platform) packed(version string) source {
	return source{chart: []string{chartPath(p.Dir(), issuer+"-"+version)}, values: p.imageValues(version)}
}

// values are values as a user would write them into a file.
type values map[string]any

// install installs the chart of a version in a namespace of its own, which admits only Pods of the standard
// `restricted`. When the test ends the release is removed with all that it has left.
func (p *platform) install(t *testing.T, namespace, version string, with values) *release {
	t.Helper()
	return p.installFrom(t, p.packed(version), namespace, with)
}

// installFrom is install with the chart of a source.
func (p *platform) installFrom(t *testing.T, from source, namespace string, with values) *release {
	t.Helper()
	r := &release{platform: p, namespace: namespace}
	p.create(t, restrictedNamespace(namespace))
	t.Cleanup(func() { r.remove(t) })
	r.notes = r.onChart(t, "install", from, with)
	return r
}

// upgrade changes the release to another version or other values.
func (r *release) upgrade(t *testing.T, version string, with values) {
	t.Helper()
	r.notes = r.onChart(t, "upgrade", r.packed(version), with)
}

// onChart runs a command of helm that waits until all Pods are ready. The controller may call the services that the
// tests start, and the chart's own simulator.
func (r *release) onChart(t *testing.T, command string, from source, with values) string {
	t.Helper()
	all := values{"allowedEndpoints": values{"hosts": serviceHosts()}}
	maps.Copy(all, from.values)
	maps.Copy(all, with)
	output, err := r.helm(t.Context(), slices.Concat([]string{command, releaseName}, from.chart,
		[]string{"--namespace=" + r.namespace, "--values=" + writeValues(t, all), "--wait", inTime})...)
	if err != nil {
		t.Fatalf("%v\n%v", err, r.describe(t.Context(), r.namespace))
	}
	return output
}

// writeValues writes values into a file.
func writeValues(t *testing.T, all values) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "values.yaml")
	must.Do(t, os.WriteFile(file, must.Get(yaml.Marshal(all))(t), 0o600))
	return file
}

// uninstall removes the release and waits until its Pods are gone. What they were refused until their end is a failure:
// helm ends them before it takes away their permissions.
func (r *release) uninstall(t *testing.T) {
	t.Helper()
	r.mustHelm(t, "uninstall", releaseName, "--namespace="+r.namespace, "--wait", "--timeout=120s")
	t.Run("nothing was refused to the release", func(t *testing.T) { testNothingWasRefused(t, r) })
}

// uninstallByHand is what the chart's README proposes where the Job that ends the Pods cannot run.
func (r *release) uninstallByHand(t *testing.T) {
	t.Helper()
	r.mustKubectl(t, "-n", r.namespace, "scale", "deployment/"+issuer, "--replicas=0")
	r.mustKubectl(t, "-n", r.namespace, "wait", "--for=delete", "pod", "-l", "app.kubernetes.io/component=controller",
		"--timeout=2m")
	r.mustHelm(t, "uninstall", releaseName, "--namespace="+r.namespace, "--no-hooks", "--wait", "--timeout=120s")
	t.Run("nothing was refused to the release", func(t *testing.T) { testNothingWasRefused(t, r) })
}

func testNothingWasRefused(t *testing.T, r *release) {
	t.Helper()
	for _, refused := range r.refusals(t, r.onMachine(t, "the audit log of the API server").AuditLog()) {
		t.Errorf("a permission is missing: %s", refused)
	}
}

// remove makes the cluster as it was before the release. What a test that passed leaves is the definitions.
func (r *release) remove(t *testing.T) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	if t.Failed() {
		t.Log(r.describe(ctx, r.namespace))
	}
	_, err := r.helm(ctx, "uninstall", releaseName, "--namespace="+r.namespace, "--wait", "--ignore-not-found")
	if err != nil {
		t.Error(err)
	}
	for _, arguments := range [][]string{
		{"delete", "customresourcedefinitions", "--selector=app.kubernetes.io/name=" + issuer},
		{"delete", "namespace", r.namespace, "--wait=false"},
	} {
		if _, err := r.kubectl(ctx, arguments...); err != nil {
			t.Error(err)
		}
	}
}

// refusals are the requests that the chart's ServiceAccounts had no permission for, by the audit log of the API server,
// since the last look.
func (r *release) refusals(t *testing.T, auditLog string) []string {
	t.Helper()
	ours := "system:serviceaccount:" + r.namespace + ":"
	entries := must.Get(testkit.ReadAuditLog(auditLog, ours))(t)
	unread := entries[r.audited:]
	r.audited = len(entries)
	var found []string
	for _, entry := range unread {
		if strings.HasPrefix(entry.User.Username, ours) && entry.IsUnauthorized() {
			found = append(found, fmt.Sprintf("%s: %s %s", entry.User.Username, entry.Verb, entry.RequestURI))
		}
	}
	return found
}

// currentVersion is that of the chart in the repository.
func currentVersion(t *testing.T) string {
	t.Helper()
	root := must.Get(binaries.RepositoryRoot())(t)
	return must.Get(appVersion(root))(t)
}

// restrictedNamespace is a namespace in which Pod Security `restricted` is enforced.
func restrictedNamespace(name string) *corev1.Namespace {
	return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		Name: name, Labels: map[string]string{"pod-security.kubernetes.io/enforce": "restricted"},
	}}
}

// create creates an object.
func (p *platform) create(t *testing.T, object client.Object) {
	t.Helper()
	if err := p.Create(t.Context(), object); err != nil {
		t.Fatalf("creating %T %s: %v", object, client.ObjectKeyFromObject(object), err)
	}
}

// definitions are the names of the CustomResourceDefinitions of the product.
func (p *platform) definitions(ctx context.Context) ([]string, error) {
	list := &apiextensionsv1.CustomResourceDefinitionList{}
	if err := p.List(ctx, list); err != nil {
		return nil, err
	}
	var names []string
	for i := range list.Items {
		if list.Items[i].Spec.Group == v1alpha1.GroupName {
			names = append(names, list.Items[i].Name)
		}
	}
	return names, nil
}
