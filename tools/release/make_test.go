package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// inMake runs a target of the Makefile, where nothing of what this test was started with counts.
func inMake(t *testing.T, arguments ...string) (string, error) {
	t.Helper()
	command := exec.CommandContext(t.Context(), "make", arguments...)
	command.Dir = "../.."
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); !strings.Contains(name, "MAKE") && name != "MFLAGS" {
			command.Env = append(command.Env, variable)
		}
	}
	output, err := command.CombinedOutput()
	return string(output), err
}

// A tag that somebody pushes is the VERSION of a workflow.
func TestNothingThatIsGivenToMakeIsRun(t *testing.T) {
	for claim, c := range map[string]struct{ given, want string }{
		"a command after the version":   {"release VERSION=1.2.3;touch ", "is no version for a release"},
		"a command in the version":      {"release VERSION=1.2.3`touch `", "is no version for a release"},
		"a quotation mark":              {"release VERSION=1.2.3';touch ;'", "is no version for a release"},
		"a variable of make":            {"release VERSION=$(shell touch )", "VERSION has a dollar sign"},
		"a command after the registry":  {"publish REGISTRY=x.example';touch ;'", "has no release; make it first"},
		"a command after the key":       {"publish REGISTRY=x.example KEY=none';touch ;'", "no such file"},
		"a version of several words":    {"release VERSION=1.2.3 -repository=/", "is no version for a release"},
		"a version that is like a flag": {"release VERSION=-h", "is no version for a release"},
	} {
		t.Run(claim, func(t *testing.T) {
			made := filepath.Join(t.TempDir(), "made")
			given := strings.Replace(c.given, "touch ", "touch "+made, 1)
			arguments := regexp.MustCompile(` (VERSION|REGISTRY|KEY)=`).ReplaceAllString(given, "\n$1=")
			said, err := inMake(t, strings.Split(arguments, "\n")...)
			if err == nil || !strings.Contains(said, c.want) {
				t.Errorf("make says %q (%v), want %q", said, err, c.want)
			}
			if _, err := os.Stat(made); err == nil {
				t.Error("the command was run")
			}
		})
	}
}

func TestMakeTakesAKeyWhoseNameHasSpaces(t *testing.T) {
	a := assembled(t)
	key, _ := newKey(t)
	spaced := filepath.Join(t.TempDir(), "my release's key")
	if err := os.Rename(key, spaced); err != nil {
		t.Fatal(err)
	}
	said, err := inMake(t, "publish", "RELEASE="+a.out, "REGISTRY="+startRegistry(t, false).host, "KEY="+spaced)
	if err != nil || filesOf(t, a.out)["SHA256SUMS.sig"] == nil {
		t.Errorf("nothing is signed: %v: %s", err, said)
	}
}

func TestAnEmptyKeyIsNotTakenForNone(t *testing.T) {
	said, err := inMake(t, "publish", "REGISTRY=registry.example", "KEY=")
	if err == nil || !strings.Contains(said, "KEY names no file") {
		t.Errorf("make says %q (%v)", said, err)
	}
}

// The builds take minutes, in which somebody may edit a file.
func TestTheTreeIsCheckedBeforeAndAfterTheBuilds(t *testing.T) {
	said, err := inMake(t, "--dry-run", "release", "VERSION=1.2.3", "MAKE=true")
	if err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	steps := regexp.MustCompile(`run \. (check|assemble)|(plugin) VERSION`).FindAllString(said, -1)
	if got := strings.Join(steps, ", "); got != "run . check, plugin VERSION, run . check, run . assemble" {
		t.Errorf("the steps are %s", got)
	}
}
