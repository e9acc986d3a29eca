package chart_test

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/yaml"

	"github.com/varmenne/varmenne-issuer/e2e/chart"
	"github.com/varmenne/varmenne-issuer/e2e/cluster"
	"github.com/varmenne/varmenne-issuer/internal/must"
)

// Names of the release that is rendered.
const (
	releaseName      = "varmenne-issuer"
	releaseNamespace = "varmenne-issuer"
)

// release is the usual one, with values.
func release(values map[string]any) chart.Release {
	return chart.Release{Name: releaseName, Namespace: releaseNamespace, Values: values}
}

// settings are the values files of testdata, by name.
func settings(t *testing.T) map[string]map[string]any {
	t.Helper()
	files, err := filepath.Glob("testdata/values/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no values in testdata: %v", err)
	}
	all := map[string]map[string]any{}
	for _, file := range files {
		all[strings.TrimSuffix(filepath.Base(file), ".yaml")] = readValues(t, file)
	}
	return all
}

func readValues(t *testing.T, file string) map[string]any {
	t.Helper()
	return fromYAML(t, string(must.Get(os.ReadFile(file))(t)))
}

// fromYAML reads values as a user writes them.
func fromYAML(t *testing.T, text string) map[string]any {
	t.Helper()
	values := map[string]any{}
	if err := yaml.UnmarshalStrict([]byte(text), &values); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return values
}

// render returns the objects of a release with values, those of `helm test` included.
func render(t *testing.T, values map[string]any) objects {
	t.Helper()
	return decode(t, must.Get(helm(t).TemplateAll(t.Context(), release(values)))(t))
}

// objects of a rendered chart.
type objects []*unstructured.Unstructured

func decode(t *testing.T, manifests []byte) objects {
	t.Helper()
	return must.Get(cluster.Decode(manifests))(t)
}

// of returns the objects of a kind.
func (o objects) of(kind string) objects {
	var found objects
	for _, object := range o {
		if object.GetKind() == kind {
			found = append(found, object)
		}
	}
	return found
}

// only is the single object of a kind whose name ends like that.
func (o objects) only(t *testing.T, kind, suffix string) *unstructured.Unstructured {
	t.Helper()
	var found objects
	for _, object := range o.of(kind) {
		if strings.HasSuffix(object.GetName(), suffix) {
			found = append(found, object)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d %ss have a name that ends in %q, want one", len(found), kind, suffix)
	}
	return found[0]
}

// typed converts an object to the type of the API. A field that the type does not have is an error.
func typed[T any](t *testing.T, object *unstructured.Unstructured) *T {
	t.Helper()
	result := new(T)
	converter := runtime.DefaultUnstructuredConverter
	if err := converter.FromUnstructuredWithValidation(object.Object, result, true); err != nil {
		t.Fatalf("%s %s: %v", object.GetKind(), object.GetName(), err)
	}
	return result
}

// with returns values with one of them, given by its path, set to something else.
func with(values map[string]any, path []string, value any) map[string]any {
	changed := maps.Clone(values)
	if changed == nil {
		changed = map[string]any{}
	}
	if len(path) == 1 {
		changed[path[0]] = value
		return changed
	}
	inner, _ := changed[path[0]].(map[string]any)
	changed[path[0]] = with(inner, path[1:], value)
	return changed
}

// TestNamesThatYAMLTakesForSomethingElseStayNames wherever they are: a namespace may be called 123, on or 1e3.
func TestNamesThatYAMLTakesForSomethingElseStayNames(t *testing.T) {
	for _, name := range []string{"123", "on", "1e3", "null"} {
		r := release(fromYAML(t, `
nameOverride: "`+name+`"
priorityClassName: "`+name+`"
runtimeClassName: "`+name+`"
watchNamespaces: ["`+name+`"]
secretNamespaces: ["`+name+`"]
certManager: {namespace: "`+name+`"}
messages: {enabled: true, namespaces: ["`+name+`"]}
caBundle: {inline: x}
metrics:
  secure: true
  serviceMonitor: {enabled: true, namespace: "`+name+`"}
  readers: [{name: a, namespace: "`+name+`"}]
prometheusRule: {enabled: true}
dashboard: {enabled: true, grafanaOperator: {enabled: true}}
networkPolicy: {enabled: true}
simulator: {enabled: true}
`))
		r.Namespace = name
		for _, object := range decode(t, must.Get(helm(t).TemplateAll(t.Context(), r))(t)) {
			checkStrings(t, object.GetKind(), object.Object)
		}
	}
}

// checkStrings checks that a name is a string wherever there is one in an object.
func checkStrings(t *testing.T, path string, value any) {
	t.Helper()
	switch value := value.(type) {
	case map[string]any:
		for key, field := range value {
			_, is := field.(string)
			switch key {
			case "namespace", "app.kubernetes.io/name", "priorityClassName", "runtimeClassName":
				if !is {
					t.Errorf("%s.%s is %v (%[3]T)", path, key, field)
				}
			}
			checkStrings(t, path+"."+key, field)
		}
	case []any:
		for _, item := range value {
			checkStrings(t, path, item)
		}
	}
}

// TestAnyVersionMakesALabel of the chart, though a semantic version may be longer, and may end with a hyphen.
func TestAnyVersionMakesALabel(t *testing.T) {
	for _, version := range []string{"1.2.3-rc-", "1.2.3-" + strings.Repeat("a", 40) + "-b", "1.2.3+built"} {
		directory := t.TempDir()
		h := helm(t)
		must.Do(t, os.CopyFS(directory, os.DirFS(h.Chart)))
		path := filepath.Join(directory, "Chart.yaml")
		about := string(must.Get(os.ReadFile(path))(t))
		must.Do(t, os.WriteFile(path, []byte(versionLine.ReplaceAllString(about, "version: "+version)), 0o600))
		h.Chart = directory
		for _, object := range decode(t, must.Get(h.Template(t.Context(), release(nil)))(t)) {
			for key, label := range object.GetLabels() {
				if wrong := validation.IsValidLabelValue(label); len(wrong) > 0 {
					t.Errorf("%s %s: the label %s is %q: %v", object.GetKind(), object.GetName(), key, label, wrong)
				}
			}
		}
	}
}

var versionLine = regexp.MustCompile(`(?m)^version: .*$`)
