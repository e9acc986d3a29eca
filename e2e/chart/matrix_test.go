package chart_test

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sync/errgroup"
	"sigs.k8s.io/kustomize/kyaml/kio"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/varmenne/varmenne-issuer/internal/must"
)

// matrix is every setting of testdata, and every value of the schema with another value in one of them.
type matrix struct {
	// renderings by what was set.
	renderings map[string][]byte
	// unread are the values whose change changes nothing.
	unread []string
}

// theMatrix is rendered once for all tests.
var theMatrix struct {
	once sync.Once
	matrix
}

func wholeMatrix(t *testing.T) matrix {
	t.Helper()
	theMatrix.once.Do(func() { theMatrix.matrix = renderMatrix(t, helm(t), "") })
	if len(theMatrix.renderings) < 100 {
		t.Fatalf("there are %d renderings only", len(theMatrix.renderings))
	}
	return theMatrix.matrix
}

// document is one object of a rendering.
type document struct {
	text string
	// of is the rendering that has it first: most have the same ones.
	of string
}

// documents are all different ones of the matrix.
func (m matrix) documents() []document {
	known := map[string]bool{}
	var all []document
	for _, name := range slices.Sorted(maps.Keys(m.renderings)) {
		for text := range strings.SplitSeq(string(m.renderings[name]), "\n---\n") {
			if !known[text] {
				known[text] = true
				all = append(all, document{text, name})
			}
		}
	}
	return all
}

// TestNothingIsThereTwice gives every rendering to the parser of kustomize and Flux, which takes no key twice where
// Helm and kubectl do.
func TestNothingIsThereTwice(t *testing.T) {
	for name, rendering := range wholeMatrix(t).renderings {
		if err := parseStrictly(rendering); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// parseStrictly reads objects as kustomize does. No object may be there twice.
func parseStrictly(rendering []byte) error {
	nodes, err := kio.FromBytes(rendering)
	if err != nil {
		return err
	}
	known := map[yaml.ResourceIdentifier]bool{}
	for _, node := range nodes {
		if _, err := node.MarshalJSON(); err != nil {
			return fmt.Errorf("%s %s: %w", node.GetKind(), node.GetName(), err)
		}
		meta, err := node.GetMeta()
		if err != nil {
			return err
		}
		id := meta.GetIdentifier()
		if known[id] {
			return fmt.Errorf("%s %s is there twice", id.Kind, id.Name)
		}
		known[id] = true
	}
	return nil
}

// TestTheAPIServerTakesWhatIsRendered offers every object of every rendering to a real API server that knows all kinds,
// by the server-side apply that Argo CD and Flux use as well. A field that a kind does not have is an error, and so are
// a value that it refuses, and a variable, volume, mount, port, alias or Secret that is there twice. Many are offered
// at a time; where one of them is refused, they are offered one by one.
func TestTheAPIServerTakesWhatIsRendered(t *testing.T) {
	c, m := shared.Get(t), wholeMatrix(t)
	installDefinitions(t, c)
	documents := m.documents()
	ensureNamespaces(t, c, decode(t, stream(documents)))
	group := errgroup.Group{}
	group.SetLimit(renders)
	for several := range slices.Chunk(documents, 50) {
		group.Go(func() error {
			if dryRun(t, c, stream(several)) == nil {
				return nil
			}
			for _, one := range several {
				if err := dryRun(t, c, []byte(one.text)); err != nil {
					t.Errorf("%s: %v", one.of, err)
				}
			}
			return nil
		})
	}
	_ = group.Wait() // every failure is told already
	t.Logf("%d renderings with %d different objects", len(m.renderings), len(documents))
}

func stream(documents []document) []byte {
	texts := make([]string, 0, len(documents))
	for _, d := range documents {
		texts = append(texts, d.text)
	}
	return []byte(strings.Join(texts, "\n---\n"))
}

// TestTheParserFindsWhatIsThereTwice shows that the two tests above can fail.
func TestTheParserFindsWhatIsThereTwice(t *testing.T) {
	for claim, manifest := range map[string]string{
		"mapping key": "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, labels: {b: c, b: c}}}",
		"is there twice": "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}\n---\n" +
			"{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}",
	} {
		if err := parseStrictly([]byte(manifest)); err == nil || !strings.Contains(err.Error(), claim) {
			t.Errorf("the error is %v; it should say %q", err, claim)
		}
	}
	c := shared.Get(t)
	ensureNamespace(t, c, releaseNamespace)
	twice := bytes.Replace(theDeployment(t), []byte("        ports:"), []byte(
		"        env: [{name: A, value: b}, {name: A, value: b}]\n        ports:"), 1)
	if err := dryRun(t, c, twice); err == nil || !strings.Contains(err.Error(), "duplicate") {
		t.Errorf("the error is %v; it should speak of a duplicate", err)
	}
}

// theDeployment is the controller's manifest, as it is rendered without values.
func theDeployment(t *testing.T) []byte {
	t.Helper()
	wanted := release(nil)
	wanted.Args = []string{"--show-only", "templates/deployment.yaml"}
	return must.Get(helm(t).TemplateAll(t.Context(), wanted))(t)
}
