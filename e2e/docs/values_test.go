package docs

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// valuesLanguage marks blocks that are values of the chart.
const valuesLanguage = "yaml values"

// chartValues are the values of the chart with their defaults.
func chartValues(t *testing.T) map[string]any {
	t.Helper()
	values := map[string]any{}
	if err := yaml.Unmarshal([]byte(read(t, "charts", "varmenne-issuer", "values.yaml")), &values); err != nil {
		t.Fatal(err)
	}
	return values
}

// lookUp says what is wrong with values, compared with the chart's own. Below an empty object or a list everything is
// the user's.
func lookUp(path string, given, known any) []string {
	wanted, isObject := given.(map[string]any)
	have, hasObject := known.(map[string]any)
	switch {
	case !isObject && hasObject:
		return []string{path + " is an object in the chart"}
	case !isObject:
		return nil
	case !hasObject:
		return []string{path + " is no object in the chart"}
	case len(have) == 0:
		return nil
	}
	var problems []string
	for name, value := range wanted {
		inside := strings.TrimPrefix(path+"."+name, ".")
		if _, exists := have[name]; !exists {
			problems = append(problems, inside+" does not exist")
			continue
		}
		problems = append(problems, lookUp(inside, value, have[name])...)
	}
	return problems
}

func TestEveryValueOfTheChartThatIsShownExists(t *testing.T) {
	known, shown := chartValues(t), 0
	for page, content := range pages(t) {
		for _, b := range blocksOf(t, page, content) {
			if b.language != valuesLanguage {
				continue
			}
			shown++
			given := map[string]any{}
			if err := yaml.UnmarshalStrict([]byte(b.text), &given); err != nil {
				t.Errorf("%s:%d: %v", b.page, b.line, err)
			}
			for _, problem := range lookUp("", given, known) {
				t.Errorf("%s:%d: %s", b.page, b.line, problem)
			}
		}
	}
	if shown == 0 {
		t.Error("no page shows values")
	}
}

// TestEveryValueOfTheChartThatIsNamedExists looks at `words.with.dots` that begin as a value does, and at --set.
func TestEveryValueOfTheChartThatIsNamedExists(t *testing.T) {
	known := chartValues(t)
	named := regexp.MustCompile("`([a-z][A-Za-z]*(?:\\.[A-Za-z]+)+)(?::[^`]*)?`|--set ([A-Za-z.]+)=")
	notOurs := []string{"service"} // part of names that are none of ours
	for page, content := range pages(t) {
		for _, match := range named.FindAllStringSubmatch(content, -1) {
			path := strings.Split(match[1]+match[2], ".")
			if _, ours := known[path[0]]; !ours || slices.Contains(notOurs, path[0]) {
				continue
			}
			if err := find(known, path); err != nil {
				t.Errorf("%s names %s: %v", page, strings.Join(path, "."), err)
			}
		}
	}
}

func find(values map[string]any, path []string) error {
	value, exists := values[path[0]]
	if !exists {
		return fmt.Errorf("there is no value %s", path[0])
	}
	inside, isObject := value.(map[string]any)
	if len(path) == 1 || (isObject && len(inside) == 0) {
		return nil
	}
	return find(inside, path[1:])
}
