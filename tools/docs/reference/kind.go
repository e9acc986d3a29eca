package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"
)

// pageOf is the page of a kind, by its plural.
func pageOf(plural string) string { return strings.TrimSuffix(plural, "s") + ".md" }

// kindPage describes a kind as its CustomResourceDefinition does.
func kindPage(path string) (string, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	definition := &apiextensionsv1.CustomResourceDefinition{}
	if err := yaml.UnmarshalStrict(content, definition); err != nil {
		return "", err
	}
	names, version := definition.Spec.Names, definition.Spec.Versions[0]
	schema := version.Schema.OpenAPIV3Schema
	text := &strings.Builder{}
	fmt.Fprintf(text, generated, "the comments of api/v1alpha1")
	fmt.Fprintf(text, "# %s\n\n%s\n\n", names.Kind, paragraph(schema.Description))
	fmt.Fprintf(text, "`apiVersion: %s/%s`, `kind: %s`; %s. `kubectl get %s`, for short `%s`; also in the categories "+
		"%s.\n\n",
		definition.Spec.Group, version.Name, names.Kind, scope(definition.Spec.Scope), names.Plural,
		strings.Join(names.ShortNames, "`, `"), "`"+strings.Join(names.Categories, "` and `")+"`")
	for _, part := range []string{"spec", "status"} {
		fmt.Fprintf(text, "## %s\n\n", part)
		property := schema.Properties[part]
		fmt.Fprintf(text, "%s\n\n", paragraph(property.Description))
		writeRules(text, property.XValidations)
		writeFields(text, part, property)
	}
	writeColumns(text, version.AdditionalPrinterColumns)
	return text.String(), nil
}

func scope(scope apiextensionsv1.ResourceScope) string {
	if scope == apiextensionsv1.ClusterScoped {
		return "it belongs to the cluster"
	}
	return "it belongs to a namespace"
}

// paragraph joins the lines of a description.
func paragraph(text string) string { return strings.Join(strings.Fields(text), " ") }

// writeRules lists the rules that bind several fields together.
func writeRules(text *strings.Builder, rules apiextensionsv1.ValidationRules) {
	for _, rule := range rules {
		fmt.Fprintf(text, "- Refused otherwise: “%s”\n", rule.Message)
	}
	if len(rules) > 0 {
		text.WriteString("\n")
	}
}

// field is a row of the table.
type field struct {
	path     string
	required bool
	schema   apiextensionsv1.JSONSchemaProps
}

// writeFields writes one entry for each field, the ones inside it after it.
func writeFields(text *strings.Builder, prefix string, parent apiextensionsv1.JSONSchemaProps) {
	for _, f := range fieldsOf(prefix, parent) {
		necessity := "optional"
		if f.required {
			necessity = "required"
		}
		fmt.Fprintf(text, "### `%s`\n\n", f.path)
		fmt.Fprintf(text, "*%s, %s%s.* %s\n\n", typeOf(f.schema), necessity, defaultOf(f.schema),
			described(f.path, f.schema.Description))
		for _, limit := range limitsOf(f.schema) {
			fmt.Fprintf(text, "- %s\n", limit)
		}
		if len(limitsOf(f.schema)) > 0 {
			text.WriteString("\n")
		}
	}
}

// described is the description of a field, which begins with the field's name as Go writes it.
func described(path, description string) string {
	text := paragraph(description)
	name := path[strings.LastIndexByte(path, '.')+1:]
	first, rest, _ := strings.Cut(text, " ")
	if strings.EqualFold(first, name) {
		return "`" + name + "` " + rest
	}
	return text
}

// fieldsOf lists the fields of an object and of the objects inside it: required ones first, then by name.
func fieldsOf(prefix string, parent apiextensionsv1.JSONSchemaProps) []field {
	var fields []field
	names := make([]string, 0, len(parent.Properties))
	for name := range parent.Properties {
		names = append(names, name)
	}
	isRequired := func(name string) bool { return slices.Contains(parent.Required, name) }
	slices.SortFunc(names, func(one, other string) int {
		if isRequired(one) != isRequired(other) {
			if isRequired(one) {
				return -1
			}
			return 1
		}
		return strings.Compare(one, other)
	})
	for _, name := range names {
		schema := parent.Properties[name]
		path := prefix + "." + name
		fields = append(fields, field{path: path, required: isRequired(name), schema: schema})
		switch {
		case schema.Type == "array" && schema.Items != nil && schema.Items.Schema != nil:
			fields = append(fields, fieldsOf(path+"[]", *schema.Items.Schema)...)
		default:
			fields = append(fields, fieldsOf(path, schema)...)
		}
	}
	return fields
}

func typeOf(schema apiextensionsv1.JSONSchemaProps) string {
	switch {
	case schema.Format == "byte":
		return "bytes in base64"
	case schema.Format == "date-time":
		return "time"
	case schema.Type == "array":
		return "list"
	default:
		return schema.Type
	}
}

func defaultOf(schema apiextensionsv1.JSONSchemaProps) string {
	if schema.Default == nil {
		return ""
	}
	return ", default `" + strings.Trim(string(schema.Default.Raw), `"`) + "`"
}

// limitsOf lists what the API server checks.
func limitsOf(schema apiextensionsv1.JSONSchemaProps) []string {
	var limits []string
	if len(schema.Enum) > 0 {
		values := make([]string, 0, len(schema.Enum))
		for _, value := range schema.Enum {
			values = append(values, "`"+strings.Trim(string(value.Raw), `"`)+"`")
		}
		limits = append(limits, "One of "+strings.Join(values, ", ")+".")
	}
	switch {
	case schema.MinLength != nil && schema.MaxLength != nil:
		limits = append(limits, fmt.Sprintf("%d to %d characters.", *schema.MinLength, *schema.MaxLength))
	case schema.MaxLength != nil:
		limits = append(limits, fmt.Sprintf("At most %d characters.", *schema.MaxLength))
	case schema.MinLength != nil:
		limits = append(limits, "Not empty.")
	}
	if schema.Minimum != nil {
		limits = append(limits, fmt.Sprintf("At least %g.", *schema.Minimum))
	}
	if schema.Pattern != "" {
		limits = append(limits, "Matches `"+schema.Pattern+"`.")
	}
	for _, rule := range schema.XValidations {
		limits = append(limits, "Refused otherwise: “"+rule.Message+"”")
	}
	return limits
}

// writeColumns says what kubectl shows.
func writeColumns(text *strings.Builder, columns []apiextensionsv1.CustomResourceColumnDefinition) {
	text.WriteString("## What kubectl shows\n\n| Column | Field | Shown |\n| --- | --- | --- |\n")
	for _, column := range columns {
		shown := "always"
		if column.Priority > 0 {
			shown = "with `-o wide`"
		}
		fmt.Fprintf(text, "| %s | `%s` | %s |\n", strings.ToUpper(column.Name),
			strings.ReplaceAll(column.JSONPath, "|", `\|`), shown)
	}
}
