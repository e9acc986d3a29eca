package ui

import (
	"fmt"
	"net/http"
	"slices"

	xlanguage "golang.org/x/text/language"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
)

// languageCookie remembers which language a person has chosen.
const languageCookie = "varmenne-language"

// language is one that the pages are in.
type language struct {
	// Code of the language (BCP 47), and its own Name.
	Code, Name string
	// of is the translation of a text, in a row of texts.
	of func(translated) string
}

// languages are English, in which the texts are written, and those that they are translated into.
var languages = []language{
	{Code: "en", Name: "English", of: func(translated) string { return "" }},
	{Code: "fi", Name: "suomi", of: func(t translated) string { return t.fi }},
	{Code: "sv", Name: "svenska", of: func(t translated) string { return t.sv }},
}

// say is a text in the language, with values filled in as fmt does it. A text that is not known stays as it is: it
// comes from a controller, in English.
func (l language) say(text string, values ...any) string {
	if translation := l.of(texts[text]); translation != "" {
		text = translation
	}
	if len(values) == 0 {
		return text
	}
	return fmt.Sprintf(text, values...)
}

// knows reports whether a text is one of the pages' own, so that say returns it in the language.
func (l language) knows(text string) bool {
	_, known := texts[text]
	return known || l.Code == "en"
}

// days are as many as are left; a dash where nobody knows.
func (l language) days(left *int) string {
	switch {
	case left == nil:
		return "–"
	case *left == 1:
		return l.say("1 day")
	default:
		return l.say("%d days", *left)
	}
}

// choose is the language that a person has chosen, or else prefers.
func choose(w http.ResponseWriter, r *http.Request) language {
	if chosen := find(r.URL.Query().Get("lang")); chosen != nil {
		http.SetCookie(w, &http.Cookie{ //nolint:gosec // there is no TLS on loopback
			Name: languageCookie, Value: chosen.Code, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode,
		})
		return *chosen
	}
	if cookie, err := r.Cookie(languageCookie); err == nil {
		if chosen := find(cookie.Value); chosen != nil {
			return *chosen
		}
	}
	known := make([]xlanguage.Tag, 0, len(languages))
	for _, l := range languages {
		known = append(known, xlanguage.MustParse(l.Code))
	}
	preferred, _, err := xlanguage.ParseAcceptLanguage(r.Header.Get("Accept-Language"))
	if err != nil {
		return languages[0]
	}
	_, i, _ := xlanguage.NewMatcher(known).Match(preferred...)
	return languages[i]
}

func find(code string) *language {
	i := slices.IndexFunc(languages, func(l language) bool { return l.Code == code })
	if i < 0 {
		return nil
	}
	return &languages[i]
}

// pick is what there is in the language, or else in another one; nil if there is nothing.
func (l language) pick(instructions []v1alpha1.OrderInstructions) *v1alpha1.OrderInstructions {
	for _, code := range []string{l.Code, "en", "fi"} {
		for i := range instructions {
			if instructions[i].Language == code {
				return &instructions[i]
			}
		}
	}
	if len(instructions) == 0 {
		return nil
	}
	return &instructions[0]
}
