package xmlsig_test

import (
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/referee"
	"github.com/varmenne/varmenne-issuer/internal/vero/xmlsig"
)

// refused are documents that must not be read, and why.
var refused = map[string]struct {
	document string
	want     xmlsig.ParseReason
}{
	"empty":                          {"", xmlsig.NotWellFormed},
	"white space only":               {" \n", xmlsig.NotWellFormed},
	"not XML":                        {"HTTP/1.1 404 Not Found", xmlsig.NotWellFormed},
	"DOCTYPE before the root":        {"<!DOCTYPE a><a/>", xmlsig.Doctype},
	"DOCTYPE after the declaration":  {`<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>`, xmlsig.Doctype},
	"DOCTYPE inside the root":        {"<a><!DOCTYPE a></a>", xmlsig.Doctype},
	"DOCTYPE after the root":         {"<a/><!DOCTYPE a>", xmlsig.Doctype},
	"two roots":                      {"<a/><b/>", xmlsig.MultipleRoots},
	"two roots with a comment":       {"<a></a><!-- --><a></a>", xmlsig.MultipleRoots},
	"text after the root":            {"<a/>b", xmlsig.TrailingText},
	"reference after the root":       {"<a/>&#10;", xmlsig.TrailingText},
	"CDATA after the root":           {"<a/><![CDATA[b]]>", xmlsig.NotWellFormed},
	"text before the root":           {"b<a/>", xmlsig.NotWellFormed},
	"same attribute twice":           {`<a b="1" c="" b="2"/>`, xmlsig.DuplicateAttribute},
	"same declaration twice":         {`<a xmlns:b="urn:b" xmlns:b="urn:c"/>`, xmlsig.DuplicateAttribute},
	"same default declaration twice": {`<a xmlns="urn:b" xmlns="urn:b"/>`, xmlsig.DuplicateAttribute},
	"attributes with the same namespace and name": {
		`<a xmlns:b="urn:b" xmlns:c="urn:b" b:d="" c:d=""/>`, xmlsig.DuplicateAttribute,
	},
	"undeclared prefix of an element":     {"<b:a/>", xmlsig.UndeclaredPrefix},
	"undeclared prefix of an attribute":   {`<a b:c=""/>`, xmlsig.UndeclaredPrefix},
	"prefix used outside its declaration": {`<a><b xmlns:c="urn:c"/><c:d/></a>`, xmlsig.UndeclaredPrefix},
	"prefix bound to nothing":             {`<a xmlns:b=""/>`, xmlsig.UndeclaredPrefix},
	"prefix xmlns declared":               {`<a xmlns:xmlns="urn:a"/>`, xmlsig.UndeclaredPrefix},
	"prefix xmlns on an element":          {`<xmlns:a/>`, xmlsig.UndeclaredPrefix},
	"prefix xml bound to something else":  {`<a xmlns:xml="urn:a"/>`, xmlsig.UndeclaredPrefix},
	"XML namespace bound to a prefix": {
		`<a xmlns:b="http://www.w3.org/XML/1998/namespace"/>`, xmlsig.UndeclaredPrefix,
	},
	"declarations' namespace bound":    {`<a xmlns="http://www.w3.org/2000/xmlns/"/>`, xmlsig.UndeclaredPrefix},
	"UTF-8 byte order mark":            {"\xEF\xBB\xBF<a/>", xmlsig.ByteOrderMark},
	"UTF-16 byte order mark":           {"\xFF\xFE<\x00a\x00/\x00>\x00", xmlsig.ByteOrderMark},
	"UTF-16 without byte order mark":   {"<\x00a\x00/\x00>\x00", xmlsig.NotWellFormed},
	"declared as ISO-8859-1":           {`<?xml version="1.0" encoding="ISO-8859-1"?><a/>`, xmlsig.Encoding},
	"declared as UTF-16":               {`<?xml version='1.0' encoding='UTF-16' standalone='no'?><a/>`, xmlsig.Encoding},
	"not UTF-8":                        {"<a>\xE4</a>", xmlsig.Encoding},
	"surrogate written in UTF-8":       {"<a>\xED\xA0\x80</a>", xmlsig.Encoding},
	"XML 1.1":                          {`<?xml version="1.1"?><a/>`, xmlsig.NotWellFormed},
	"declaration without version":      {`<?xml encoding="UTF-8"?><a/>`, xmlsig.NotWellFormed},
	"declaration without end":          {`<?xml version="1.0"` + strings.Repeat(" ", 1000), xmlsig.NotWellFormed},
	"declaration not at the beginning": {` <?xml version="1.0"?><a/>`, xmlsig.ProcessingInstruction},
	"declaration twice":                {`<?xml version="1.0"?><?xml version="1.0"?><a/>`, xmlsig.ProcessingInstruction},
	"processing instruction before":    {`<?a b?><a/>`, xmlsig.ProcessingInstruction},
	"processing instruction that starts like a declaration": {
		`<?xml-stylesheet href="a"?><a/>`, xmlsig.ProcessingInstruction,
	},
	"processing instruction inside":            {`<a><?b?></a>`, xmlsig.ProcessingInstruction},
	"element not closed":                       {"<a><b></b>", xmlsig.NotWellFormed},
	"wrong end tag":                            {"<a></b>", xmlsig.NotWellFormed},
	"end tag of another prefix":                {`<a xmlns:b="urn:b"><b:a></a></a>`, xmlsig.NotWellFormed},
	"end tag first":                            {"</a>", xmlsig.NotWellFormed},
	"end tag with an attribute":                {`<a></a b="">`, xmlsig.NotWellFormed},
	"start tag not closed":                     {"<a b=''", xmlsig.NotWellFormed},
	"tag without name":                         {"<>", xmlsig.NotWellFormed},
	"name that starts with a digit":            {"<1a/>", xmlsig.NotWellFormed},
	"name that starts with a colon":            {"<:a/>", xmlsig.NotWellFormed},
	"name that ends with a colon":              {"<a:/>", xmlsig.NotWellFormed},
	"name with two colons":                     {`<a:b:c xmlns:a="urn:a"/>`, xmlsig.NotWellFormed},
	"name with a forbidden letter":             {"<a×/>", xmlsig.NotWellFormed},
	"attribute without value":                  {"<a b/>", xmlsig.NotWellFormed},
	"attribute without quotes":                 {"<a b=c/>", xmlsig.NotWellFormed},
	"attribute without end":                    {"<a b='c/>", xmlsig.NotWellFormed},
	"attributes without a space":               {`<a b=""c=""/>`, xmlsig.NotWellFormed},
	"attribute with <":                         {`<a b="<"/>`, xmlsig.NotWellFormed},
	"]]> in text":                              {"<a>]]></a>", xmlsig.NotWellFormed},
	"CDATA without end":                        {"<a><![CDATA[</a>", xmlsig.NotWellFormed},
	"comment without end":                      {"<a><!-- </a>", xmlsig.NotWellFormed},
	"comment with --":                          {"<a><!-- -- --></a>", xmlsig.NotWellFormed},
	"comment that ends with --->":              {"<a><!-- ---></a>", xmlsig.NotWellFormed},
	"unknown entity":                           {"<a>&nbsp;</a>", xmlsig.NotWellFormed},
	"unknown entity in an attribute":           {"<a b='&c;'/>", xmlsig.NotWellFormed},
	"ampersand alone":                          {"<a>a & b</a>", xmlsig.NotWellFormed},
	"reference without end":                    {"<a>&amp</a>", xmlsig.NotWellFormed},
	"reference to NUL":                         {"<a>&#0;</a>", xmlsig.NotWellFormed},
	"reference to a surrogate":                 {"<a>&#xD800;</a>", xmlsig.NotWellFormed},
	"reference beyond Unicode":                 {"<a>&#x110000;</a>", xmlsig.NotWellFormed},
	"reference to no number":                   {"<a>&#x;</a>", xmlsig.NotWellFormed},
	"reference to NUL with zeros":              {"<a>&#x00000;</a>", xmlsig.NotWellFormed},
	"reference of many zeros without end":      {"<a>&#" + strings.Repeat("0", 1000) + "65</a>", xmlsig.NotWellFormed},
	"reference beyond 64 bits":                 {"<a>&#x10000000000000041;</a>", xmlsig.NotWellFormed},
	"hexadecimal digit in a decimal reference": {"<a>&#6A;</a>", xmlsig.NotWellFormed},
	"reference with a sign":                    {"<a>&#+65;</a>", xmlsig.NotWellFormed},
	"reference with an upper-case X":           {"<a>&#X41;</a>", xmlsig.NotWellFormed},
	"control character":                        {"<a>\x01</a>", xmlsig.NotWellFormed},
	"control character in a comment":           {"<a><!--\x01--></a>", xmlsig.NotWellFormed},
	"U+FFFE":                                   {"<a>\uFFFE</a>", xmlsig.NotWellFormed},
	"lower-case doctype":                       {"<!doctype a><a/>", xmlsig.NotWellFormed},
	"too deep":                                 {nested(xmlsig.MaximumDepth + 1), xmlsig.TooDeep},
	"2,000 levels":                             {nested(2000), xmlsig.TooDeep},
	"too many elements":                        {"<a>" + strings.Repeat("<b/>", 5000) + "</a>", xmlsig.TooMany},
	"too many comments":                        {"<a>" + strings.Repeat("<!---->", 300) + "</a>", xmlsig.TooMany},
	"too many attributes of one":               {"<a" + attributes(100) + "/>", xmlsig.TooMany},
	"too many attributes of all": {
		"<a>" + strings.Repeat("<b"+attributes(50)+"/>", 100) + "</a>", xmlsig.TooMany,
	},
	"too many declarations in force": {
		"<a" + declarations(40) + "><b" + declarations(40) + "/></a>", xmlsig.TooMany,
	},
	"too long a name":                            {"<" + longName + "/>", xmlsig.TooLong},
	"too long a name in an end tag":              {"<a></" + longName + ">", xmlsig.TooLong},
	"too long a name by one letter":              {"<" + strings.Repeat("a", 999) + "ä/>", xmlsig.TooLong},
	"too long a prefix":                          {"<" + longName + `:a/>`, xmlsig.TooLong},
	"too long a declared prefix":                 {"<a xmlns:" + longName + `="urn:a"/>`, xmlsig.TooLong},
	"too long a name of an attribute":            {"<a " + longName + `=""/>`, xmlsig.TooLong},
	"too long a namespace name":                  {`<a xmlns:b="urn:` + longName + `"/>`, xmlsig.TooLong},
	"too long a namespace name, quotation marks": {`<a b:a="" xmlns:b='urn:` + quotationMarks + `'/>`, xmlsig.TooLong},
	"too long a default namespace name":          {`<a xmlns="urn:` + longName + `"/>`, xmlsig.TooLong},
	"relative namespace name":                    {`<a xmlns:b="1"/>`, xmlsig.RelativeNamespace},
	"relative default namespace name":            {`<a xmlns="b/c"/>`, xmlsig.RelativeNamespace},
	"namespace name that is a fragment":          {`<a xmlns="#b:c"/>`, xmlsig.RelativeNamespace},
	"namespace name that starts with a slash":    {`<a xmlns="//b:c"/>`, xmlsig.RelativeNamespace},
	"namespace name that starts with a blank":    {`<a xmlns=" urn:b"/>`, xmlsig.RelativeNamespace},
	"relative namespace name inside":             {`<a><b xmlns:c="c"/></a>`, xmlsig.RelativeNamespace},
	"too large": {
		"<a>" + strings.Repeat(" ", xmlsig.MaximumBytes) + "</a>", xmlsig.TooLarge,
	},
}

