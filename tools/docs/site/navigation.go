package main

import (
	"bytes"
	"html/template"
	"path"
	"strings"

	"github.com/yuin/goldmark/ast"
)

// group is a heading of the overview, with the pages that are linked below it.
type group struct {
	Title   string
	Entries []entry
}

// entry is a page in the navigation.
type entry struct {
	Title, URL string
	Current    bool
	source     string
}

// view is what the layout shows of a page.
type view struct {
	Title, Root, Source string
	Home, Current       bool
	Navigation          []group
	Contents            []head
	Top, Content        template.HTML
}

// groups reads the navigation out of the overview, whose links are resolved.
func (s *site) groups() []group {
	found, p := []group{}, s.pages[overview]
	for node := p.root.FirstChild(); node != nil; node = node.NextSibling() {
		if heading, is := node.(*ast.Heading); is && heading.Level > 1 {
			found = append(found, group{Title: plain(heading, p.content)})
		}
		if list, is := node.(*ast.List); is && len(found) > 0 {
			last := &found[len(found)-1]
			last.Entries = append(last.Entries, s.entries(p, list)...)
		}
	}
	return found
}

// entries are the links of a list that lead to pages.
func (s *site) entries(p *page, list ast.Node) []entry {
	var found []entry
	_ = ast.Walk(list, func(node ast.Node, entering bool) (ast.WalkStatus, error) { // The function does not fail.
		if link, is := node.(*ast.Link); is && entering {
			for source, to := range s.pages {
				if relative(p, to) == string(link.Destination) {
					title := plain(link, p.content)
					found = append(found, entry{Title: strings.ToUpper(title[:1]) + title[1:], source: source})
				}
			}
		}
		return ast.WalkContinue, nil
	})
	return found
}

// view renders a page for the layout.
func (s *site) view(p *page) (view, error) {
	var content bytes.Buffer
	if err := markdown().Renderer().Render(&content, p.content, p.root); err != nil {
		return view{}, err
	}
	v := view{Title: p.title, Root: root(p), Source: s.address + "/blob/" + s.ref + "/" + p.source}
	if path.Join(decisions, "README.md") == p.source {
		v.Source = s.address + "/tree/" + s.ref + "/" + decisions
	}
	v.Current = p.source == overview
	top, rest, _ := strings.Cut(content.String(), "</h1>\n")
	// The pages are ours, and goldmark escapes what is in them.
	v.Top, v.Content = template.HTML(top+"</h1>"), template.HTML(rest) //nolint:gosec // see above
	for _, g := range s.navigation {
		shown := group{Title: g.Title}
		for _, e := range g.Entries {
			e.URL, e.Current = relative(p, s.pages[e.source]), e.source == p.source
			shown.Entries = append(shown.Entries, e)
		}
		v.Navigation = append(v.Navigation, shown)
	}
	for _, h := range p.heads {
		if h.Level == 2 {
			v.Contents = append(v.Contents, h)
		}
	}
	if len(v.Contents) < 3 {
		v.Contents = nil
	}
	return v, nil
}
