package chart_test

import (
	"bytes"
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/varmenne/varmenne-issuer/e2e/chart"
	"github.com/varmenne/varmenne-issuer/internal/must"
)

// renders is how many helms run at once.
const renders = 4

// TestEveryValueIsRead changes every value of the schema, one at a time, and wants another rendering. It starts from
// the settings of testdata, because many a value is of no consequence before another one is set.
func TestEveryValueIsRead(t *testing.T) {
	if unread := wholeMatrix(t).unread; len(unread) > 0 {
		t.Errorf("no template reads %s", strings.Join(unread, ", "))
	}
}

func TestAValueThatNoTemplateReadsIsFound(t *testing.T) {
	helm := helm(t)
	original := helm.Chart
	helm.Chart = filepath.Join(t.TempDir(), chart.Name)
	must.Do(t, os.CopyFS(helm.Chart, os.DirFS(original)))
	edit(t, filepath.Join(helm.Chart, "values.yaml"), "log:\n", "log:\n  nobodyReads: this\n")
	edit(t, filepath.Join(helm.Chart, "values.schema.json"),
		`"level": {`, `"nobodyReads": {"type": "string"}, "level": {`)
	if unread := renderMatrix(t, helm, "log.").unread; !slices.Equal(unread, []string{"log.nobodyReads"}) {
		t.Errorf("unread are %q, want log.nobodyReads", unread)
	}
}

func edit(t *testing.T, file, before, after string) {
	t.Helper()
	content := must.Get(os.ReadFile(file))(t)
	if !bytes.Contains(content, []byte(before)) {
		t.Fatalf("%s does not contain %q", file, before)
	}
	content = bytes.Replace(content, []byte(before), []byte(after), 1)
	must.Do(t, os.WriteFile(file, content, 0o600))
}

// renderMatrix renders the settings, and for each value whose name begins so another value of it. A value is unread
// whose change changes nothing, whatever setting it starts from.
func renderMatrix(t *testing.T, helm chart.Helm, begin string) matrix {
	t.Helper()
	starts := startingPoints(t, helm)
	special := readValues(t, filepath.Join("testdata", "samples.yaml"))
	m := matrix{renderings: map[string][]byte{}}
	for _, from := range starts {
		m.renderings[from.name] = from.rendered
	}
	var mutex sync.Mutex
	group, ctx := errgroup.WithContext(t.Context())
	group.SetLimit(renders)
	readSchema(t, helm.Chart).walk(nil, func(path []string, s schema) {
		name := strings.Join(path, ".")
		if s.fixed() || !strings.HasPrefix(name, begin) {
			return
		}
		group.Go(func() error {
			rendered := changed(ctx, helm, starts, path, func(there any) any {
				if value, ok := special[name]; ok {
					return value
				}
				return s.sample(there)
			})
			mutex.Lock()
			defer mutex.Unlock()
			if rendered == nil {
				m.unread = append(m.unread, name)
			} else {
				m.renderings[name] = rendered
			}
			return nil
		})
	})
	must.Do(t, group.Wait())
	slices.Sort(m.unread)
	return m
}

// start is a setting and its rendering.
type start struct {
	name     string
	values   map[string]any // of the setting
	complete map[string]any // with the chart's defaults
	rendered []byte
}

func startingPoints(t *testing.T, helm chart.Helm) []start {
	t.Helper()
	all, defaults := settings(t), readValues(t, filepath.Join(helm.Chart, "values.yaml"))
	starts := make([]start, 0, len(all))
	for _, name := range slices.Sorted(maps.Keys(all)) {
		rendered, err := helm.TemplateAll(t.Context(), release(all[name]))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		starts = append(starts, start{name, all[name], merged(defaults, all[name]), rendered})
	}
	return starts
}

// changed is the first rendering of a setting that a value changes. One that the chart refuses in one setting, because
// of another value, has to do so in the next.
func changed(
	ctx context.Context, helm chart.Helm, starts []start, path []string, sample func(there any) any,
) []byte {
	for _, from := range starts {
		there, _, _ := unstructured.NestedFieldNoCopy(from.complete, path...)
		rendered, err := helm.TemplateAll(ctx, release(with(from.values, path, sample(there))))
		if err == nil && !bytes.Equal(rendered, from.rendered) {
			return rendered
		}
	}
	return nil
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