func nested(levels int) string { return strings.Repeat("<a>", levels) + strings.Repeat("</a>", levels) }

func attributes(count int) string {
	var text strings.Builder
	for index := range count {
		fmt.Fprintf(&text, ` a%d=""`, index)
	}
	return text.String()
}

func declarations(count int) string {
	return strings.NewReplacer(` a`, ` xmlns:a`, `""`, `"urn:a"`).Replace(attributes(count))
}

// longestError is how many bytes the text of the longest error of this package may have.
const longestError = 2048

func TestWhatIsNotStrictXMLIsRefused(t *testing.T) {
	for claim, test := range refused {
		t.Run(claim, func(t *testing.T) {
			document, err := xmlsig.Parse([]byte(test.document))
			var refusal *xmlsig.ParseError
			if !errors.As(err, &refusal) || refusal.Reason != test.want || document != nil {
				t.Fatalf("got %v, want reason %s", err, test.want)
			}
			if text := err.Error(); len(text) > longestError {
				t.Errorf("the error has %d bytes: %.200s", len(text), text)
			}
			if refusal.Offset < 0 || refusal.Offset > len(test.document) {
				t.Errorf("offset %d is outside of the document", refusal.Offset)
			}
		})
	}
}

// longName is longer than any name may be.
var longName = strings.Repeat("a", xmlsig.MaximumNameBytes+1)

