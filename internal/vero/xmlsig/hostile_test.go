package xmlsig_test

import (
	"strings"
	"testing"
	"time"

	"github.com/varmenne/varmenne-issuer/internal/vero/xmlsig"
)

// hostile are documents of 1 MiB, or as near as their kind gets to it, that are made to cost as much as possible.
var hostile = map[string]func() string{
	"levels":                         func() string { return fill("<a>", "") },
	"elements":                       func() string { return "<a>" + fill("<b/>", "</a>") },
	"attributes":                     func() string { return "<a" + fill(` b=""`, "/>") },
	"different attributes":           func() string { return "<a" + attributes(120_000)[:xmlsig.MaximumBytes-100] },
	"declarations":                   func() string { return "<a" + declarations(80_000)[:xmlsig.MaximumBytes-100] },
	"comments":                       func() string { return "<a>" + fill("<!---->", "</a>") },
	"comments in front":              func() string { return fill("<!---->", "<a/>") },
	"comment that never ends":        func() string { return "<a><!--" + fill("- ", "") },
	"references":                     func() string { return "<a>" + fill("&amp;", "</a") },
	"broken reference at the end":    func() string { return "<a>" + fill("&amp;", "&x;</a>") },
	"references in an attribute":     func() string { return `<a b="` + fill("&#x41;", `"/`) },
	"carriage returns":               func() string { return "<a>" + fill("\r", "</a") },
	"CDATA sections":                 func() string { return "<a>" + fill("<![CDATA[\r]]>", "</a") },
	"CDATA that never ends":          func() string { return "<a><![CDATA[" + fill("]]", "") },
	"brackets":                       func() string { return "<a>" + fill("]]", "</a") },
	"white space in front":           func() string { return fill(" ", "<a") },
	"white space behind":             func() string { return "<a/>" + fill(" \n", "x") },
	"white space in a tag":           func() string { return "<a" + fill(" ", "b") },
	"white space in a declaration":   func() string { return "<?xml " + fill(" ", "?><a/>") },
	"one long name":                  func() string { return "<" + fill("ä", "") },
	"one long text, not closed":      func() string { return "<a>" + fill("ä", "</a") },
	"invalid UTF-8 at the end":       func() string { return "<a>" + fill("ä", "\xFF") },
	"forbidden character at the end": func() string { return "<a>" + fill("€", "\uFFFF") },
	"DOCTYPE":                        func() string { return "<!DOCTYPE a [" + fill(`<!ENTITY a "b">`, "]><a/>") },
	"start of a tag":                 func() string { return fill("<", "") },
}

// fill repeats a piece so that the document has 1 MiB with some room, and ends it.
func fill(piece, end string) string {
	return strings.Repeat(piece, (xmlsig.MaximumBytes-100)/len(piece)) + end
}

// hostileLimit is how long any document of at most 1 MiB may take.
const hostileLimit = 50 * time.Millisecond * slowdown

// mustBeQuick runs what until it was within the limit once: the machine may be busy with something else, and only the
// fastest time says how much work there is.
func mustBeQuick(t *testing.T, what func()) {
	t.Helper()
	const tries = 50
	fastest := time.Hour
	for try := 0; try < tries && fastest > hostileLimit; try++ {
		start := time.Now()
		what()
		fastest = min(fastest, time.Since(start))
	}
	if fastest > hostileLimit {
		t.Errorf("took %s, want at most %s", fastest, hostileLimit)
	}
}

func TestHostileDocumentsAreRefusedQuickly(t *testing.T) {
	for claim, build := range hostile {
		t.Run(claim, func(t *testing.T) {
			document := []byte(build())
			if len(document) > xmlsig.MaximumBytes {
				t.Fatalf("%d bytes: refused for its size alone", len(document))
			}
			mustBeQuick(t, func() {
				if _, err := xmlsig.Parse(document); err == nil {
					t.Fatal("accepted")
				}
			})
		})
	}
}
