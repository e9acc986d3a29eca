package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// generate returns the properties of the schema of values.
func generate(t *testing.T, values string) object {
	t.Helper()
	content, err := Generate([]byte(values))
	if err != nil {
		t.Fatal(err)
	}
	var schema object
	if err := json.Unmarshal(content, &schema); err != nil {
		t.Fatal(err)
	}
	if additional, isBool := schema["additionalProperties"].(bool); additional || !isBool {
		t.Error("unknown keys are taken")
	}
	properties, _ := schema["properties"].(object)
	return properties
}

func TestSchemaFollowsDefaultsCommentsAndAnnotations(t *testing.T) {
	for claim, example := range map[string]struct {
		values string
		want   object
	}{
		"the default says the type": {
			"# -- Some text.\nkey: 3", object{"type": "integer", "description": "Some text."},
		},
		"a comment goes over several lines, up to the next mark": {
			"# -- Some\n# text.\n# @default -- three\nkey: true", object{"type": "boolean", "description": "Some text."},
		},
		"a type for helm-docs is no part of the description": {
			"# -- (int) Some text.\nkey: 3", object{"type": "integer", "description": "Some text."},
		},
		"what comes before an empty line is about something else": {
			"# @schema {minimum: 1}\n# -- Other text.\n\n# -- Some text.\nkey: 3",
			object{"type": "integer", "description": "Some text."},
		},
		"an annotation overrules the default": {
			"# @schema {type: [integer, 'null'], minimum: 1}\n# -- Some text.\nkey:",
			object{"type": []any{"integer", "null"}, "minimum": 1.0, "description": "Some text."},
		},
		"our own types are replaced by what they stand for, inside others too": {
			"# @schema {items: {type: port}}\n# -- Some text.\nkey: []",
			object{
				"type": "array", "description": "Some text.",
				"items": object{"type": "integer", "minimum": 1.0, "maximum": 65535.0},
			},
		},
		"a map has the keys of its default": {
			"key:\n  # -- Some text.\n  inner: a",
			object{
				"type": "object", "additionalProperties": false, "required": []any{"inner"},
				"properties": object{"inner": object{"type": "string", "description": "Some text."}},
			},
		},
		"a map that is annotated has keys of the user's": {
			"# @schema {additionalProperties: {type: string}}\n# -- Some text.\nkey:\n  inner: a",
			object{"type": "object", "additionalProperties": object{"type": "string"}, "description": "Some text."},
		},
	} {
		if got := generate(t, example.values)["key"]; !reflect.DeepEqual(got, example.want) {
			t.Errorf("%s: the schema is %v, want %v", claim, got, example.want)
		}
	}
}

func TestWhatTheChartCannotDoWithoutIsRequired(t *testing.T) {
	const values = `
global:
  # -- Text.
  key: a
section:
  # -- Text.
  text: a
  # -- Text.
  empty: ""
  # -- Text.
  yes: true
  # -- Text.
  "no": false
  # @schema {type: [integer, "null"]}
  # -- Text.
  nullable: 3
  # @schema {items: {type: string}}
  # -- Text.
  list: [a]
  # @schema {additionalProperties: true}
  # -- Text.
  map: {a: b}
`
	content, err := Generate([]byte(values))
	if err != nil {
		t.Fatal(err)
	}
	var schema struct {
		Required   []string `json:"required"`
		Properties map[string]struct {
			Required []string `json:"required"`
		} `json:"properties"`
	}
	if err := json.Unmarshal(content, &schema); err != nil {
		t.Fatal(err)
	}
	if got := schema.Required; !slices.Equal(got, []string{"section"}) {
		t.Errorf("of the chart %v are required", got)
	}
	if got := schema.Properties["section"].Required; !slices.Equal(got, []string{"text", "yes"}) {
		t.Errorf("of the section %v are required", got)
	}
}

func TestWhatCannotBeGuessedHasToBeSaid(t *testing.T) {
	for values, want := range map[string]string{
		"# -- Some text.\nkey: {}":              "line 2: .key: say what the empty map may hold",
		"# -- Some text.\nkey: []":              "line 2: .key: say what the list may hold",
		"# -- Some text.\nkey:":                 "line 2: .key: say which type it has",
		"outer:\n  key: 3":                      "line 2: .outer.key: a comment that begins with `# --`",
		"# @schema minimum\n# -- Text.\nkey: 3": "line 3: .key: the annotation \"minimum\"",
		"[]":                                    "there are no values",
		"":                                      "there are no values",
	} {
		if _, err := Generate([]byte(values)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: the error is %v; it should say %q", values, err, want)
		}
	}
}

func TestAChartThatDependsOnThisOneMaySetItsOwn(t *testing.T) {
	properties := generate(t, "# -- Some text.\nkey: 3")
	for _, name := range []string{"global", "enabled"} {
		if properties[name] == nil {
			t.Errorf("%s is refused", name)
		}
	}
}

func TestFilesAreReadAndWritten(t *testing.T) {
	directory := t.TempDir()
	values, output := filepath.Join(directory, "values.yaml"), filepath.Join(directory, "values.schema.json")
	if err := run(values, output); err == nil {
		t.Error("values that are not there are taken")
	}
	if err := os.WriteFile(values, []byte("# -- Some text.\nkey: {"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := run(values, output); err == nil || !strings.Contains(err.Error(), values) {
		t.Errorf("the error is %v; it should name the file", err)
	}
	if err := os.WriteFile(values, []byte("# -- Some text.\nkey: 3"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := run(values, output); err != nil {
		t.Fatal(err)
	}
	if content, err := os.ReadFile(output); err != nil || !json.Valid(content) {
		t.Errorf("what is written is %q: %v", content, err)
	}
}
