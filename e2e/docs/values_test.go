package docs

import (
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/varmenne/varmenne-issuer/internal/must"
)

// valuesLanguage marks blocks that are values of the chart.
const valuesLanguage = "yaml values"

// chartValues are the values of the chart with their defaults.
func chartValues(t *testing.T) map[string]any {
	t.Helper()
	values := map[string]any{}
	must.Do(t, yaml.Unmarshal([]byte(read(t, "charts", "varmenne-issuer", "values.yaml")), &values))
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

// exists reports whether there is a value. Below an empty object everything is the user's.
func exists(values map[string]any, path []string) bool {
	value, found := values[path[0]]
	inside, isObject := value.(map[string]any)
	if !found || len(path) == 1 || (isObject && len(inside) == 0) {
		return found
	}
	return exists(inside, path[1:])
}
