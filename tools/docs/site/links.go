package main

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/yuin/goldmark/ast"
)

// resolve has every link lead to where its target is in the site, or in the repository.
func (s *site) resolve() error {
	var broken []error
	for _, source := range s.sources() {
		p := s.pages[source]
		err := ast.Walk(p.root, func(node ast.Node, entering bool) (ast.WalkStatus, error) {
			if !entering {
				return ast.WalkContinue, nil
			}
			switch n := node.(type) {
			case *ast.Link:
				destination, err := s.destination(p, string(n.Destination))
				n.Destination, broken = []byte(destination), append(broken, err)
			case *ast.Image:
				image := path.Join(path.Dir(p.source), string(n.Destination))
				if !s.has(image) {
					broken = append(broken, fmt.Errorf("%s shows %s, which does not exist", p.source, image))
				}
				s.images[image] = true
			}
			return ast.WalkContinue, nil
		})
		broken = append(broken, err)
	}
	return errors.Join(broken...)
}

// sources are the paths of all pages, sorted.
func (s *site) sources() []string {
	sources := make([]string, 0, len(s.pages))
	for source := range s.pages {
		sources = append(sources, source)
	}
	slices.Sort(sources)
	return sources
}

// elsewhere matches what is no file. The renderer leaves out what a browser would run.
var elsewhere = regexp.MustCompile(`^(https?://|mailto:)`)

// has reports whether a path is one of the repository: what is above it is on this machine only.
func (s *site) has(name string) bool {
	_, err := os.Stat(filepath.Join(s.repository, filepath.FromSlash(name)))
	return err == nil && filepath.IsLocal(filepath.FromSlash(name))
}

func (s *site) isDirectory(name string) bool {
	info, err := os.Stat(filepath.Join(s.repository, filepath.FromSlash(name)))
	return err == nil && info.IsDir()
}

// destination is where a link of a page leads in the site.
func (s *site) destination(from *page, link string) (string, error) {
	if elsewhere.MatchString(link) {
		return link, nil
	}
	name, anchor, anchored := strings.Cut(link, "#")
	source := from.source
	if name != "" {
		source = path.Join(path.Dir(from.source), name)
	}
	if !s.has(source) && s.pages[source] == nil {
		return link, fmt.Errorf("%s links to %s, which does not exist", from.source, link)
	}
	if list := path.Join(source, "README.md"); s.pages[list] != nil {
		source = list
	}
	to := s.pages[source]
	switch {
	case to == nil && s.isDirectory(source):
		return fmt.Sprintf("%s/tree/%s/%s", s.address, s.ref, source), nil
	case to == nil:
		return fmt.Sprintf("%s/blob/%s/%s", s.address, s.ref, source), nil
	case anchored && !to.ids[anchor]:
		return link, fmt.Errorf("%s links to %s, which has no such heading", from.source, link)
	case anchored && to == from:
		return "#" + anchor, nil
	case anchored:
		return relative(from, to) + "#" + anchor, nil
	default:
		return relative(from, to), nil
	}
}

// relative is the way from one page to another.
func relative(from, to *page) string {
	return root(from) + to.target()
}

// root is the way from a page to the root of the site.
func root(from *page) string {
	return strings.Repeat("../", strings.Count(from.source, "/"))
}
