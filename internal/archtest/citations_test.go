package archtest

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/varmenne/varmenne-issuer/internal/must"
)

// Citations in comments: a page of docs/, with a section of it after a comma, and a chapter of the interface
// description.
var (
	citedPage   = regexp.MustCompile(`\bdocs/[a-z0-9/-]+\.md\b`)
	citedPart   = regexp.MustCompile(`\b(docs/[a-z0-9/-]+\.md), ([A-Z][A-Za-z ]+)`)
	citedSource = regexp.MustCompile(`\binterface description ([0-9](?:\.[0-9])?)`)
	barePage    = regexp.MustCompile(`[ (](?:protocol|design)\.md\b`)
	lineBreak   = regexp.MustCompile(`\n\s*// ?`)
)

// TestEveryCitationCanBeFollowed: a comment that says where a rule comes from is worth nothing to a reader who cannot
// look there.
func TestEveryCitationCanBeFollowed(t *testing.T) {
	found, chapters := 0, chaptersOfTheInterfaceDescription(t)
	for path, text := range sources(t) {
		text = lineBreak.ReplaceAllString(text, " ")
		for _, bare := range barePage.FindAllString(text, -1) {
			t.Errorf("%s cites%s, which is no page of the repository", path, bare)
		}
		for _, page := range citedPage.FindAllString(text, -1) {
			if _, err := os.Stat(filepath.Join("..", "..", page)); err != nil {
				t.Errorf("%s names %s, which does not exist", path, page)
			}
		}
		for _, citation := range citedPart.FindAllStringSubmatch(text, -1) {
			found++
			if !hasSection(t, citation[1], citation[2]) {
				t.Errorf("%s cites %s of %s, which has no such section", path, citation[2], citation[1])
			}
		}
		for _, source := range citedSource.FindAllStringSubmatch(text, -1) {
			found++
			if !chapters[source[1]] {
				t.Errorf("%s cites %s, a chapter that docs/protocol.md, Sources, does not know", path, source[0])
			}
		}
	}
	if found < 40 {
		t.Errorf("only %d citations were found", found)
	}
}

// chaptersOfTheInterfaceDescription are those that the sources of docs/protocol.md name; of "3.1 to 3.7" all.
func chaptersOfTheInterfaceDescription(t *testing.T) map[string]bool {
	t.Helper()
	_, row, _ := strings.Cut(page(t, "docs/protocol.md"), "\n| interface description |")
	_, row, _ = strings.Cut(row, "Chapters:")
	row, _, _ = strings.Cut(row, "\n")
	chapters := map[string]bool{}
	for _, number := range regexp.MustCompile(`\b[0-9](?:\.[0-9])?\b`).FindAllString(row, -1) {
		chapters[number] = true
	}
	for _, span := range regexp.MustCompile(`([0-9]\.)([0-9]) to [0-9]\.([0-9])`).FindAllStringSubmatch(row, -1) {
		for minor := span[2][0]; minor <= span[3][0]; minor++ {
			chapters[span[1]+string(minor)] = true
		}
	}
	return chapters
}

// hasSection reports whether a text begins with a heading of a page; what follows it in the comment is not told apart.
func hasSection(t *testing.T, path, text string) bool {
	t.Helper()
	for line := range strings.Lines(page(t, path)) {
		heading, isHeading := strings.CutPrefix(line, "## ")
		if isHeading && strings.HasPrefix(text, strings.TrimSpace(heading)) {
			return true
		}
	}
	return false
}

func page(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("..", "..", path))
	if err != nil {
		return "" // TestEveryCitationCanBeFollowed has told of it
	}
	return string(content)
}

// sources are the Go files of the repository, tests and the other modules included, but not this one.
func sources(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	must.Do(t, filepath.WalkDir("../..", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == "bin" || entry.Name() == ".git"):
			return fs.SkipDir
		case filepath.Ext(path) != ".go" || strings.HasSuffix(path, "archtest/citations_test.go"):
			return nil
		}
		content, err := os.ReadFile(path)
		found[path] = string(content)
		return err
	}))
	return found
}
