package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// build renders a repository with one page beside those that have to be there, and returns that page.
func build(t *testing.T, content string) (string, error) {
	t.Helper()
	directory := t.TempDir()
	repository, output := filepath.Join(directory, "repository"), filepath.Join(directory, "output", "site")
	if err := write(directory, "secret.png", nil); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{
		"README.md": "# Home", "CHANGELOG.md": "# Changes", "CONTRIBUTING.md": "# Contributing",
		"charts/varmenne-issuer/README.md":             "# Chart",
		"docs/adr/0018-an-order-waits-for-a-person.md": "# 18. A person\n\n## Context",
		"docs/README.md":                               "# Docs\n\n## Begin\n\n- [the page](limits.md)",
		"LICENSE":                                      "license", "docs/limits.md": content,
	} {
		if err := write(repository, name, []byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	s := &site{repository: repository, address: "https://example.com/repo", ref: "v1.0.0",
		pages: map[string]*page{}, images: map[string]bool{}}
	if err := s.build(output); err != nil {
		return "", err
	}
	made, err := os.ReadFile(filepath.Join(output, "docs", "limits.html"))
	if err != nil {
		t.Fatal(err)
	}
	return string(made), nil
}

func TestLinksLeadToWhereTheirTargetIs(t *testing.T) {
	for claim, c := range map[string]struct{ link, want string }{
		"a page":                 {"../CONTRIBUTING.md", `href="../CONTRIBUTING.html"`},
		"a README":               {"../charts/varmenne-issuer/README.md", `href="../charts/varmenne-issuer/index.html"`},
		"a directory with pages": {"adr", `href="../docs/adr/index.html"`},
		"a heading": {
			"adr/0018-an-order-waits-for-a-person.md#context",
			`href="../docs/adr/0018-an-order-waits-for-a-person.html#context"`,
		},
		"a heading of its own": {"#what-it-costs-1", `href="#what-it-costs-1"`},
		"another file":         {"../LICENSE", `href="https://example.com/repo/blob/v1.0.0/LICENSE"`},
		"another directory":    {"../charts", `href="https://example.com/repo/tree/v1.0.0/charts"`},
		"elsewhere":            {"https://example.org/a.md", `href="https://example.org/a.md"`},
	} {
		t.Run(claim, func(t *testing.T) {
			made, err := build(t, "# Page\n\n[link]("+c.link+")\n\n## What `it` costs?\n\n## What it costs")
			if err != nil || !strings.Contains(made, c.want) {
				t.Errorf("no %s: %v\n%s", c.want, err, made)
			}
		})
	}
}

func TestWhatIsWrongWithAPageIsAnError(t *testing.T) {
	for claim, c := range map[string]struct{ content, want string }{
		"a link to nothing":           {"# Page\n\n[link](nothing.md)", "links to nothing.md, which does not exist"},
		"an anchor without a heading": {"# Page\n\n[link](../README.md#nothing)", "which has no such heading"},
		"a picture that is not there": {"# Page\n\n![picture](nothing.png)", "docs/limits.md shows docs/nothing.png"},
		"a picture outside":           {"# Page\n\n![picture](../../secret.png)", "docs/limits.md shows ../secret.png"},
		"a link to what is outside":   {"# Page\n\n[link](../../secret.png)", "links to ../../secret.png, which does not"},
		"a script in a link":          {"# Page\n\n[link](javascript://%0aalert(1))", "links to javascript:"},
		"a script after a comment":    {"# Page\n\n<!-- a --> <script>alert(1)</script>", "raw HTML: <!-- a --> <script>"},
		"a script after a long one":   {"# Page\n\n<!--\n--> <script>alert(1)</script>\n", "raw HTML: <!--\n--> <script>"},
		"HTML":                        {"# Page\n\n<b>bold</b>", "docs/limits.md: raw HTML: <b>"},
		"a level that is left out":    {"# Page\n\n### Deep", `a level is left out above "Deep"`},
		"no title":                    {"text", "docs/limits.md has no title"},
		"an unknown diagram":          {"# Page\n\n```mermaid\npie\n  \"a\" : 1\n```", "no form known here"},
	} {
		t.Run(claim, func(t *testing.T) {
			if _, err := build(t, c.content); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("the error is %v, want %q", err, c.want)
			}
		})
	}
}

func TestADiagramIsTheTableOfItsArrows(t *testing.T) {
	made, err := build(t, "# Page\n\n```mermaid\nflowchart LR\n  A[One<br>two] -. names .-> B\n"+
		"  B -- \"calls & waits\" --> A\n```\n\n```mermaid\nstateDiagram-v2\n  [*] --> Idle: begun\n```")
	for _, want := range []string{
		"<td>One: two</td><td>B</td><td>names</td>", "<td>B</td><td>One: two</td><td>calls &amp; waits</td>",
		"<td>the beginning</td><td>Idle</td><td>begun</td>",
	} {
		if err != nil || !strings.Contains(made, want) {
			t.Errorf("no %s: %v\n%s", want, err, made)
		}
	}
}

func TestTheSearchFindsEachSection(t *testing.T) {
	p, err := parse("docs/limits.md", []byte("# Page\n\nBegun with `code`.\n\n## More\n\n| a | b |\n| - | - |\n| c | d |"))
	if err != nil {
		t.Fatal(err)
	}
	got, want := p.sections(), []section{
		{URL: "docs/limits.html", Page: "Page", Heading: "Page", Text: "Begun with code."},
		{URL: "docs/limits.html#more", Page: "Page", Heading: "More", Text: "a b c d"},
	}
	if len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("the sections are %+v, want %+v", got, want)
	}
}
