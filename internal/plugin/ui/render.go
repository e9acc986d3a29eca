package ui

import (
	"bytes"
	"embed"
	"errors"
	"html/template"
	"net/http"
	"strings"
	"time"
	"unicode"

	"github.com/varmenne/varmenne-issuer/internal/plugin/cluster"
	"github.com/varmenne/varmenne-issuer/internal/plugin/overview"
)

//go:embed templates
var templates embed.FS

// pages are the templates, each with the layout.
//
//nolint:gochecknoglobals // parsed once
var pages = parse("overview", "object", "order", "notice", "problem")

func parse(names ...string) map[string]*template.Template {
	parsed := map[string]*template.Template{}
	base := template.Must(template.New("layout.html").Funcs(template.FuncMap{
		// Replaced for each language, before anything is rendered.
		"t": func(string, ...any) string { return "" }, "known": func(string) bool { return false },
		"days": func(*int) string { return "" },
		"date": date, "clock": moment, "path": path, "steppath": stepPath, "lower": strings.ToLower,
	}).ParseFS(templates, "templates/layout.html", "templates/parts.html"))
	for _, spoken := range languages {
		for _, name := range names {
			page := template.Must(base.Clone())
			page.Funcs(template.FuncMap{"t": spoken.say, "known": spoken.knows, "days": spoken.days})
			parsed[spoken.Code+"/"+name] = template.Must(page.ParseFS(templates, "templates/"+name+".html"))
		}
	}
	return parsed
}

// layout is what every page has.
type layout struct {
	Title string
	// Path of the page, which its languages lead to.
	Path      string
	Language  language
	Languages []language
	// Namespace that is shown, empty for all.
	Namespace string
	// Token is that of every form.
	Token string
	// Version of what is shown; empty where the page does not refresh by itself.
	Version string
	// Reloads reports whether the page may be loaded anew without script, because there is nothing on it to be filled in.
	Reloads bool
	Unread  []cluster.Unread
	Problem error
	Now     time.Time
}

func (c *call) layout(title, at string) layout {
	return layout{
		Title: title, Path: at, Language: c.language, Languages: languages, Namespace: c.Namespace, Token: c.guard.form,
		Unread: c.shown.unread, Problem: c.shown.problem, Now: c.Clock.Now(),
	}
}

// fresh is a layout of a page that refreshes by itself.
func (c *call) fresh(title, at string) layout {
	made := c.layout(title, at)
	made.Version = c.shown.version
	return made
}

// problemPage says what did not work.
type problemPage struct {
	layout

	Failure string
}

// write renders a page and writes it at once: half a page would tell half the truth.
func (c *call) write(status int, name string, page any) {
	content := &bytes.Buffer{}
	if err := pages[c.language.Code+"/"+name].Execute(content, page); err != nil {
		http.Error(c.w, "The page cannot be shown: "+err.Error(), http.StatusInternalServerError)
		return
	}
	c.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	c.w.WriteHeader(status)
	_, _ = c.w.Write(bytes.Map(stationary, content.Bytes())) // whoever has gone does not miss it
}

// stationary shows in its place what would let a text from the cluster run backwards, over what stands beside it.
func stationary(r rune) rune {
	if unicode.Is(unicode.Bidi_Control, r) {
		return unicode.ReplacementChar
	}
	return r
}

// date is a day as every one of the languages may write it.
func date(at any) string { return formatted(at, time.DateOnly) }

// moment is a time to the minute, in UTC.
func moment(at any) string { return formatted(at, "2006-01-02 15:04 UTC") }

func formatted(at any, layout string) string {
	switch at := at.(type) {
	case time.Time:
		if !at.IsZero() {
			return at.UTC().Format(layout)
		}
	case *time.Time:
		if at != nil {
			return formatted(*at, layout)
		}
	}
	return "–"
}

// stepPath is where the page of an object of a chain is, empty if it has none.
func stepPath(step overview.Step) string {
	if step.Kind == overview.KindManualOrder {
		return orderPath(step.Namespace, step.Name)
	}
	return ""
}

func asStatus(err error) (*statusError, bool) { return errors.AsType[*statusError](err) }
