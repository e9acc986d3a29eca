package protocol_test

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/beevik/etree"

	"github.com/varmenne/varmenne-issuer/internal/vero/protocol"
	"github.com/varmenne/varmenne-issuer/internal/vero/xmlsig"
)

// FuzzFindRetrievalID compares what is found in whatever with what a parser finds, where it is a document at all. What
// is kept of damaged responses is shown in package client.
func FuzzFindRetrievalID(f *testing.F) {
	for _, seed := range []string{
		"<a><RetrievalId>X-1</RetrievalId></a>", "<a:b xmlns:a='c'><a:RetrievalId> X\n</a:RetrievalId></a:b>",
		"<a><RetrievalId>X</RetrievalId><RetrievalId>Y</RetrievalId></a>", "<a b='<c>'><RetrievalId>X</RetrievalId></a>",
		"<a b='>'><!-- <RetrievalId>Y</RetrievalId> --><RetrievalId>&#88;<![CDATA[-]]>1</RetrievalId></a>",
		"<a><RetrievalId>X<b/></RetrievalId><RetrievalId/><Status>OK</Status></a>", "<a><RetrievalId><RetrievalId>X",
		"<a><Status>FAIL</Status><RetrievalId>X</RetrievalId></a>", "<RetrievalId>X</RetrievalI", "<?a <RetrievalId>?>",
		"<a\u00a0='b'><RetrievalId>X</RetrievalId></a>", "\xff\xfe<\x00R\x00",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		found := protocol.FindRetrievalID(data)
		if found != "" && !wellFormed.MatchString(found) {
			t.Errorf("%q is no id", found)
		}
		document, err := xmlsig.Parse(data)
		if err != nil {
			return
		}
		ids := map[string]bool{}
		refused := false
		for _, element := range document.FindElements("//*") {
			refused = refused || element.Tag == "Fault" && len(element.Child) > 0 ||
				element.Tag == "Status" && plainText(element) == "FAIL"
			if id := plainText(element); element.Tag == "RetrievalId" && wellFormed.MatchString(id) {
				ids[id] = true
			}
		}
		want := ""
		if len(ids) == 1 && !refused {
			want = slices.Collect(maps.Keys(ids))[0]
		}
		if found != want {
			t.Errorf("%q was found, the parser sees %v in %q", found, ids, data)
		}
	})
}

var wellFormed = regexp.MustCompile(`^[A-Za-z0-9-]{1,32}$`)

// plainText is the text of an element without elements in it.
func plainText(element *etree.Element) string {
	if len(element.ChildElements()) > 0 {
		return ""
	}
	return strings.Trim(element.Text(), " \t\r\n")
}

// BenchmarkFindRetrievalID: every byte is looked at once, whatever stands around it.
func BenchmarkFindRetrievalID(b *testing.B) {
	for _, piece := range []string{"<", "<a>", "</", "<!--", "<a b='", "<a b=''>", "<![CDATA[", "<RetrievalId>", "&", ":",
		"<a:", "<RetrievalId>X</RetrievalId>", "<Status>&#65;</Status>",
		"<Status>" + strings.Repeat("&lt;", 200) + "</Status>", "<?", "<!", "<a b=\"'\" c='\">", "<\x00"} {
		data := []byte(strings.Repeat(piece, (xmlsig.MaximumBytes-20)/len(piece)) + "<RetrievalId>")
		b.Run(piece[:min(len(piece), 30)], func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				protocol.FindRetrievalID(data)
			}
		})
	}
}
