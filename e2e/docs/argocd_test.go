package docs

import (
	"fmt"
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

const gitopsPage = "docs/how-to/gitops.md"

// kinds are those that the chart defines, with the states that each may have.
func kinds(t *testing.T) map[string][]string {
	t.Helper()
	pattern := filepath.Join(repository(t), "charts", "varmenne-issuer", "files", "crds", "*.yaml")
	found := map[string][]string{}
	for _, path := range must.Get(filepath.Glob(pattern))(t) {
		var definition apiextensionsv1.CustomResourceDefinition
		must.Do(t, yaml.Unmarshal(must.Get(os.ReadFile(path))(t), &definition))
		status := definition.Spec.Versions[0].Schema.OpenAPIV3Schema.Properties["status"]
		enum := status.Properties["state"].Enum
		states := make([]string, 0, len(enum))
		for _, state := range enum {
			states = append(states, strings.Trim(string(state.Raw), `"`))
		}
		found[definition.Spec.Names.Kind] = states
	}
	if len(found) < 8 {
		t.Fatalf("the chart defines %v only", found)
	}
	return found
}

// healthScripts are the scripts that the page has people put into Argo CD, by their key.
func healthScripts(t *testing.T) map[string]string {
	t.Helper()
	for _, b := range blocksOf(t, gitopsPage, read(t, gitopsPage)) {
		if b.language == "yaml" && strings.Contains(b.text, "name: argocd-cm\n") {
			var config corev1.ConfigMap
			must.Do(t, yaml.Unmarshal([]byte(b.text), &config))
			return config.Data
		}
	}
	t.Fatalf("%s shows no ConfigMap argocd-cm", gitopsPage)
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
	const generation, observed = "metadata: {generation: 2}, ", "status: {observedGeneration: 2, "
	scripts := healthScripts(t)
	for kind := range kinds(t) {
		stale, notReady := "Progressing", "Degraded"
		if kind == "VeroOrder" { // its spec never changes
			stale = "Healthy"
		}
		if strings.HasSuffix(kind, "Order") {
			notReady = "Progressing"
		}
		for status, want := range map[string]string{
			"": "Progressing",
			observed + "conditions: [{type: Ready, status: Unknown}]}":                          "Progressing",
			observed + "conditions: [{type: Ready, status: 'True'}]}":                           "Healthy",
			"status: {observedGeneration: 1, conditions: [{type: Ready, status: 'True'}]}":      stale,
			observed + "conditions: [{type: Other, status: 'True'}]}":                           "Progressing",
			observed + "conditions: [{type: Ready, status: 'False'}]}":                          notReady,
			observed + "conditions: [{type: Ready, status: 'False', reason: ProvingPassword}]}": "Progressing",
			observed + "state: Failed, conditions: [{type: Ready, status: 'False'}]}":           "Degraded",
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

// TestArgoCDTellsTheHealthOfEveryState with the status of Ready that the controllers write beside it.
func TestArgoCDTellsTheHealthOfEveryState(t *testing.T) {
	wants := map[string]map[string][2]string{
		"VeroOrder": {
			"Pending": {"False", "Progressing"}, "Submitting": {"False", "Progressing"}, "Submitted": {"False", "Progressing"},
			"Issued": {"True", "Healthy"}, "Failed": {"False", "Degraded"},
		},
		"ManualOrder": {
			"AwaitingApplication": {"False", "Progressing"}, "Applied": {"False", "Progressing"},
			"AwaitingValidity": {"False", "Progressing"}, "Stale": {"False", "Progressing"}, "Issued": {"True", "Healthy"},
		},
		"MessagesPassword": {
			"Idle": {"True", "Healthy"}, "Prepared": {"True", "Healthy"}, "Sent": {"True", "Healthy"},
			"Settling": {"False", "Degraded"},
		},
	}
	scripts := healthScripts(t)
	for kind, states := range kinds(t) {
		for _, state := range states {
			want, known := wants[kind][state]
			if !known {
				t.Errorf("nobody says what a %s is for Argo CD in the state %s", kind, state)
				continue
			}
			object := fmt.Sprintf("{kind: %s, metadata: {generation: 2}, status: {observedGeneration: 2, state: %s, "+
				"conditions: [{type: Other, status: 'True'}, {type: Ready, status: '%s'}]}}", kind, state, want[0])
			if got := healthOf(t, scripts["resource.customizations.health.varmenne.dev_"+kind], object); got != want[1] {
				t.Errorf("a %s in the state %s, Ready %s, is %s, want %s", kind, state, want[0], got, want[1])
			}
		}
	}
}
