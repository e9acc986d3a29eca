package main

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/yuin/goldmark/ast"
)

// section is what the search finds: a page from one heading to the next.
type section struct {
	URL     string `json:"u"` // from the root of the site
	Page    string `json:"p"`
	Heading string `json:"h"`
	Text    string `json:"t"`
}

// index is a script with all sections: a script, unlike JSON, can be loaded from a disk, too.
func (s *site) index() ([]byte, error) {
	var sections []section
	for _, source := range s.sources() {
		sections = append(sections, s.pages[source].sections()...)
	}
	var out bytes.Buffer
	out.WriteString("globalThis.sections = ")
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(sections)
	return out.Bytes(), err
}

func (p *page) sections() []section {
	var found []section
	heads := p.heads
	for node := p.root.FirstChild(); node != nil; node = node.NextSibling() {
		if len(heads) > 0 && node == heads[0].node {
			url := p.target()
			if heads[0].Level > 1 {
				url += "#" + heads[0].ID
			}
			found, heads = append(found, section{URL: url, Page: p.title, Heading: heads[0].Text}), heads[1:]
			continue
		}
		if _, comment := node.(*ast.HTMLBlock); len(found) > 0 && !comment {
			last := &found[len(found)-1]
			last.Text = strings.TrimSpace(last.Text + " " + strings.Join(strings.Fields(plain(node, p.content)), " "))
		}
	}
	return found
}
