package xmltree_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/referee"
	"github.com/varmenne/varmenne-issuer/internal/simulator/xmltree"
)

// documents have no comments, since xmllint keeps them and the methods here do not.
var documents = map[string]string{
	"empty elements":               `<a><b/><c></c></a>`,
	"attribute order":              `<a xmlns:y="urn:1" xmlns:x="urn:2" x:b="1" y:b="2" b="3" a="4"/>`,
	"declaration order":            `<z:a xmlns:z="urn:z" xmlns="urn:d" xmlns:b="urn:b" xmlns:a="urn:a"/>`,
	"superfluous declarations":     `<a xmlns:x="urn:1"><b xmlns:x="urn:1"><x:c xmlns:x="urn:2"/></b></a>`,
	"unused declarations":          `<a xmlns:x="urn:1"><b xmlns:y="urn:2"><x:c/></b></a>`,
	"default namespaces":           `<a xmlns="u:1"><b xmlns=""><c xmlns=""/><d xmlns="u:1"/></b><e xmlns="u:1"/></a>`,
	"a declaration used twice":     `<a xmlns:x="urn:1"><x:b/><c><x:d/></c></a>`,
	"attributes with a prefix":     `<a xmlns:x="urn:1"><b x:c="d"/></a>`,
	"xml attributes":               `<a xml:lang="fi" xml:space="preserve"><b/></a>`,
	"text escapes":                 `<a>&lt;&gt;&amp;"'&#13;&#10;&#9;ä&#x20AC;</a>`,
	"attribute escapes":            `<a b="&lt;>&amp;&quot;'ä"/>`,
	"white space in an attribute":  "<a b=\" c\td\ne \"/>",
	"line ends":                    "<a>\r\nb\rc\n</a>",
	"CDATA":                        `<a><![CDATA[<b>&amp;]]></a>`,
	"an XML declaration":           `<?xml version="1.0" encoding="UTF-8"?>` + "\n<a/>\n",
	"white space around the root":  "\n\n<a> </a>\n\n",
	"a prefix bound anew":          `<x:a xmlns:x="urn:1"><x:b xmlns:x="urn:2"><x:c xmlns:x="urn:1"/></x:b></x:a>`,
	"a default namespace not used": `<x:a xmlns:x="urn:1" xmlns="urn:2"><x:b><c/></x:b></x:a>`,
}

func TestCanonicalFormsAreThoseOfXmllint(t *testing.T) {
	for claim, document := range documents {
		t.Run(claim, func(t *testing.T) {
			root := must.Get(xmltree.Parse([]byte(document), xmltree.DefaultLimits()))(t)
			for option, method := range map[string]xmltree.Method{
				"--c14n": xmltree.Inclusive, "--c14n11": xmltree.Inclusive11, "--exc-c14n": xmltree.Exclusive,
			} {
				if got, want := string(root.Canonical(method, nil)), xmllint(t, option, document); got != want {
					t.Errorf("%s:\n%s\nxmllint says\n%s", option, got, want)
				}
			}
			written := must.Get(xmltree.Parse(root.Copy().Write(), xmltree.DefaultLimits()))(t)
			got, want := written.Canonical(xmltree.Inclusive, nil), root.Canonical(xmltree.Inclusive, nil)
			if !bytes.Equal(got, want) {
				t.Errorf("written and read again:\n%s\n%s", got, want)
			}
		})
	}
}

// xmllint is the referee; its response to a canonicalization ends without a line break.
func xmllint(t *testing.T, option, document string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "document.xml")
	must.Do(t, os.WriteFile(path, []byte(document), 0o600))
	return string(must.Get(exec.CommandContext(t.Context(), referee.Program(t, "xmllint"), option, path).Output())(t))
}

func TestAnInnerElementTakesItsContextAlong(t *testing.T) {
	document := `<s:a xmlns:s="urn:s" xmlns:u="urn:u" xml:lang="fi" xml:id="i"><p:b xmlns:p="urn:p"><c/></p:b></s:a>`
	inner := must.Get(xmltree.Parse([]byte(document), xmltree.DefaultLimits()))(t).Elements()[0]
	for method, want := range map[xmltree.Method]string{
		xmltree.Exclusive:   `<p:b xmlns:p="urn:p"><c></c></p:b>`,
		xmltree.Inclusive:   `<p:b xmlns:p="urn:p" xmlns:s="urn:s" xmlns:u="urn:u" xml:id="i" xml:lang="fi"><c></c></p:b>`,
		xmltree.Inclusive11: `<p:b xmlns:p="urn:p" xmlns:s="urn:s" xmlns:u="urn:u" xml:lang="fi"><c></c></p:b>`,
	} {
		if got := string(inner.Canonical(method, nil)); got != want {
			t.Errorf("method %d:\n%s, want\n%s", method, got, want)
		}
	}
	if got := string(inner.Canonical(xmltree.Exclusive, inner.Elements()[0])); got != `<p:b xmlns:p="urn:p"></p:b>` {
		t.Errorf("without the child: %s", got)
	}
}

func FuzzParsedDocumentsSurviveWriting(f *testing.F) {
	for _, document := range documents {
		f.Add([]byte(document))
	}
	f.Add([]byte(`<a><!-- b --></a>`))
	f.Fuzz(func(t *testing.T, document []byte) {
		root, err := xmltree.Parse(document, xmltree.DefaultLimits())
		if err != nil {
			return
		}
		again, err := xmltree.Parse(root.Write(), xmltree.Limits{Bytes: 1 << 24, Depth: 32, Nodes: 4096})
		if err != nil {
			t.Fatalf("%v\n%q\n%q", err, document, root.Write())
		}
		for _, method := range []xmltree.Method{xmltree.Exclusive, xmltree.Inclusive, xmltree.Inclusive11} {
			if before, after := root.Canonical(method, nil), again.Canonical(method, nil); !bytes.Equal(before, after) {
				t.Fatalf("%q\n%q", before, after)
			}
		}
	})
}
