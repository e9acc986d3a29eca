package ui

import (
	"bytes"
	"html/template"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// markup is HTML that is safe to show.
type markup = template.HTML

// below is how many levels the headings of steps are below those that they are written as: the page has its own.
const below = 2

// renderSteps makes HTML of steps in Markdown. Whoever writes an issuer writes them: HTML in them is left out, and
// addresses that run a script.
func renderSteps(steps string) markup {
	content := &bytes.Buffer{}
	converter := goldmark.New(goldmark.WithParserOptions(
		parser.WithASTTransformers(util.Prioritized(lowered{}, 1))))
	if err := converter.Convert([]byte(steps), content); err != nil {
		return markup(template.HTMLEscapeString(steps))
	}
	// Code scrolls by keyboard, too. Goldmark lets no HTML through unless it is told to, so the tag is its own.
	return markup(strings.ReplaceAll(content.String(), "<pre>", `<pre tabindex="0">`))
}

// lowered lowers headings.
type lowered struct{}

// Transform implements parser.ASTTransformer.
func (lowered) Transform(document *ast.Document, _ text.Reader, _ parser.Context) {
	const lowest = 6
	_ = ast.Walk(document, func(node ast.Node, entering bool) (ast.WalkStatus, error) { // it returns no error
		if heading, is := node.(*ast.Heading); is && entering {
			heading.Level = min(heading.Level+below, lowest)
		}
		return ast.WalkContinue, nil
	})
}
