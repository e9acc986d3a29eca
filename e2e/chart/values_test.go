package chart_test

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sync/errgroup"
	"sigs.k8s.io/yaml"

	"github.com/varmenne/varmenne-issuer/e2e/chart"
)

// specialSamples are values that have to name something that is there.
var specialSamples = map[string]any{"prometheusRule.disabledAlerts": []any{"VarmenneIssuerNotReady"}}

// renders is how many helms run at once.
const renders = 4

// TestEveryValueIsRead changes every value of the schema, one at a time, and wants another rendering. It starts from
// the settings of testdata, because many a value is of no consequence before another one is set.
func TestEveryValueIsRead(t *testing.T) {
	if unread := unreadValues(t, helm(t), ""); len(unread) > 0 {
		t.Errorf("no template reads %s", strings.Join(unread, ", "))
	}
}

func TestAValueThatNoTemplateReadsIsFound(t *testing.T) {
	helm := helm(t)
	original := helm.Chart
	helm.Chart = filepath.Join(t.TempDir(), chart.Name)
	if err := os.CopyFS(helm.Chart, os.DirFS(original)); err != nil {
		t.Fatal(err)
	}
	edit(t, filepath.Join(helm.Chart, "values.yaml"), "log:\n", "log:\n  nobodyReads: this\n")
	edit(t, filepath.Join(helm.Chart, "values.schema.json"),
		`"level": {`, `"nobodyReads": {"type": "string"}, "level": {`)
	if unread := unreadValues(t, helm, "log."); !slices.Equal(unread, []string{"log.nobodyReads"}) {
		t.Errorf("unread are %q, want log.nobodyReads", unread)
	}
}

func edit(t *testing.T, file, before, after string) {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(content, []byte(before)) {
		t.Fatalf("%s does not contain %q", file, before)
	}
	content = bytes.Replace(content, []byte(before), []byte(after), 1)
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// unreadValues lists the values whose change changes nothing, whatever setting it starts from, of those whose names
// begin so.
func unreadValues(t *testing.T, helm chart.Helm, begin string) []string {
	t.Helper()
	starts := startingPoints(t, helm)
	var unread []string
	var mutex sync.Mutex
	group, ctx := errgroup.WithContext(t.Context())
	group.SetLimit(renders)
	readSchema(t, helm.Chart).walk(nil, func(path []string, s schema) {
		name := strings.Join(path, ".")
		if s.fixed() || !strings.HasPrefix(name, begin) {
			return
		}
		group.Go(func() error {
			if !changesSomething(ctx, helm, starts, path, s) {
				mutex.Lock()
				defer mutex.Unlock()
				unread = append(unread, name)
			}
			return nil
		})
	})
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	slices.Sort(unread)
	return unread
}

// start is a setting and its rendering.
type start struct {
	values   map[string]any // of the setting
	complete map[string]any // with the chart's defaults
	rendered []byte
}

func startingPoints(t *testing.T, helm chart.Helm) []start {
	t.Helper()
	all := settings(t)
	starts := make([]start, 0, len(all))
	for name, values := range all {
		rendered, err := helm.TemplateAll(t.Context(), release(values))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		starts = append(starts, start{values, merged(defaultValues(t, helm.Chart), values), rendered})
	}
	return starts
}

// changesSomething is whether a value changes the rendering of a setting. One that the chart refuses in one setting,
// because of another value, has to do so in the next.
func changesSomething(ctx context.Context, helm chart.Helm, starts []start, path []string, s schema) bool {
	for _, from := range starts {
		value, special := specialSamples[strings.Join(path, ".")]
		if !special {
			value = s.sample(lookUp(from.complete, path))
		}
		rendered, err := helm.TemplateAll(ctx, release(with(from.values, path, value)))
		if err == nil && !bytes.Equal(rendered, from.rendered) {
			return true
		}
	}
	return false
}

func defaultValues(t *testing.T, directory string) map[string]any {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(directory, "values.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	content, err = yaml.YAMLToJSONStrict(content)
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]any{}
	if err := json.Unmarshal(content, &values); err != nil {
		t.Fatal(err)
	}
	return values
}

// merged is what helm makes of defaults and values.
func merged(defaults, values map[string]any) map[string]any {
	result := maps.Clone(defaults)
	for key, value := range values {
		inner, isMap := value.(map[string]any)
		below, wasMap := result[key].(map[string]any)
		if isMap && wasMap {
			value = merged(below, inner)
		}
		result[key] = value
	}
	return result
}

func lookUp(values map[string]any, path []string) any {
	if len(path) == 1 {
		return values[path[0]]
	}
	inner, _ := values[path[0]].(map[string]any)
	return lookUp(inner, path[1:])
}
