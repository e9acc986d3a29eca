package browser_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/plugin/browser"
)

const address = "http://127.0.0.1:1/start?secret=ABC&x=1"

// opener has a program called xdg-open stand in the place of a browser, and returns the home directory of its person.
func opener(t *testing.T, script string) (home string) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("a script in the place of xdg-open is for Linux")
	}
	home, programs := t.TempDir(), t.TempDir()
	if script != "" {
		program := filepath.Join(programs, "xdg-open")
		must.Do(t, os.WriteFile(program, []byte("#!/bin/sh\n"+script), 0o700))
	}
	t.Setenv("HOME", home)
	t.Setenv("PATH", programs)
	return home
}

func pages(t *testing.T, home string) []string {
	t.Helper()
	return must.Get(filepath.Glob(filepath.Join(home, "*.html")))(t)
}

func TestTheAddressIsInAFileForThePersonAlone(t *testing.T) {
	home := opener(t, "exit 0\n")
	end := must.Get(browser.Open(t.Context(), address))(t)
	left := pages(t, home)
	if len(left) != 1 {
		t.Fatalf("there are %d pages", len(left))
	}
	must.Contain(t, string(must.Get(os.ReadFile(left[0]))(t)), `url=http://127.0.0.1:1/start?secret=ABC&amp;x=1"`)
	if mode := must.Get(os.Stat(left[0]))(t).Mode().Perm(); mode != 0o600 {
		t.Errorf("others may read it: %v", mode)
	}
	end()
	if left := pages(t, home); len(left) != 0 {
		t.Errorf("it is left: %v", left)
	}
}

func TestWithoutABrowserNothingIsLeft(t *testing.T) {
	home := opener(t, "")
	if _, err := browser.Open(t.Context(), address); err == nil {
		t.Error("it opens one")
	}
	if left := pages(t, home); len(left) != 0 {
		t.Errorf("it leaves %v", left)
	}
}

// TestWhatKilledProgramsHaveLeftIsRemoved by the next one, and nothing else.
func TestWhatKilledProgramsHaveLeftIsRemoved(t *testing.T) {
	home := opener(t, "exit 0\n")
	for range 2 { // as two programs that were killed
		must.Get(browser.Open(t.Context(), address))(t)
	}
	left := pages(t, home)
	earlier := time.Now().Add(-time.Hour)
	must.Do(t, os.Chtimes(left[0], earlier, earlier))
	theirs := filepath.Join(home, "varmenne-notes.html")
	must.Do(t, os.WriteFile(theirs, []byte(strings.Repeat("what I know of it ", 100)), 0o600))
	must.Do(t, os.Chtimes(theirs, earlier, earlier))

	must.Get(browser.Open(t.Context(), address))(t)
	for name, wanted := range map[string]bool{left[0]: false, left[1]: true, theirs: true} {
		if _, err := os.Stat(name); (err == nil) != wanted {
			t.Errorf("%s: it is there: %v", name, err == nil)
		}
	}
}
