package archtest

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/go/packages"

	"github.com/varmenne/varmenne-issuer/internal/must"
)

func TestModuleKeepsToTheImportRules(t *testing.T) {
	for _, violation := range check(load(t, "../.."), rules) {
		t.Error(violation)
	}
}

// Loader, table and check have to be able to fail together: a module on disk breaks three rules.
func TestViolationsInARealModuleAreFound(t *testing.T) {
	found := check(load(t, "testdata/violation"), rules)
	for _, want := range []string{
		"internal/vero/order imports internal/vero/issuer: controllers meet only in the API's objects, " +
			"and declare the interfaces of the clients they use",
		"internal/helper: no rule knows this package; give it a row that says what it may import",
		"internal/vero/protocol reaches net/http: protocol holds the service's messages as values, without network " +
			"(github.com/varmenne/varmenne-issuer/internal/vero/protocol → net/http)",
	} {
		if !slices.Contains(found, want) {
			t.Errorf("not found: %s\nfound: %q", want, found)
		}
	}
}

func TestCheck(t *testing.T) {
	const module = "example.com/product"
	for claim, c := range map[string]struct {
		rules   []rule
		imports map[string][]string
		want    []string
	}{
		"an import that a rule names is allowed": {
			rules:   []rule{{path: "", may: []string{"a"}}, {path: "a"}},
			imports: map[string][]string{module: {module + "/a", "fmt"}, module + "/a": nil},
		},
		"an import that no rule names is reported with the reason": {
			rules:   []rule{{path: "a", why: "a is a leaf"}, {path: "b"}},
			imports: map[string][]string{module + "/a": {module + "/b"}, module + "/b": nil},
			want:    []string{"a imports b: a is a leaf"},
		},
		"main needs permission, too": {
			rules:   []rule{{path: "", why: "main is thin"}, {path: "a"}},
			imports: map[string][]string{module: {module + "/a"}, module + "/a": nil},
			want:    []string{"main imports a: main is thin"},
		},
		"permission for a package is none for the packages below it": {
			rules:   []rule{{path: "a", may: []string{"b"}, why: "only b"}, {path: "b"}, {path: "b/c"}},
			imports: map[string][]string{module + "/a": {module + "/b/c"}, module + "/b": nil, module + "/b/c": nil},
			want:    []string{"a imports b/c: only b"},
		},
		"a package without a rule is reported": {
			imports: map[string][]string{module + "/a": nil},
			want:    []string{"a: no rule knows this package; give it a row that says what it may import"},
		},
		"a rule without a package is reported": {
			rules: []rule{{path: "a"}},
			want:  []string{"a: the rule is about a package that does not exist; remove the row"},
		},
		"the packages of one tree may import one another and nothing else": {
			rules: []rule{{path: "s/...", why: "s stands alone"}, {path: "sibling"}},
			imports: map[string][]string{
				module + "/s": {module + "/s/a"}, module + "/s/a": {module + "/sibling"}, module + "/sibling": nil,
			},
			want: []string{"s/a imports sibling: s stands alone"},
		},
		"a forbidden package is found behind others, by the shortest way": {
			rules: []rule{{path: "a", never: []string{"k8s.io/client-go"}, why: "a is pure"}},
			imports: map[string][]string{
				module + "/a":            {"example.org/x", "example.org/y"},
				"example.org/x":          {"example.org/y"},
				"example.org/y":          {"k8s.io/client-go/rest"},
				"k8s.io/client-go/rest":  {"k8s.io/client-go/util"},
				"k8s.io/client-gopher/a": nil,
			},
			want: []string{
				"a reaches k8s.io/client-go: a is pure (example.com/product/a → example.org/y → k8s.io/client-go/rest)",
			},
		},
		"a name that only begins like a forbidden one is none": {
			rules:   []rule{{path: "a", never: []string{"k8s.io/client-go"}}},
			imports: map[string][]string{module + "/a": {"k8s.io/client-gopher"}},
		},
		"a closed list admits the standard library and what is on it": {
			rules:   []rule{{path: "a", only: []string{"k8s.io/apimachinery"}, why: "a is light"}},
			imports: map[string][]string{module + "/a": {"fmt", "k8s.io/apimachinery/pkg/runtime", "example.org/x"}},
			want:    []string{"a imports example.org/x: a is light"},
		},
		"two import cycles do not hang the search": {
			rules: []rule{{path: "a", never: []string{"example.org/z"}}},
			imports: map[string][]string{
				module + "/a": {"example.org/x"}, "example.org/x": {"example.org/y"}, "example.org/y": {"example.org/x"},
			},
		},
	} {
		t.Run(claim, func(t *testing.T) {
			got := check(graph{module: module, imports: c.imports}, c.rules)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("violations (-want +got):\n%s", diff)
			}
		})
	}
}

// load reads the imports of the module in a directory; tests are left out, dependencies are not.
func load(t *testing.T, directory string) graph {
	t.Helper()
	dependOnSources(t, directory)
	loaded, err := packages.Load(&packages.Config{
		Context: t.Context(),
		Dir:     directory,
		// A workspace that a developer may have does not know the module in testdata.
		Env:  append(os.Environ(), "GOWORK=off"),
		Mode: packages.NeedName | packages.NeedImports | packages.NeedDeps | packages.NeedModule,
	}, "./...")
	if err != nil {
		t.Fatal(err)
	}
	g := graph{imports: map[string][]string{}}
	packages.Visit(loaded, nil, func(p *packages.Package) {
		for _, problem := range p.Errors {
			t.Errorf("loading %s: %v", p.PkgPath, problem)
		}
		imported := make([]string, 0, len(p.Imports))
		for _, other := range p.Imports {
			imported = append(imported, other.PkgPath)
		}
		slices.Sort(imported)
		g.imports[p.PkgPath] = imported
		if p.Module != nil && p.Module.Main {
			g.module = p.Module.Path
		}
	})
	return g
}

// dependOnSources reads the directories that hold the module's packages. The go command keeps the result of a test
// for as long as nothing changes that the test itself has read, and what packages.Load reads, it reads in another
// process: without this, a new import in another package would be judged by the old, kept result.
func dependOnSources(t *testing.T, directory string) {
	t.Helper()
	for _, tree := range []string{".", "api", "cmd", "internal"} {
		must.Do(t, filepath.WalkDir(filepath.Join(directory, tree), func(path string, entry fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) || tree == "." && entry.IsDir() && path != directory {
				return fs.SkipDir
			}
			return err
		}))
	}
}
