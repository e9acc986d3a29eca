// Package docs checks that the documentation shows what is in the repository. That the samples work is for the user
// stories and the demo to show, which apply them.
package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/varmenne/varmenne-issuer/e2e/binaries"
	"github.com/varmenne/varmenne-issuer/e2e/howto"
	"github.com/varmenne/varmenne-issuer/internal/app"
	"github.com/varmenne/varmenne-issuer/internal/simulator"
)

func read(t *testing.T, elements ...string) string {
	t.Helper()
	root, err := binaries.RepositoryRoot()
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(filepath.Join(append([]string{root}, elements...)...))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func pages(t *testing.T) map[string]string {
	t.Helper()
	root, err := binaries.RepositoryRoot()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{"README.md": read(t, "README.md"), "CONTRIBUTING.md": read(t, "CONTRIBUTING.md")}
	for _, pattern := range []string{"docs/*.md", "docs/adr/*.md", "docs/how-to/*.md"} {
		paths, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(pattern)))
		if err != nil || len(paths) == 0 {
			t.Fatalf("%s: %d pages, %v", pattern, len(paths), err)
		}
		for _, path := range paths {
			relative, err := filepath.Rel(root, path)
			if err != nil {
				t.Fatal(err)
			}
			found[relative] = read(t, relative)
		}
	}
	return found
}

func TestReadmeShowsTheSamplesAsTheyAre(t *testing.T) {
	readme := read(t, "README.md")
	for _, sample := range []string{"issuer.yaml", "certificate.yaml"} {
		if !strings.Contains(readme, "```yaml\n"+read(t, "docs", "samples", sample)+"```\n") {
			t.Errorf("README.md does not show docs/samples/%s as it is", sample)
		}
	}
}

func TestEveryLinkToAFileLeadsSomewhere(t *testing.T) {
	root, err := binaries.RepositoryRoot()
	if err != nil {
		t.Fatal(err)
	}
	link := regexp.MustCompile(`\]\(([^)#:]*)(#[^)]+)?\)`)
	for page, content := range pages(t) {
		for _, match := range link.FindAllStringSubmatch(content, -1) {
			target, anchor := page, match[2]
			if match[1] != "" {
				target = filepath.Join(filepath.Dir(page), match[1])
			}
			if _, err := os.Stat(filepath.Join(root, target)); err != nil {
				t.Errorf("%s links to %s, which does not exist", page, match[1])
			} else if anchor != "" && !slices.Contains(anchors(read(t, target)), anchor) {
				t.Errorf("%s links to %s of %s, which has no such heading", page, anchor, target)
			}
		}
	}
}

// anchors are what links to the headings of a page end with.
func anchors(page string) []string {
	heading := regexp.MustCompile(`(?m)^#+ (.+)$`)
	lost := regexp.MustCompile(`[^\p{L}\p{N} _-]`)
	headings := heading.FindAllStringSubmatch(page, -1)
	found := make([]string, 0, len(headings))
	for _, match := range headings {
		name := lost.ReplaceAllString(strings.ToLower(match[1]), "")
		found = append(found, "#"+strings.ReplaceAll(name, " ", "-"))
	}
	return found
}

// A how-to is run by a story; see e2e/stories. A block that nobody would run is an error here.
func TestEveryHowToCanBeRun(t *testing.T) {
	for page, content := range pages(t) {
		if !strings.HasPrefix(page, filepath.Join("docs", "how-to")) {
			continue
		}
		if commands, err := howto.Parse(content); err != nil || len(commands) == 0 {
			t.Errorf("%s has %d commands: %v", page, len(commands), err)
		}
	}
}

func TestEveryMakeTargetThatIsNamedExists(t *testing.T) {
	makefile := read(t, "Makefile")
	command := regexp.MustCompile("(?m)(?:`|^\\$ |^|=1 )make ([a-z0-9-]+)")
	for page, content := range pages(t) {
		for _, match := range command.FindAllStringSubmatch(content, -1) {
			if !strings.Contains(makefile, "\n"+match[1]+":") {
				t.Errorf("%s names `make %s`, which does not exist", page, match[1])
			}
		}
	}
}

func TestEveryFlagThatIsNamedExists(t *testing.T) {
	flags := pflag.NewFlagSet("all", pflag.ContinueOnError)
	(&app.Options{}).AddFlags(flags)
	more := pflag.NewFlagSet("simulator", pflag.ContinueOnError)
	options := simulator.DefaultOptions()
	options.AddFlags(more)
	flags.AddFlagSet(more)
	known := map[string]bool{
		"version": true, "help": true, // of every subcommand
		// kubectl's
		"from-file": true, "from-literal": true, "cert": true, "key": true, "for": true, "timeout": true, "type": true,
		"patch": true,
	}
	named := regexp.MustCompile("(?:^|[\\s`(])--([a-z][a-z-]+)")
	for page, content := range pages(t) {
		for _, match := range named.FindAllStringSubmatch(content, -1) {
			if !known[match[1]] && flags.Lookup(match[1]) == nil {
				t.Errorf("%s names the flag --%s, which does not exist", page, match[1])
			}
		}
	}
}
