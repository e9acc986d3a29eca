package main

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const repository = "../../.."

func read(t *testing.T) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(repository, page))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func linked(t *testing.T, program string) []string {
	t.Helper()
	found, err := modules(t.Context(), repository, program)
	if err != nil || len(found) < 50 {
		t.Fatalf("%s has %d modules: %v", program, len(found), err)
	}
	return found
}

func TestEveryLinkedModuleHasAReasonAndNoOther(t *testing.T) {
	program := linked(t, ".")
	alone := slices.DeleteFunc(linked(t, "./cmd/kubectl-varmenne"), func(module string) bool {
		return slices.Contains(program, module)
	})
	tables := table.FindAllStringSubmatch(read(t), -1)
	if len(tables) != 2 {
		t.Fatalf("%s has %d tables, want 2", page, len(tables))
	}
	for i, want := range [][]string{program, alone} {
		told := reasons(tables[i][2])
		for _, module := range want {
			if why := told[module]; len(why) < len("a part") {
				t.Errorf("table %d of %s does not say why %s is linked: run 'make dependencies', and write it", i+1, page, module)
			}
		}
		for module := range told {
			if !slices.Contains(want, module) {
				t.Errorf("table %d of %s tells of %s, which is not linked: run 'make dependencies'", i+1, page, module)
			}
		}
	}
}

func TestTheHeaviestModuleIsFirst(t *testing.T) {
	for _, match := range table.FindAllStringSubmatch(read(t), -1) {
		last := 1 << 30
		for line := range strings.Lines(match[2]) {
			cells := strings.Split(line, "|")
			kilobytes, err := strconv.Atoi(strings.TrimSpace(cells[2]))
			if err != nil || kilobytes > last {
				t.Errorf("%d kB are above %s (%v)", last, strings.TrimSpace(line), err)
			}
			last = kilobytes
		}
	}
}

func TestASymbolIsOfTheModuleOfItsPackage(t *testing.T) {
	w := weights{modules: map[string]int{"gopkg.in/inf.v0": 0, "example.com/a": 0, "example.com/a/b": 0}}
	w.add([]byte(strings.Join([]string{
		" 27c25c0  1 T gopkg.in/inf%2ev0.(*Dec).Cmp",
		" 27c25c0  2 t example.com/a/c.f",
		" 27c25c0  4 r type:.eq.example.com/a/b.T",
		" 27c25c0  8 D example.com/a/b/c.table[go.shape.struct { example.com/a/d.x }]",
		" 27c25c0 16 b example.com/a.bss",
		" 27c25c0 32 T main.main",
		" 27c25c0 64 T slices.Sort[example.com/a.T]",
		"         99 U example.com/a.elsewhere",
	}, "\n")))
	for module, want := range map[string]int{"gopkg.in/inf.v0": 1, "example.com/a": 2, "example.com/a/b": 12} {
		if got := w.modules[module]; got != want {
			t.Errorf("%s weighs %d, want %d", module, got, want)
		}
	}
}

func TestReasonsStayWhenFiguresChange(t *testing.T) {
	const old = "The program has 0.0 MB. The plugin has 0.0 MB.\n\n" +
		"| Module | Program | Plugin | Why |\n| --- | --- | --- | --- |\n| example.com/a | 1 | – | because |\n" +
		"\n| Module | Plugin | Why |\n| --- | --- | --- |\n| example.com/gone | 3 | was |\n"
	const want = "The program has 1.5 MB. The plugin has 2.0 MB.\n\n" +
		"| Module | Program | Plugin | Why |\n| --- | --- | --- | --- |\n" +
		"| example.com/b | 2 | 1 |  |\n| example.com/a | 1 | – | because |\n" +
		"\n| Module | Plugin | Why |\n| --- | --- | --- |\n| example.com/c | 0 |  |\n"
	program := weights{modules: map[string]int{"example.com/a": 1, "example.com/b": 1001}, file: 1_500_000}
	plugin := weights{modules: map[string]int{"example.com/b": 1000, "example.com/c": 0}, file: 2_000_000}
	if got := written(old, program, plugin); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
