package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"
)

// crd-ref-docs reads comments and markers. The API server goes by what controller-gen makes of them, so that the pages
// have to say the same, and no less.
func TestThePageOfAKindSaysWhatTheAPIServerChecks(t *testing.T) {
	for _, kind := range []string{
		"VeroIssuer", "VeroClusterIssuer", "VeroOrder", "ManualIssuer", "ManualClusterIssuer", "ManualOrder",
		"TrackedCertificate", "MessagesPassword",
	} {
		sections, want := pageOf(t, kind), definitionOf(t, kind)
		got := slices.Sorted(maps.Keys(sections))
		if all := slices.Sorted(maps.Keys(want)); !slices.Equal(got, all) {
			t.Errorf("the page of %s has the sections %q, want %q", kind, got, all)
		}
		for section, texts := range want {
			for _, text := range texts {
				if !strings.Contains(sections[section], text) {
					t.Errorf("%s: %s does not say %q: %s", kind, section, text, sections[section])
				}
			}
		}
	}
}

// pageOf returns the sections of the page of a kind by their titles.
func pageOf(t *testing.T, kind string) map[string]string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(repository, "docs", "reference", strings.ToLower(kind)+".md"))
	if err != nil {
		t.Fatal(err)
	}
	sections := map[string]string{}
	for _, section := range strings.Split(string(content), "\n#")[1:] {
		title, text, _ := strings.Cut(section, "\n")
		sections[strings.Trim(title, "# `")] = strings.ReplaceAll(text, `\|`, "|")
	}
	return sections
}

// definitionOf returns what each section of the page of a kind has to say by its definition.
func definitionOf(t *testing.T, kind string) map[string][]string {
	t.Helper()
	definition := &apiextensionsv1.CustomResourceDefinition{}
	name := "varmenne.dev_" + strings.ToLower(kind) + "s.yaml"
	content, err := os.ReadFile(filepath.Join(repository, "charts", "varmenne-issuer", "files", "crds", name))
	if err == nil {
		err = yaml.UnmarshalStrict(content, definition)
	}
	if err != nil {
		t.Fatal(err)
	}
	names, version := definition.Spec.Names, definition.Spec.Versions[0]
	scope := map[apiextensionsv1.ResourceScope]string{"Cluster": "the cluster", "Namespaced": "a namespace"}
	want := map[string][]string{kind: {
		fmt.Sprintf("`apiVersion: %s/%s`, `kind: %s`", definition.Spec.Group, version.Name, names.Kind),
		"it belongs to " + scope[definition.Spec.Scope], "`kubectl get " + names.Plural + "`",
		"`" + strings.Join(names.ShortNames, "`, `") + "`", "`" + strings.Join(names.Categories, "` and `") + "`",
	}}
	for _, part := range []string{"spec", "status"} {
		schema := version.Schema.OpenAPIV3Schema.Properties[part]
		want[part] = checksOf(schema)
		collect(want, part, schema)
	}
	for _, column := range version.AdditionalPrinterColumns {
		shown := map[bool]string{true: "with `-o wide`", false: "always"}[column.Priority > 0]
		const title = "What kubectl shows"
		want[title] = append(want[title],
			"| "+strings.ToUpper(column.Name)+" | `"+column.JSONPath+"` | "+shown+" |")
	}
	return want
}

// collect adds the fields of an object, and those inside them.
func collect(want map[string][]string, path string, parent apiextensionsv1.JSONSchemaProps) {
	for name, field := range parent.Properties {
		inside := path + "." + name
		necessity := "optional"
		if slices.Contains(parent.Required, name) {
			necessity = "required"
		}
		if field.Default != nil && field.Items == nil { // that of a list of objects is told by its description
			necessity += ", default `" + strings.Trim(string(field.Default.Raw), `"`) + "`"
		}
		want[inside] = append(checksOf(field), ", "+necessity+".*", strings.Join(strings.Fields(field.Description)[1:], " "))
		if field.Items != nil {
			inside, field = inside+"[]", *field.Items.Schema
		}
		collect(want, inside, field)
	}
}

// checksOf returns what the API server checks of a value, as the page has to say it.
func checksOf(schema apiextensionsv1.JSONSchemaProps) []string {
	var checks []string
	for _, value := range schema.Enum {
		checks = append(checks, "`"+strings.Trim(string(value.Raw), `"`)+"`")
	}
	if schema.MaxLength != nil {
		checks = append(checks, fmt.Sprintf("%d characters", *schema.MaxLength))
	}
	if schema.MinLength != nil && schema.MaxLength == nil {
		checks = append(checks, "Not empty")
	}
	if schema.Minimum != nil {
		checks = append(checks, fmt.Sprintf("At least %g.", *schema.Minimum))
	}
	if schema.Maximum != nil {
		checks = append(checks, fmt.Sprintf("At most %g.", *schema.Maximum))
	}
	if schema.Pattern != "" {
		checks = append(checks, "Matches `"+schema.Pattern+"`.")
	}
	for _, rule := range schema.XValidations {
		checks = append(checks, "“"+rule.Message+"”")
	}
	return checks
}
