package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/mod/semver"
	"sigs.k8s.io/yaml"
)

// check fails where something else would be released than the tag of the version: a tree that was changed, another
// commit, also one that only has its name in what is built, or one whose changelog does not know the version or whose
// chart is of another one.
func check(ctx context.Context, repository, version, commit string) error {
	if err := checkVersion(version); err != nil {
		return err
	}
	// Also where the configuration of whoever releases hides files that git does not know.
	changed, err := git(ctx, repository, "status", "--porcelain", "--untracked-files=normal", "--ignore-submodules=none")
	if err != nil {
		return err
	}
	if changed != "" {
		return fmt.Errorf("the tree has changes that are not committed; commit or remove them:\n%s", changed)
	}
	head, err := git(ctx, repository, "rev-parse", "HEAD")
	if err != nil {
		return err
	}
	tagged, err := git(ctx, repository, "rev-parse", "--quiet", "--verify", "refs/tags/v"+version+"^{commit}")
	if err != nil {
		return fmt.Errorf("there is no tag v%[1]s; release from the commit that it will name: git tag v%[1]s", version)
	}
	if head != tagged {
		return fmt.Errorf("v%[1]s is %[2]s, and HEAD is %[3]s; check the tag out: git checkout v%[1]s",
			version, tagged, head)
	}
	if commit != "" && commit != tagged {
		return fmt.Errorf("v%s is %s, and COMMIT names %q; leave that out", version, tagged, commit)
	}
	if _, err := releaseNotes(repository, version); err != nil {
		return err
	}
	return checkChart(repository, version)
}

// checkChart fails where the chart in the repository is of another version than its package would be: its page names
// its own.
func checkChart(repository, version string) error {
	path := filepath.Join(repository, chartDirectory, "Chart.yaml")
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var chart struct {
		Version    string `json:"version"`
		AppVersion string `json:"appVersion"`
	}
	if err := yaml.Unmarshal(content, &chart); err != nil {
		return fmt.Errorf("reading %s: %w", path, err)
	}
	if chart.Version != version || chart.AppVersion != version {
		return fmt.Errorf("%s has the version %s and the appVersion %s; write %s into both, run make generate, and commit "+
			"that with the tag", path, chart.Version, chart.AppVersion, version)
	}
	return nil
}

// checkVersion fails for what is no semantic version, and for one that cannot be the tag of an image.
func checkVersion(version string) error {
	if tag := "v" + version; semver.Canonical(tag) != tag {
		return fmt.Errorf("%q is no version for a release; VERSION is three numbers, as in 1.2.3 or 1.2.3-rc.1, without a v",
			version)
	}
	if len(version) > longestVersion {
		return fmt.Errorf("VERSION has %d characters; the tag of an image has %d at most", len(version), longestVersion)
	}
	return nil
}

// longestVersion is how long the tag of an image may be.
const longestVersion = 128

// git runs git in a repository and returns what it prints.
func git(ctx context.Context, repository string, arguments ...string) (string, error) {
	command := exec.CommandContext(ctx, "git", arguments...)
	command.Dir = repository
	output, err := command.Output()
	if err != nil {
		if failed, exited := errors.AsType[*exec.ExitError](err); exited {
			err = fmt.Errorf("%w: %s", err, failed.Stderr)
		}
		return "", fmt.Errorf("git %s in %s: %w", strings.Join(arguments, " "), repository, err)
	}
	return strings.TrimSpace(string(output)), nil
}

// releaseNotes are the section of the changelog that is about a version, without its heading. Links that are defined
// at the end of the changelog go with it, and those to pages lead to the tag.
func releaseNotes(repository, version string) (string, error) {
	path := filepath.Join(repository, "CHANGELOG.md")
	changelog, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	var notes, links []string
	inside := false
	for line := range strings.Lines(string(changelog)) {
		switch heading, isHeading := strings.CutPrefix(line, "## "); {
		case isHeading:
			inside = strings.HasPrefix(heading, "["+version+"] - ")
		case strings.HasPrefix(line, "[") && strings.Contains(line, "]: "):
			links = append(links, line)
		case inside:
			notes = append(notes, line)
		}
	}
	text := strings.TrimSpace(strings.Join(notes, ""))
	if text == "" {
		return "", fmt.Errorf("%s says nothing of %[2]s; it needs a section \"## [%[2]s] - YYYY-MM-DD\"", path, version)
	}
	if len(links) > 0 {
		text += "\n\n" + strings.TrimSpace(strings.Join(links, ""))
	}
	return resolveLinks(text, "", version) + "\n", nil
}
