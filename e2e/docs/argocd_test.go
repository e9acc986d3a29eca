package docs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	lua "github.com/yuin/gopher-lua"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"

	"github.com/varmenne/varmenne-issuer/internal/must"
)

const installPage = "docs/operations/install.md"

// kinds are those that the chart defines.
func kinds(t *testing.T) []string {
	t.Helper()
	pattern := filepath.Join(repository(t), "charts", "varmenne-issuer", "files", "crds", "*.yaml")
	paths := must.Get(filepath.Glob(pattern))(t)
	found := make([]string, 0, len(paths))
	for _, path := range paths {
		var definition apiextensionsv1.CustomResourceDefinition
		must.Do(t, yaml.Unmarshal(must.Get(os.ReadFile(path))(t), &definition))
		found = append(found, definition.Spec.Names.Kind)
	}
	if len(found) < 8 {
		t.Fatalf("the chart defines %q only", found)
	}
	return found
}

// healthScripts are the scripts that the page has people put into Argo CD, by their key.
func healthScripts(t *testing.T) map[string]string {
	t.Helper()
	for _, b := range blocksOf(t, installPage, read(t, installPage)) {
		if b.language == "yaml" && strings.Contains(b.text, "name: argocd-cm\n") {
			var config corev1.ConfigMap
			must.Do(t, yaml.Unmarshal([]byte(b.text), &config))
			return config.Data
		}
	}
	t.Fatalf("%s shows no ConfigMap argocd-cm", installPage)
	return nil
}

// healthOf runs a script as Argo CD does: with the libraries that it opens, and no others.
func healthOf(t *testing.T, script, object string) string {
	t.Helper()
	state := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer state.Close()
	for name, open := range map[string]lua.LGFunction{
		lua.LoadLibName: lua.OpenPackage, lua.BaseLibName: lua.OpenBase, lua.TabLibName: lua.OpenTable,
	} {
		must.Do(t, state.CallByParam(lua.P{Fn: state.NewFunction(open), Protect: true}, lua.LString(name)))
	}
	var parsed any
	must.Do(t, yaml.Unmarshal([]byte(object), &parsed))
	state.SetGlobal("obj", luaValue(state, parsed))
	must.Do(t, state.DoString(script))
	health, isTable := state.Get(-1).(*lua.LTable)
	if !isTable {
		t.Fatalf("the script returns %v", state.Get(-1))
	}
	return health.RawGetString("status").String()
}

// luaValue is a value of a manifest in Lua.
func luaValue(state *lua.LState, value any) lua.LValue {
	switch v := value.(type) {
	case map[string]any:
		table := state.NewTable()
		for key, element := range v {
			table.RawSetString(key, luaValue(state, element))
		}
		return table
	case []any:
		table := state.NewTable()
		for _, element := range v {
			table.Append(luaValue(state, element))
		}
		return table
	case float64:
		return lua.LNumber(v)
	case string:
		return lua.LString(v)
	default:
		return lua.LNil
	}
}

// TestArgoCDTellsTheHealthOfEveryKind by the scripts of the page.
func TestArgoCDTellsTheHealthOfEveryKind(t *testing.T) {
	const generation = "metadata: {generation: 2}, "
	scripts := healthScripts(t)
	for _, kind := range kinds(t) {
		stale, notReady := "Progressing", "Degraded"
		if kind == "VeroOrder" { // its spec never changes
			stale = "Healthy"
		}
		if strings.HasSuffix(kind, "Order") {
			notReady = "Progressing"
		}
		for status, want := range map[string]string{
			"": "Progressing",
			"status: {observedGeneration: 2, conditions: [{type: Ready, status: Unknown}]}":                "Progressing",
			"status: {observedGeneration: 2, conditions: [{type: Ready, status: 'True'}]}":                 "Healthy",
			"status: {observedGeneration: 1, conditions: [{type: Ready, status: 'True'}]}":                 stale,
			"status: {observedGeneration: 2, conditions: [{type: Other, status: 'True'}]}":                 "Progressing",
			"status: {observedGeneration: 2, conditions: [{type: Ready, status: 'False'}]}":                notReady,
			"status: {observedGeneration: 2, state: Failed, conditions: [{type: Ready, status: 'False'}]}": "Degraded",
		} {
			script, shown := scripts["resource.customizations.health.varmenne.dev_"+kind]
			if !shown {
				t.Fatalf("the page has no script for %s", kind)
			}
			if got := healthOf(t, script, "{kind: "+kind+", "+generation+status+"}"); got != want {
				t.Errorf("a %s with %q is %s, want %s", kind, status, got, want)
			}
		}
	}
}
