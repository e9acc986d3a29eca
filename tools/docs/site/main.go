// Command site renders the pages of the repository into a static site: README, CHANGELOG, CONTRIBUTING, the chart's
// README and all of docs/. A page is where it is in the repository, with .html for .md and index for README, so that it
// reads the same from a server and from a disk. Links to other files lead to the repository. A link or an anchor that
// leads nowhere is an error. The same commit makes the same bytes.
//
// It is a program of its own because the pages are GitHub's Markdown as it is. A generator such as Hugo wants front
// matter, a layout of directories and a theme, and its module names 180 others.
package main

import (
	"bytes"
	"embed"
	"flag"
	"fmt"
	"html/template"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

//go:embed layout.html static
var files embed.FS

// overview is the page whose headings and lists are the navigation.
const overview = "docs/README.md"

// decisions is the directory of decisions, of which there is a page that lists them.
const decisions = "docs/adr"

// outside are the pages that are not below docs/.
var outside = []string{"README.md", "CHANGELOG.md", "CONTRIBUTING.md", "charts/varmenne-issuer/README.md"}

// site is what is rendered.
type site struct {
	repository string           // on disk
	address    string           // of the repository, for links to what is not rendered
	ref        string           // the branch or tag that those links name
	pages      map[string]*page // by their path in the repository
	images     map[string]bool
	navigation []group
}

func main() {
	s := &site{pages: map[string]*page{}, images: map[string]bool{}}
	flag.StringVar(&s.repository, "repository", ".", "`directory` of the repository")
	flag.StringVar(&s.address, "address", "https://github.com/varmenne/varmenne-issuer", "`URL` of the repository")
	flag.StringVar(&s.ref, "ref", "main", "`branch` or tag that links to files of the repository name")
	output := flag.String("output", "site", "`directory` to write to")
	flag.Parse()
	if err := s.build(*output); err != nil {
		fmt.Fprintln(os.Stderr, "site:", err)
		os.Exit(1)
	}
}

// build renders all or nothing: what is wrong is found before anything is written.
func (s *site) build(output string) error {
	if err := s.read(); err != nil {
		return err
	}
	if err := s.resolve(); err != nil {
		return err
	}
	s.navigation = s.groups()
	layout, err := template.ParseFS(files, "layout.html")
	if err != nil {
		return err
	}
	for _, p := range s.pages {
		var content bytes.Buffer
		v, err := s.view(p)
		if err != nil {
			return fmt.Errorf("%s: %w", p.source, err)
		}
		if err := layout.Execute(&content, v); err != nil {
			return err
		}
		if err := write(output, p.target(), content.Bytes()); err != nil {
			return err
		}
	}
	return s.writeRest(output)
}

// writeRest writes what is not a page: the index of the search, style and script, pictures.
func (s *site) writeRest(output string) error {
	index, err := s.index()
	if err != nil {
		return err
	}
	if err := write(output, "static/index.js", index); err != nil {
		return err
	}
	for _, name := range []string{"static/style.css", "static/script.js"} {
		content, err := files.ReadFile(name)
		if err != nil {
			return err
		}
		if err := write(output, name, content); err != nil {
			return err
		}
	}
	for image := range s.images {
		content, err := os.ReadFile(filepath.Join(s.repository, image))
		if err != nil {
			return err
		}
		if err := write(output, image, content); err != nil {
			return err
		}
	}
	return nil
}

func write(output, name string, content []byte) error {
	file := filepath.Join(output, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, content, 0o644)
}

// read reads and parses all pages.
func (s *site) read() error {
	for _, source := range outside {
		if err := s.add(source); err != nil {
			return err
		}
	}
	err := filepath.WalkDir(filepath.Join(s.repository, "docs"), func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || path.Ext(file) != ".md" {
			return err
		}
		relative, err := filepath.Rel(s.repository, file)
		if err != nil {
			return err
		}
		return s.add(filepath.ToSlash(relative))
	})
	if err != nil {
		return err
	}
	return s.addDecisions()
}

func (s *site) add(source string) error {
	content, err := os.ReadFile(filepath.Join(s.repository, filepath.FromSlash(source)))
	if err != nil {
		return err
	}
	s.pages[source], err = parse(source, content)
	return err
}

// addDecisions adds the list of decisions, where the directory has no README of its own.
func (s *site) addDecisions() error {
	var list strings.Builder
	list.WriteString("# Decisions\n\nWhat could have been decided otherwise, and why it was not.\n\n")
	names, err := filepath.Glob(filepath.Join(s.repository, filepath.FromSlash(decisions), "[0-9]*.md"))
	if err != nil {
		return err
	}
	for _, name := range names {
		base := filepath.Base(name)
		fmt.Fprintf(&list, "- [%s](%s)\n", s.pages[path.Join(decisions, base)].title, base)
	}
	source := path.Join(decisions, "README.md")
	if s.pages[source] == nil {
		s.pages[source], err = parse(source, []byte(list.String()))
	}
	return err
}
