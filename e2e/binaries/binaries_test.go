package binaries

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/varmenne/varmenne-issuer/internal/must"
)

// module writes a module with one program that consists of the source, and returns the group that builds it.
func module(t *testing.T, source string) group {
	t.Helper()
	g := group{module: t.TempDir(), key: "example-v1", programs: []program{{name: "example", source: ".", version: "v1"}}}
	for name, content := range map[string]string{"go.mod": "module example\n", "main.go": source} {
		must.Do(t, os.WriteFile(filepath.Join(g.module, name), []byte(content), 0o600))
	}
	return g
}

// announcer is a log that calls back when something is written to it.
type announcer func()

func (a announcer) Write(content []byte) (int, error) {
	a()
	return len(content), nil
}

func TestEnsureBuildsOrFindsEveryProgram(t *testing.T) {
	set := must.Get(Ensure(t.Context(), Options{Log: t.Output()}))(t)
	for _, path := range []string{set.Etcd(), set.APIServer(), set.Kubectl(), set.CertManager} {
		if information, err := os.Stat(path); err != nil || information.Mode()&0o111 == 0 {
			t.Errorf("%s is no program: %v", path, err)
		}
	}
	var log strings.Builder
	again := must.Get(Ensure(t.Context(), Options{Log: &log}))(t)
	if again != set || log.Len() > 0 {
		t.Errorf("the second time it says %q and responses %v, want silence and %v", log.String(), again, set)
	}
}

func TestSeveralRunsBuildOnce(t *testing.T) {
	g := module(t, "package main\nfunc main() {}")
	directory := t.TempDir()
	log := must.Get(os.Create(filepath.Join(directory, "log")))(t)
	defer log.Close()
	var runs sync.WaitGroup
	for range 4 {
		runs.Go(func() {
			if err := buildMissing(t.Context(), Options{Directory: directory, Log: log}, []group{g}); err != nil {
				t.Error(err)
			}
		})
	}
	runs.Wait()
	told := string(must.Get(os.ReadFile(log.Name()))(t))
	if got := strings.Count(told, "example v1: built"); got != 1 {
		t.Errorf("built %d times, want once:\n%s", got, told)
	}
	example := filepath.Join(g.directory(directory), "example")
	if output, err := exec.CommandContext(t.Context(), example).CombinedOutput(); err != nil {
		t.Errorf("running what was built: %v\n%s", err, output)
	}
}

func TestFailedBuildShowsTheCompilerAndLeavesNoProgram(t *testing.T) {
	g := module(t, "package main\nfunc main() { nonsense() }")
	directory := t.TempDir()
	err := buildMissing(t.Context(), Options{Directory: directory, Log: t.Output()}, []group{g})
	if err == nil || !strings.Contains(err.Error(), "undefined: nonsense") {
		t.Errorf("got error %v, want the compiler's message", err)
	}
	if left, _ := filepath.Glob(filepath.Join(g.directory(directory), "*")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

func TestCanceledBuildLeavesNoProgram(t *testing.T) {
	g := module(t, "package main\nfunc main() {}")
	directory := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	log := announcer(cancel) // Called just before the build begins.
	if err := buildMissing(ctx, Options{Directory: directory, Log: log}, []group{g}); !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v, want the cancellation", err)
	}
	if left, _ := filepath.Glob(filepath.Join(g.directory(directory), "*")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

func TestRunThatWaitsForAnotherCanBeCanceled(t *testing.T) {
	options := Options{Directory: t.TempDir(), Log: t.Output()}
	unlock := must.Get(lock(t.Context(), options))(t)
	defer unlock()
	ctx, cancel := context.WithCancel(t.Context())
	options.Log = announcer(cancel) // Called when it begins to wait.
	if _, err := lock(ctx, options); !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v, want the cancellation", err)
	}
}

func TestKeyChangesWithWhatIsBuilt(t *testing.T) {
	g := module(t, "package main\nfunc main() {}")
	file := filepath.Join(g.module, "main.go")
	keyOf := func(toolchain string, g group) string {
		t.Helper()
		return must.Get(key("example", toolchain, g, file))(t)
	}
	original := keyOf("go1.26.0", g)
	if again := keyOf("go1.26.0", g); again != original {
		t.Errorf("the same inputs have the keys %s and %s", original, again)
	}
	flags := g
	flags.ldflags = "-s"
	changed := map[string]string{"Go version": keyOf("go1.27.0", g), "linker flags": keyOf("go1.26.0", flags)}
	must.Do(t, os.WriteFile(file, []byte("package main\nfunc main() { println() }"), 0o600))
	changed["source"] = keyOf("go1.26.0", g)
	for what, got := range changed {
		if got == original {
			t.Errorf("another %s has the same key", what)
		}
	}
}