// quotationMarks are what a namespace name of 12 kB was made of that took 550 MB to canonicalize.
var quotationMarks = strings.Repeat(`"`, 12_000)

// longestNames is a document whose names are as long as they may be.
var longestNames = func() string {
	name := strings.Repeat("ä", xmlsig.MaximumNameBytes/2)
	space := "urn:" + strings.Repeat("a", xmlsig.MaximumNameBytes-len("urn:"))
	tag := name + ":" + name
	return "<" + tag + " xmlns:" + name + `="` + space + `" ` + tag + `=""></` + tag + ">"
}()

// accepted are documents that must be read, and what becomes of them when they are written again.
var accepted = map[string]struct{ document, want string }{
	"smallest":    {"<a/>", "<a></a>"},
	"declaration": {"<?xml version='1.0'?><a/>", "<a></a>"},
	"declaration with encoding": {
		`<?xml version="1.0" encoding="utf-8" standalone="yes" ?>` + "\r\n<a/>",
		"<a></a>",
	},
	"white space and comments around": {"\n<!-- a -->\t<a/>\n<!-- b -->\r\n", "<a></a>"},
	"newline after the root":          {"<a/>\n", "<a></a>"},
	"white space in tags":             {"<a\n b = '1'\tc\r\n=\r\n\"2\" ></a\n>", `<a b="1" c="2"></a>`},
	"line ends":                       {"<a>1\r\n2\r3\n4\r\r\n</a>", "<a>1\n2\n3\n4\n\n</a>"},
	"carriage return by reference":    {"<a b='&#13;&#xa;&#x9;'>&#13;\n</a>", "<a b=\"&#xD;&#xA;&#x9;\">&#xD;\n</a>"},
	"white space in an attribute":     {"<a b='1\r\n2\r3\n4\t5 '/>", `<a b="1 2 3 4 5 "></a>`},
	"predefined references": {
		`<a b="&lt;&quot;&apos;">&amp;&lt;&gt;&quot;&apos;</a>`,
		`<a b="&lt;&quot;'">&amp;&lt;&gt;"'</a>`,
	},
	"references to characters": {"<a>&#x41;&#66;&#x1F600;&#x0000041;</a>", "<a>AB😀A</a>"},
	"references with many leading zeros": {
		"<a b='&#x" + strings.Repeat("0", 5000) + "41;'>&#" + strings.Repeat("0", 5000) + "66;&#x00000000000000000e4;</a>",
		`<a b="A">Bä</a>`,
	},
	"longest names": {longestNames, longestNames},
	"namespace names of any scheme": {
		`<a xmlns="a+B-1.c:"><b xmlns="HTTP://B" xmlns:c="x:"/></a>`,
		`<a xmlns="a+B-1.c:"><b xmlns="HTTP://B" xmlns:c="x:"></b></a>`,
	},
	"reference that spells a reference": {"<a>&#38;lt;</a>", "<a>&amp;lt;</a>"},
	"CDATA": {
		"<a>1<![CDATA[<b>&amp;]]]]>2<![CDATA[\r\n]]><![CDATA[]]></a>",
		"<a>1&lt;b&gt;&amp;amp;]]2\n</a>",
	},
	"DOCTYPE as text":       {"<a><!-- <!DOCTYPE a> --><![CDATA[<!DOCTYPE a>]]></a>", "<a>&lt;!DOCTYPE a&gt;</a>"},
	"comments are left out": {"<a>1<!-- x -->2<b/><!----></a>", "<a>12<b></b></a>"},
	"namespaces": {
		`<b:a xmlns:b="urn:b" b:c="" xml:lang="fi"><d xmlns="urn:d"/></b:a>`,
		`<b:a xmlns:b="urn:b" b:c="" xml:lang="fi"><d xmlns="urn:d"></d></b:a>`,
	},
	"declaration after its use": {`<a b:c="" xmlns:b="urn:b"/>`, `<a b:c="" xmlns:b="urn:b"></a>`},
	"default namespace undone":  {`<a xmlns="urn:a"><b xmlns=""/></a>`, `<a xmlns="urn:a"><b xmlns=""></b></a>`},
	"prefix xml declared as it is": {
		`<a xmlns:xml="http://www.w3.org/XML/1998/namespace"/>`,
		`<a xmlns:xml="http://www.w3.org/XML/1998/namespace"></a>`,
	},
	"same name, other namespace": {
		`<a xmlns:b="urn:b" xmlns:c="urn:c" b:d="1" c:d="2" d="3"/>`,
		`<a xmlns:b="urn:b" xmlns:c="urn:c" b:d="1" c:d="2" d="3"></a>`,
	},
	"names beyond ASCII": {"<äö-1.·><名/></äö-1.·>", "<äö-1.·><名></名></äö-1.·>"},
	"deepest":            {nested(xmlsig.MaximumDepth), nested(xmlsig.MaximumDepth)},
	"largest": {
		"<a>" + strings.Repeat("x", xmlsig.MaximumBytes-7) + "</a>",
		"<a>" + strings.Repeat("x", xmlsig.MaximumBytes-7) + "</a>",
	},
}

