package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const changelog = `# Changelog

## [Unreleased]

- Not yet.

## [1.2.3] - 2026-11-29

### Added

- A thing, [explained](docs/monitoring.md).

## [1.2.2] - 2026-11-01

- Old.

[1.2.3]: https://example.com/1.2.3
`

// tagged is a repository with one commit, which is v1.2.3.
func tagged(t *testing.T) string {
	t.Helper()
	repository := t.TempDir()
	write(t, filepath.Join(repository, "CHANGELOG.md"), changelog)
	chart := filepath.Join(repository, chartDirectory)
	if err := os.MkdirAll(chart, 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(chart, "Chart.yaml"), "version: 1.2.3\nappVersion: 1.2.3\n")
	inGit(t, repository, "init", "--quiet")
	inGit(t, repository, "add", ".")
	commit(t, repository)
	inGit(t, repository, "tag", "v1.2.3")
	return repository
}

func commit(t *testing.T, repository string) {
	t.Helper()
	inGit(t, repository, "-c", "user.name=Test", "-c", "user.email=test@example.com", "commit", "--quiet",
		"--allow-empty", "--no-gpg-sign", "--message", "test: a commit")
}

func inGit(t *testing.T, repository string, arguments ...string) {
	t.Helper()
	command := exec.CommandContext(t.Context(), "git", arguments...)
	command.Dir = repository
	if output, err := command.CombinedOutput(); err != nil {
		t.Fatalf("git %q: %v\n%s", arguments, err, output)
	}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestNothingButTheTagOfACleanTreeIsReleased(t *testing.T) {
	for claim, c := range map[string]struct {
		version string
		before  func(repository string)
		want    string // in the error; empty where there is none
	}{
		"the tag":                    {version: "1.2.3"},
		"a version with a v":         {version: "v1.2.3", want: "without a v"},
		"half a version":             {version: "1.2", want: "three numbers"},
		"none":                       {version: "", want: "three numbers"},
		"what no tag of an image is": {version: "1.2.3+build", want: "three numbers"},
		"what is too long for one":   {version: "1.2.3-" + strings.Repeat("a", 300), want: "306 characters"},
		"a version without a tag":    {version: "1.2.4", want: "there is no tag v1.2.4"},
		"another commit": {version: "1.2.3", want: "check the tag out", before: func(repository string) {
			commit(t, repository)
		}},
		"a changed file": {version: "1.2.3", want: "M CHANGELOG.md", before: func(repository string) {
			write(t, filepath.Join(repository, "CHANGELOG.md"), changelog+"\n")
		}},
		"a new file": {version: "1.2.3", want: "?? new", before: func(repository string) {
			write(t, filepath.Join(repository, "new"), "")
		}},
		"a new file that git is told not to show": {version: "1.2.3", want: "?? new", before: func(repository string) {
			inGit(t, repository, "config", "status.showUntrackedFiles", "no")
			write(t, filepath.Join(repository, "new"), "")
		}},
		"a version that the changelog does not know": {
			version: "1.3.0", want: `needs a section "## [1.3.0] - YYYY-MM-DD"`,
			before: func(repository string) { inGit(t, repository, "tag", "v1.3.0") },
		},
		"a version that the chart has not": {
			version: "1.2.2", want: "has the version 1.2.3 and the appVersion 1.2.3; write 1.2.2 into both",
			before: func(repository string) { inGit(t, repository, "tag", "v1.2.2") },
		},
	} {
		t.Run(claim, func(t *testing.T) {
			repository := tagged(t)
			if c.before != nil {
				c.before(repository)
			}
			err := run(t.Context(), []string{"check", "-repository", repository, "-version", c.version})
			switch {
			case c.want == "" && err != nil:
				t.Errorf("refused: %v", err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
}

// A machine may have a COMMIT of its own in its environment.
func TestNoOtherCommitIsNamed(t *testing.T) {
	repository := tagged(t)
	err := run(t.Context(), []string{"check", "-repository", repository, "-version", "1.2.3", "-commit", "c0ffee"})
	if err == nil || !strings.Contains(err.Error(), `COMMIT names "c0ffee"`) {
		t.Errorf("got %v, want a refusal", err)
	}
}

func TestTheNotesAreTheSectionOfTheVersion(t *testing.T) {
	got, err := releaseNotes(tagged(t), "1.2.3")
	want := "### Added\n\n- A thing, [explained](" + homepage +
		"/blob/v1.2.3/docs/monitoring.md).\n\n[1.2.3]: https://example.com/1.2.3\n"
	if err != nil || got != want {
		t.Errorf("got %q (%v), want %q", got, err, want)
	}
}
