package xmlsig_test

import (
	"maps"
	"os/exec"
	"strings"
	"testing"

	"github.com/beevik/etree"

	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/referee"
	"github.com/varmenne/varmenne-issuer/internal/vero/xmlsig"
)

// documents are what the canonical forms are compared on, besides everything in accepted and payloads. None has
// comments: xmllint keeps them.
var documents = map[string]string{
	"attributes are sorted by namespace and name": `<a xmlns:c="urn:1" xmlns:b="urn:2" b:a="" c:b="" c:a="" b="" a=""/>`,
	"declarations are sorted by prefix": `<c:a xmlns:c="urn:1" xmlns:b="urn:2" xmlns="urn:3" xmlns:a="urn:4" a:x=""` +
		` b:x=""/>`,
	"redundant declarations": `<a xmlns="urn:a" xmlns:b="urn:b"><b:c xmlns="urn:a" xmlns:b="urn:b"><d/></b:c>` + `</a>`,
	"a prefix bound to one, another, and the first": `<b:a xmlns:b="urn:1"><b:a xmlns:b="urn:2">` +
		`<b:a xmlns:b="urn:1"/></b:a></b:a>`,
	"default namespace on and off": `<a><b xmlns="urn:b"><c xmlns=""><d xmlns="urn:b"/><e xmlns=""/></c></b>` +
		`<f xmlns=""/></a>`,
	"default namespace used only deep inside": `<b:a xmlns:b="urn:b" xmlns="urn:a"><b:c><d/>` +
		`<b:c><d xmlns=""/></b:c></b:c></b:a>`,
	"used only by an attribute": `<a xmlns:b="urn:b"><c b:d=""><e/></c><c b:d=""/></a>`,
	"xml attributes":            `<a xml:space="preserve" xml:lang="fi"><b xml:lang="sv"> </b></a>`,
	"example 3.3 of the recommendation": "<doc>\n   <e1   />\n   <e2   ></e2>\n" +
		"   <e3   name = \"elem3\"   id=\"elem3\"   />\n" +
		"   <e4   name=\"elem4\"   id=\"elem4\"   ></e4>\n" +
		"   <e5 a:attr=\"out\" b:attr=\"sorted\" attr2=\"all\" attr=\"I'm\"\n" +
		"      xmlns:b=\"http://www.ietf.org\"\n      xmlns:a=\"http://www.w3.org\"\n      xmlns=\"http://example.org\"/>\n" +
		"   <e6 xmlns=\"\" xmlns:a=\"http://www.w3.org\">\n      <e7 xmlns=\"http://www.ietf.org\">\n" +
		"         <e8 xmlns=\"\" xmlns:a=\"http://www.w3.org\">\n            <e9 xmlns=\"\" attr=\"default\"\n" +
		"               xmlns:a=\"http://www.ietf.org\"/>\n         </e8>\n      </e7>\n   </e6>\n</doc>",
	"example 3.4 of the recommendation": "<doc>\n" +
		"   <text>First line&#x0d;&#10;Second line</text>\n   <value>&#x32;</value>\n" +
		"   <compute><![CDATA[value>\"0\" && value<\"10\" ?\"valid\":\"error\"]]></compute>\n" +
		"   <compute expr='value>\"0\" &amp;&amp; value&lt;\"10\" ?\"valid\":\"error\"'>valid</compute>\n" +
		"   <norm attr=' &apos;   &#x20;&#13;&#xa;&#9;   &apos; '/>\n</doc>",
}

func TestXMLLintAgreesAboutCanonicalForms(t *testing.T) {
	options := map[string]string{inclusive10: "--c14n", inclusive11: "--c14n11", exclusive: "--exc-c14n"}
	compared := maps.Clone(documents)
	for name, test := range accepted {
		compared[name] = test.document
	}
	for name, payload := range payloads {
		compared[name] = strings.Replace(payload, "@SIGNATURE@", form{}.template(), 1)
	}
	for name, document := range compared {
		if strings.Contains(document, "<!--") {
			continue
		}
		for algorithm, option := range options {
			t.Run(name+"/"+option, func(t *testing.T) {
				t.Parallel()
				parsed := must.Get(xmlsig.Parse([]byte(document)))(t)
				canonical := must.Get(xmlsig.Canonicalize(parsed.Root(), algorithm))(t)
				if want := lintedForm(t, option, document); string(canonical) != want {
					t.Errorf("got  %.2000q\nwant %.2000q", canonical, want)
				}
			})
		}
	}
}

func lintedForm(t testing.TB, option, document string) string {
	t.Helper()
	command := exec.Command(referee.Program(t, "xmllint"), option, "--nonet", "-")
	command.Stdin = strings.NewReader(document)
	output, err := command.Output()
	if err != nil {
		t.Fatalf("xmllint %s: %v", option, err)
	}
	return string(output)
}

func TestCanonicalizationLeavesTheElementAsItIs(t *testing.T) {
	for name, document := range documents {
		parsed := must.Get(xmlsig.Parse([]byte(document)))(t)
		before := written(t, parsed.Root())
		must.Get(xmlsig.Canonicalize(parsed.Root(), exclusive))(t)
		if written(t, parsed.Root()) != before {
			t.Errorf("%s: the element was changed", name)
		}
	}
}

func TestWhatCannotBeCanonicalizedIsAnError(t *testing.T) {
	elements := map[string]func() *etree.Element{
		"undeclared prefix of an element":   func() *etree.Element { return etree.NewElement("a:b") },
		"undeclared prefix of an attribute": func() *etree.Element { return withAttribute(etree.NewElement("b")) },
		"processing instruction": func() *etree.Element {
			element := etree.NewElement("b")
			element.CreateProcInst("c", "d")
			return element
		},
	}
	for claim, build := range elements {
		for _, algorithm := range []string{exclusive, inclusive10} {
			// An inclusive form writes what is declared; it need not notice an element whose prefix is not.
			_, err := xmlsig.Canonicalize(build(), algorithm)
			if err == nil && (algorithm == exclusive || claim != "undeclared prefix of an element") {
				t.Errorf("%s, %s: no error", claim, algorithm)
			}
		}
	}
}

func withAttribute(element *etree.Element) *etree.Element {
	element.CreateAttr("a:c", "")
	return element
}

// written serializes a copy of an element the way a signed document must be written.
func written(t testing.TB, element *etree.Element) string {
	t.Helper()
	document := etree.NewDocumentWithRoot(element.Copy())
	document.WriteSettings = xmlsig.WriteSettings()
	return must.Get(document.WriteToString())(t)
}
