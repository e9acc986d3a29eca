// Package docs checks that the documentation shows what is in the repository. That the samples work is for the user
// stories and the demo to show, which apply them.
package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/varmenne/varmenne-issuer/e2e/binaries"
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
	paths, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	decisions, err := filepath.Glob(filepath.Join(root, "docs", "adr", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range append(paths, decisions...) {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		relative, err := filepath.Rel(root, path)
		if err != nil {
			t.Fatal(err)
		}
		found[relative] = string(content)
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
	link := regexp.MustCompile(`\]\(([^)#:]+)\)`)
	for page, content := range pages(t) {
		for _, match := range link.FindAllStringSubmatch(content, -1) {
			target := filepath.Join(root, filepath.Dir(page), match[1])
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s links to %s, which does not exist", page, match[1])
			}
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
		"from-file": true, "from-literal": true, // kubectl's
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
