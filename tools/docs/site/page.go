package main

import (
	"bytes"
	"errors"
	"fmt"
	"html"
	"path"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	east "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// page is a page of the repository.
type page struct {
	source  string // its path in the repository
	content []byte
	root    ast.Node
	title   string
	heads   []head
	ids     map[string]bool
}

// head is a heading of a page.
type head struct {
	ID, Text string
	Level    int
	node     ast.Node
}

// markdown is what GitHub takes, with its tables and strikethrough.
func markdown() goldmark.Markdown {
	return goldmark.New(goldmark.WithExtensions(extension.GFM),
		goldmark.WithRendererOptions(renderer.WithNodeRenderers(util.Prioritized(blocks{}, 1))))
}

// target is where a page is in the site.
func (p *page) target() string { return target(p.source) }

func target(source string) string {
	directory, base := path.Split(source)
	if base == "README.md" {
		return directory + "index.html"
	}
	return directory + strings.TrimSuffix(base, ".md") + ".html"
}

// parse reads a page. Raw HTML but for comments and line breaks is an error: it would be left out.
func parse(source string, content []byte) (*page, error) {
	p := &page{source: source, content: content, ids: map[string]bool{}}
	p.root = markdown().Parser().Parse(text.NewReader(content))
	seen := map[string]int{}
	err := ast.Walk(p.root, func(node ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := node.(type) {
		case *ast.Heading:
			if last := len(p.heads); last > 0 && n.Level > p.heads[last-1].Level+1 {
				return ast.WalkStop, fmt.Errorf("%s: a level is left out above %q", source, plain(n, content))
			}
			p.addHead(n, seen)
		case *ast.RawHTML:
			if raw := string(n.Segments.Value(content)); !lineBreak.MatchString(raw) {
				return ast.WalkStop, fmt.Errorf("%s: raw HTML: %s", source, raw)
			}
		case *ast.HTMLBlock:
			raw := string(n.Lines().Value(content))
			if n.HasClosure() {
				raw += string(n.ClosureLine.Value(content))
			}
			if !comment.MatchString(raw) {
				return ast.WalkStop, fmt.Errorf("%s: raw HTML: %s", source, raw)
			}
		}
		return ast.WalkContinue, nil
	})
	if err == nil && p.title == "" {
		err = fmt.Errorf("%s has no title", source)
	}
	return p, err
}

// addHead gives a heading the id that GitHub gives it. The second of a name gets a number.
func (p *page) addHead(heading *ast.Heading, seen map[string]int) {
	said := plain(heading, p.content)
	if p.title == "" {
		p.title = said
	}
	id := strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case unicode.IsLetter(r), unicode.IsNumber(r), r == '_', r == '-':
			return r
		default:
			return -1
		}
	}, strings.ToLower(said))
	name := id
	if seen[name] > 0 {
		id += "-" + strconv.Itoa(seen[name])
	}
	seen[name]++
	heading.SetAttributeString("id", []byte(id))
	p.heads = append(p.heads, head{ID: id, Text: said, Level: heading.Level, node: heading})
	p.ids[id] = true
}

// plain is the text of a node, without marks.
func plain(node ast.Node, content []byte) string {
	var words strings.Builder
	_ = ast.Walk(node, func(n ast.Node, entering bool) (ast.WalkStatus, error) { // It fails only where the function does.
		if !entering {
			if n.Type() == ast.TypeBlock || n.Kind() == east.KindTableCell {
				words.WriteByte(' ')
			}
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Text:
			words.Write(n.Segment.Value(content))
			if n.SoftLineBreak() || n.HardLineBreak() {
				words.WriteByte(' ')
			}
		case *ast.String:
			words.Write(n.Value)
		case *ast.FencedCodeBlock:
			words.Write(n.Lines().Value(content))
		}
		return ast.WalkContinue, nil
	})
	return strings.TrimSpace(html.UnescapeString(words.String()))
}

// lineBreak is the only element that pages have, in cells of tables.
var lineBreak = regexp.MustCompile(`^<br ?/?>$|^<!--`)

// comment matches a block that is left out: comments, and nothing beside them.
var comment = regexp.MustCompile(`^(\s*<!--(?s:.*?)-->)*\s*$`)

// blocks renders what scrolls within itself, diagrams, and headings that can be linked to.
type blocks struct{}

// RegisterFuncs has goldmark call these in place of its own.
func (blocks) RegisterFuncs(register renderer.NodeRendererFuncRegisterer) {
	register.Register(ast.KindFencedCodeBlock, renderCode)
	register.Register(ast.KindHeading, renderHeading)
	register.Register(ast.KindRawHTML, renderBreak)
	register.Register(ast.KindHTMLBlock, leaveOut)
	register.Register(east.KindTable, renderTable)
}

func renderCode(w util.BufWriter, source []byte, node ast.Node, entering bool) (ast.WalkStatus, error) {
	block, is := node.(*ast.FencedCodeBlock)
	if !entering || !is {
		return ast.WalkContinue, nil
	}
	code := string(block.Lines().Value(source))
	if string(block.Language(source)) == "mermaid" {
		return ast.WalkContinue, renderDiagram(w, code)
	}
	fmt.Fprintf(w, "<pre tabindex=\"0\"><code>%s</code></pre>\n", html.EscapeString(code))
	return ast.WalkContinue, nil
}

func renderHeading(w util.BufWriter, source []byte, node ast.Node, entering bool) (ast.WalkStatus, error) {
	heading, is := node.(*ast.Heading)
	if !is {
		return ast.WalkStop, errors.New("this is no heading")
	}
	value, _ := heading.AttributeString("id")
	id, _ := value.([]byte)
	switch {
	case entering:
		fmt.Fprintf(w, "<h%d id=\"%s\">", heading.Level, id)
	case heading.Level > 1:
		fmt.Fprintf(w, " <a class=\"anchor\" href=\"#%s\" aria-label=\"Link to: %s\">#</a></h%d>\n", id,
			html.EscapeString(plain(heading, source)), heading.Level)
	default:
		fmt.Fprintf(w, "</h%d>\n", heading.Level)
	}
	return ast.WalkContinue, nil
}

func renderTable(w util.BufWriter, _ []byte, _ ast.Node, entering bool) (ast.WalkStatus, error) {
	if entering {
		_, err := w.WriteString("<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"Table\">\n<table>\n")
		return ast.WalkContinue, err
	}
	_, err := w.WriteString("</tbody>\n</table>\n</div>\n")
	return ast.WalkContinue, err
}

func renderBreak(w util.BufWriter, source []byte, node ast.Node, entering bool) (ast.WalkStatus, error) {
	raw, is := node.(*ast.RawHTML)
	if entering && is && bytes.HasPrefix(raw.Segments.Value(source), []byte("<br")) {
		_, err := w.WriteString("<br>")
		return ast.WalkSkipChildren, err
	}
	return ast.WalkSkipChildren, nil
}

func leaveOut(util.BufWriter, []byte, ast.Node, bool) (ast.WalkStatus, error) {
	return ast.WalkSkipChildren, nil
}