func TestStrictXMLIsRead(t *testing.T) {
	for claim, test := range accepted {
		t.Run(claim, func(t *testing.T) {
			document := must.Get(xmlsig.Parse([]byte(test.document)))(t)
			document.WriteSettings = xmlsig.WriteSettings()
			document.WriteSettings.CanonicalEndTags = true
			written := must.Get(document.WriteToString())(t)
			if written != test.want {
				t.Errorf("got  %.300q\nwant %.300q", written, test.want)
			}
		})
	}
}

// xmllint reads whatever is well-formed, so it must refuse at least what we call not well-formed.
func TestXMLLintAgreesAboutWellFormedness(t *testing.T) {
	for claim, test := range accepted {
		if err := lint(t, test.document); err != nil {
			t.Errorf("%s: accepted here, refused by xmllint: %v", claim, err)
		}
	}
	// Colons at wrong places are errors of namespaces, which xmllint only warns of; it also reads XML 1.1, and UTF-16
	// without a mark.
	exempt := regexp.MustCompile("colon|XML 1.1|UTF-16 without")
	for claim, test := range refused {
		if test.want == xmlsig.NotWellFormed && !exempt.MatchString(claim) && lint(t, test.document) == nil {
			t.Errorf("%s: refused here as not well-formed, accepted by xmllint", claim)
		}
	}
}

func lint(t testing.TB, document string) error {
	t.Helper()
	command := exec.Command(referee.Program(t, "xmllint"), "--noout", "--nonet", "-")
	command.Stdin = strings.NewReader(document)
	return command.Run()
}
