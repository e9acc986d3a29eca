package chart_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/varmenne/varmenne-issuer/internal/must"
)

// schema is a part of values.schema.json.
type schema struct {
	Type                 any               `json:"type"`
	Properties           map[string]schema `json:"properties"`
	AdditionalProperties any               `json:"additionalProperties"`
	Items                *schema           `json:"items"`
	Required             []string          `json:"required"`
	Enum                 []any             `json:"enum"`
	Pattern              string            `json:"pattern"`
	Minimum              int               `json:"minimum"`
}

// forParents is the value that no template reads: charts that depend on this one set it, as a condition.
const forParents = "enabled"

func readSchema(t *testing.T, chart string) schema {
	t.Helper()
	content := must.Get(os.ReadFile(filepath.Join(chart, "values.schema.json")))(t)
	var result schema
	must.Do(t, json.Unmarshal(content, &result))
	delete(result.Properties, forParents)
	return result
}

// fixed reports whether the keys of an object are the chart's, and not the user's.
func (s schema) fixed() bool { return len(s.Properties) > 0 }

// walk visits the schema and everything in it that has keys of its own.
func (s schema) walk(path []string, visit func(path []string, s schema)) {
	visit(path, s)
	if !s.fixed() {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		s.Properties[name].walk(append(slices.Clone(path), name), visit)
	}
}

// types of a value.
func (s schema) types() []string {
	if names, ok := s.Type.([]any); ok {
		all := make([]string, 0, len(names))
		for _, name := range names {
			all = append(all, fmt.Sprint(name))
		}
		return all
	}
	return []string{fmt.Sprint(s.Type)}
}

// sample is a value that the schema allows, and another than the one that is there.
func (s schema) sample(there any) any {
	if len(s.Enum) > 0 {
		return s.Enum[slices.IndexFunc(s.Enum, func(v any) bool { return v != there })]
	}
	switch s.types()[0] {
	case "boolean":
		set, _ := there.(bool)
		return !set
	case "integer":
		number, _ := there.(float64)
		return max(int(number), s.Minimum) + 7 // Ports of the chart are neighbors.
	case "array":
		return []any{s.Items.sample(nil)}
	case "object":
		return s.sampleObject()
	}
	return s.sampleText()
}

func (s schema) sampleText() string {
	switch {
	case strings.Contains(s.Pattern, "sha256"):
		return "sha256:" + strings.Repeat("5", 64)
	case strings.Contains(s.Pattern, "ms"):
		return "7000h"
	}
	return "example"
}

func (s schema) sampleObject() map[string]any {
	object := map[string]any{}
	for _, name := range s.Required {
		object[name] = s.Properties[name].sample(nil)
	}
	if len(object) > 0 {
		return object
	}
	values := schema{Type: "string"}
	if inner, ok := s.AdditionalProperties.(map[string]any); ok {
		values.Type = inner["type"]
	}
	object["example"] = values.sample(nil)
	return object
}

func TestUnknownKeysAreRefusedAtEveryLevel(t *testing.T) {
	helm := helm(t)
	levels := 0
	readSchema(t, helm.Chart).walk(nil, func(path []string, s schema) {
		if !s.fixed() || s.AdditionalProperties != any(false) {
			return
		}
		levels++
		key := strings.Join(append(slices.Clone(path), "unheardOf"), ".")
		t.Run(key, func(t *testing.T) {
			t.Parallel()
			values := with(nil, append(slices.Clone(path), "unheardOf"), true)
			_, err := helm.Template(t.Context(), release(values))
			if err == nil || !strings.Contains(err.Error(), "unheardOf") {
				t.Errorf("the error is %v; it should name the key", err)
			}
		})
	})
	if levels < 20 {
		t.Errorf("the schema has %d levels only", levels)
	}
}

func TestValuesOfAChartThatDependsOnThisOneAreTaken(t *testing.T) {
	for _, global := range []string{
		`null`, `{anything: true}`, `{imageRegistry: null, priorityClassName: null}`,
		`{imagePullSecrets: null, commonLabels: null, revisionHistoryLimit: null}`,
	} {
		render(t, fromYAML(t, `{enabled: true, global: `+global+`}`))
	}
}

func TestHelmFindsNothingToComplainOf(t *testing.T) {
	helm := helm(t)
	for name := range settings(t) {
		said, err := helm.Run(t.Context(), nil,
			"lint", "--strict", helm.Chart, "--namespace", releaseNamespace, "--values", "testdata/values/"+name+".yaml")
		if err != nil {
			t.Errorf("%s: %v: %s", name, err, said)
		}
	}
}
