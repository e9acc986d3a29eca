package docs

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/varmenne/varmenne-issuer/e2e/binaries"
	"github.com/varmenne/varmenne-issuer/internal/must"
)

func repository(t *testing.T) string {
	t.Helper()
	return must.Get(binaries.RepositoryRoot())(t)
}

func read(t *testing.T, elements ...string) string {
	t.Helper()
	return string(must.Get(os.ReadFile(filepath.Join(append([]string{repository(t)}, elements...)...)))(t))
}

// pages are all that users and contributors read, by their path in the repository.
func pages(t *testing.T) map[string]string {
	t.Helper()
	root := repository(t)
	found := map[string]string{}
	for _, page := range []string{"README.md", "CONTRIBUTING.md", "CHANGELOG.md", "charts/varmenne-issuer/README.md"} {
		found[page] = read(t, page)
	}
	err := filepath.WalkDir(filepath.Join(root, "docs"), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".md" {
			return err
		}
		relative, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		found[filepath.ToSlash(relative)] = read(t, relative)
		return nil
	})
	if err != nil || len(found) < 20 {
		t.Fatalf("found %d pages: %v", len(found), err)
	}
	return found
}

// samples are those that the tests and the demo apply, by their path below docs/samples.
func samples(t *testing.T) map[string]string {
	t.Helper()
	root, found := filepath.Join(repository(t), "docs", "samples"), map[string]string{}
	for _, pattern := range []string{"*.yaml", "*/*.yaml"} {
		paths, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil || len(paths) == 0 {
			t.Fatalf("no samples in %s: %v", pattern, err)
		}
		for _, path := range paths {
			sample, err := filepath.Rel(root, path)
			if err != nil {
				t.Fatal(err)
			}
			found[filepath.ToSlash(sample)] = read(t, "docs", "samples", sample)
		}
	}
	return found
}

// block is a fenced block of a page.
type block struct {
	page     string
	line     int
	language string
	text     string
}

// blocksOf are the fenced blocks of a page.
func blocksOf(t *testing.T, page, content string) []block {
	t.Helper()
	var blocks []block
	inside := false
	for number, line := range strings.Split(content, "\n") {
		language, fence := strings.CutPrefix(line, "```")
		switch {
		case fence && inside:
			inside = false
		case fence:
			inside = true
			blocks = append(blocks, block{page: page, line: number + 1, language: language})
		case inside:
			blocks[len(blocks)-1].text += line + "\n"
		}
	}
	if inside {
		t.Errorf("%s: the last block has no end", page)
	}
	return blocks
}

// prose is a page without its fenced blocks.
func prose(content string) string {
	var lines []string
	inside := false
	for line := range strings.Lines(content) {
		if strings.HasPrefix(line, "```") {
			inside = !inside
		} else if !inside {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "")
}

// quotations is a page on one line, without the marks of what it quotes.
func quotations(t *testing.T, page string) string {
	t.Helper()
	return strings.Join(strings.Fields(strings.ReplaceAll(read(t, page), "\n> ", " ")), " ")
}

// TestEveryBlockSaysWhatItIs: what is run, what is applied and what only shows the language says.
func TestEveryBlockSaysWhatItIs(t *testing.T) {
	known := map[string]bool{"console": true, "yaml": true, valuesLanguage: true, "mermaid": true, "promql": true}
	for page, content := range pages(t) {
		for _, b := range blocksOf(t, page, content) {
			switch {
			case b.language == "" && strings.Contains("\n"+b.text, "\n$ "):
				t.Errorf("%s:%d: commands without a language are run by nobody; call it console", b.page, b.line)
			case b.language != "" && !known[b.language]:
				t.Errorf("%s:%d: nobody checks a block in %q", b.page, b.line, b.language)
			}
		}
	}
}
