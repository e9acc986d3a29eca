// Command valuesschema writes the JSON schema of a chart's values from its values.yaml. Types come from the defaults,
// descriptions from the comments that helm-docs reads (`# -- …`), and what a default cannot tell from an annotation: a
// line `# @schema {…}` with keywords of JSON schema. Keys that values.yaml does not have are refused at every level,
// and so are values without a key that the chart cannot do without.
//
// It is no tool from the shelf because of what it refuses: an empty map or list, or a default of null, of which nobody
// has said what it may hold, and a value without a description. helm-values-schema-json takes the first for a map
// without keys, the second for a list of anything, the third for null alone, and the fourth without a word. It has no
// types with a name either, such as duration, which eighteen values have.
package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	values := flag.String("values", "values.yaml", "`file` to read")
	output := flag.String("output", "values.schema.json", "`file` to write")
	flag.Parse()
	if err := run(*values, *output); err != nil {
		fmt.Fprintln(os.Stderr, "valuesschema:", err)
		os.Exit(1)
	}
}

func run(values, output string) error {
	content, err := os.ReadFile(values)
	if err != nil {
		return err
	}
	schema, err := Generate(content)
	if err != nil {
		return fmt.Errorf("%s: %w", values, err)
	}
	return os.WriteFile(output, schema, 0o644)
}
