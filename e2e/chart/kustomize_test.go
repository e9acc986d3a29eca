package chart_test

import (
	"fmt"
	"strings"
	"testing"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/kustomize/kyaml/kio"

	"github.com/varmenne/varmenne-issuer/internal/must"
)

// overlay is what people do to a chart that they have rendered into a repository: a label on everything, and a patch.
const overlay = `
resources: [rendered.yaml]
labels: [{pairs: {example.com/team: tax}}]
patches:
- target: {kind: Deployment}
  patch: |-
    - {op: replace, path: /spec/replicas, value: 3}
`

// kustomize builds an overlay of a rendering, and writes what comes of it, as the program does.
func kustomize(rendering []byte) (resmap.ResMap, error) {
	files := filesys.MakeFsInMemory()
	if err := files.WriteFile("kustomization.yaml", []byte(overlay)); err != nil {
		return nil, err
	}
	if err := files.WriteFile("rendered.yaml", rendering); err != nil {
		return nil, err
	}
	result, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(files, ".")
	if err != nil {
		return nil, err
	}
	_, err = result.AsYaml()
	return result, err
}

// TestKustomizeBuildsWhatIsRendered of the chart by every file of settings: no object is lost, all get the
// label, and the patch is in every Deployment.
func TestKustomizeBuildsWhatIsRendered(t *testing.T) {
	for _, from := range startingPoints(t, helm(t)) {
		name, rendering := from.name, from.rendered
		result, err := kustomize(rendering)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if want := len(must.Get(kio.FromBytes(rendering))(t)); result.Size() != want {
			t.Errorf("%s: kustomize builds %d objects of %d", name, result.Size(), want)
		}
		for _, object := range result.Resources() {
			if object.GetLabels()["example.com/team"] != "tax" {
				t.Errorf("%s: %s has no label of the overlay", name, object.CurId())
			}
			if object.GetKind() != "Deployment" {
				continue
			}
			if replicas := must.Get(object.GetFieldValue("spec.replicas"))(t); fmt.Sprint(replicas) != "3" {
				t.Errorf("%s: %s has %v replicas, want those of the patch", name, object.CurId(), replicas)
			}
		}
	}
}

// TestKustomizeRefusesWhatIsThereTwice shows that the test above can fail.
func TestKustomizeRefusesWhatIsThereTwice(t *testing.T) {
	for claim, manifest := range map[string]string{
		"mapping key": "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, labels: {b: c, b: c}}}",
		"already registered id": "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}\n---\n" +
			"{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}",
	} {
		if _, err := kustomize([]byte(manifest)); err == nil || !strings.Contains(err.Error(), claim) {
			t.Errorf("the error is %v; it should say %q", err, claim)
		}
	}
}
