package xmlsig_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
	"github.com/varmenne/varmenne-issuer/internal/vero/xmlsig"
)

// forms are the forms of a signature that real stacks make and that must verify.
var forms = map[string]form{
	"exclusive, as the owner demands":                {},
	"only enveloped-signature":                       {transforms: envelopedOnly, canonical: inclusive10},
	"only enveloped-signature, exclusive SignedInfo": {transforms: envelopedOnly},
	"inclusive 1.0":                                  {transforms: inclusiveAfter, canonical: inclusive10},
	"inclusive 1.1":                                  {transforms: inclusive11After, canonical: inclusive11},
	"exclusive with inclusive SignedInfo":            {canonical: inclusive10},
	"default namespace for the Signature":            {unprefixed: true},
	"default namespace for the Signature, only enveloped-signature": {
		unprefixed: true, transforms: envelopedOnly, canonical: inclusive10,
	},
	"exclusive with InclusiveNamespaces": {transforms: envelopedOnly + `<ds:Transform Algorithm="` + exclusive + `">` +
		`<ec:InclusiveNamespaces xmlns:ec="` + exclusive + `" PrefixList="xsd #default cer absent"/></ds:Transform>`},
	"RSA-SHA384 and SHA-384": {
		signatureMethod: "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384",
		digestMethod:    "http://www.w3.org/2001/04/xmldsig-more#sha384",
	},
	"RSA-SHA512 and SHA-512": {
		signatureMethod: "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512",
		digestMethod:    "http://www.w3.org/2001/04/xmlenc#sha512",
	},
	"KeyName before X509Data":  {keyInfo: `<ds:KeyInfo><ds:KeyName/><ds:X509Data/></ds:KeyInfo>`},
	"KeyValue before X509Data": {keyInfo: `<ds:KeyInfo><ds:KeyValue/><ds:X509Data/></ds:KeyInfo>`},
	"names and the certificate in X509Data": {keyInfo: `<ds:KeyInfo><ds:X509Data><ds:X509SubjectName/>` +
		`<ds:X509IssuerSerial/><ds:X509Certificate/></ds:X509Data></ds:KeyInfo>`},
}

const (
	declareService = ` xmlns:cer="` + serviceNamespace + `"`
	declareDS      = ` xmlns:ds="` + xmlsig.Namespace + `"`
	declareXSD     = ` xmlns:xsd="http://www.w3.org/2001/XMLSchema"`
	declareDefault = ` xmlns="urn:example:default"`

	// wantCertificate and wantStatus are what every payload says.
	wantCertificate = "TUlJQ2VydA=="
	wantStatus      = "OK"
)

// response is a payload with these attributes and this content.
func response(attributes, content string) string {
	return `<cer:GetCertificateResponse` + attributes + `>` + content + `@SIGNATURE@</cer:GetCertificateResponse>`
}

const plainContent = `<Certificate>TUlJQ2VydA==</Certificate><Result><Status>OK</Status></Result>`

// payloads are ways to write the same response that must verify.
var payloads = map[string]string{
	"plain": response(declareService, plainContent),
	`default namespace on the root with xmlns="" children`: response(declareService+declareDefault,
		`<Certificate xmlns="">TUlJQ2VydA==</Certificate><Result xmlns=""><Status>OK</Status></Result>`),
	`xmlns="" where there is no default namespace`: response(declareService+` xmlns=""`,
		`<Certificate xmlns="">TUlJQ2VydA==</Certificate><Result><Status xmlns="">OK</Status></Result>`),
	"default namespace inside, undone further inside": response(declareService,
		`<Certificate>TUlJQ2VydA==</Certificate><Result><a xmlns="urn:a"><b xmlns=""><c/></b></a>`+
			`<Status>OK</Status></Result>`),
	"unused declarations": response(declareService+declareXSD+` xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"`,
		`<Certificate xmlns:unused="urn:unused">TUlJQ2VydA==</Certificate><Result><Status>OK</Status></Result>`),
	"the Signature's prefix declared on the root": response(declareService+declareDS, plainContent),
	"a prefix declared again, the same and another": response(declareService,
		`<Certificate>TUlJQ2VydA==</Certificate><cer:a xmlns:cer="urn:other"><cer:b xmlns:cer="urn:other"/></cer:a>`+
			`<cer:c`+declareService+`/><Result><Status>OK</Status></Result>`),
	"comments": response(declareService, `<!-- a --><Certificate>TUlJ<!-- b -->Q2VydA==</Certificate>`+
		`<Result><Status>O<!-- c -->K</Status></Result>`),
	"indented": response(declareService, "\n\t<Certificate>\n    TUlJQ2VydA==\n  </Certificate>\n"+
		"  <Result>\n    <Status>OK</Status>\n  </Result>\n"),
	"white space after the Signature": strings.Replace(response(declareService, plainContent), "@SIGNATURE@",
		"@SIGNATURE@\n  ", 1),
	"CDATA and references": response(declareService, `<Certificate><![CDATA[TUlJ]]>Q2VydA&#61;&#x3d;</Certificate>`+
		`<Text>&lt;&gt;&amp;&quot;&apos;&#13;&#10;&#9;]]&gt;äö€😀</Text>`+
		`<Result><Status><![CDATA[OK]]></Status></Result>`),
	"attributes of several namespaces": response(declareService+` xmlns:b="urn:b" xmlns:a="urn:z" z="1" b:y="2" a:y="3"`,
		`<Certificate a:b="&quot;&lt;>&#13;&#10;&#9;'" b:b="  x  " a='"' xmlns:c="urn:c" c:a="">TUlJQ2VydA==</Certificate>`+
			`<Result><Status>OK</Status></Result>`),
	"line ends in an attribute": response(declareService+" a=\"one\ntwo\tthree\"", plainContent),
	"xml:lang":                  response(declareService+` xml:lang="fi" xml:space="preserve"`, plainContent),
}

// rewrites are changes after the signing that leave the signature good.
var rewrites = map[string]func(t *testing.T, signed string) string{
	"none":                         nil,
	"base64 in one line":           rewrapBase64(4096, ""),
	"base64 wrapped at 64 columns": rewrapBase64(64, "\n"),
	"base64 wrapped at 76 columns with &#13;": rewrapBase64(76, "&#13;\n"),
	"base64 wrapped with CRLF":                rewrapBase64(64, "\r\n"),
	"base64 indented":                         rewrapBase64(40, "\n        "),
	"base64 with spaces":                      rewrapBase64(20, " "),
}

var (
	signatureValues   = regexp.MustCompile(`(<(?:ds:)?(?:SignatureValue|X509Certificate)>)([^<]*)(</)`)
	anythingButBase64 = regexp.MustCompile(`[^A-Za-z0-9+/=]+`)
)

// rewrapBase64 wraps the values of a Signature that are not signed themselves, with a line end around them too.
func rewrapBase64(columns int, lineEnd string) func(*testing.T, string) string {
	return func(_ *testing.T, signed string) string {
		return signatureValues.ReplaceAllStringFunc(signed, func(element string) string {
			groups := signatureValues.FindStringSubmatch(element)
			value := anythingButBase64.ReplaceAllString(strings.ReplaceAll(groups[2], "&#13;", ""), "")
			var lines []string
			for line := range slices.Chunk([]byte(value), columns) {
				lines = append(lines, string(line))
			}
			return groups[1] + lineEnd + strings.Join(lines, lineEnd) + lineEnd + groups[3]
		})
	}
}

// envelopes are ways to put a signed payload into an envelope as text. Those that move declarations take them off the
// payload.
var envelopes = map[string]func(t *testing.T, signed string) string{
	"plain": func(_ *testing.T, signed string) string { return soap(signed) },
	"default namespace": func(_ *testing.T, signed string) string {
		return soapWith(` xmlns="http://schemas.xmlsoap.org/soap/envelope/"`, "", "", signed)
	},
	"empty Header": func(_ *testing.T, signed string) string {
		return soapWith(` xmlns:SOAP-ENV="http://schemas.xmlsoap.org/soap/envelope/"`, "SOAP-ENV:",
			"<SOAP-ENV:Header/>", signed)
	},
	"unused declarations": func(_ *testing.T, signed string) string {
		return soapWith(soapDeclaration+declareXSD+` xmlns:wsse="urn:wsse"`, "S:", "", signed)
	},
	"the payload's prefix bound to something else": func(_ *testing.T, signed string) string {
		return soapWith(soapDeclaration+` xmlns:cer="urn:something:else" xmlns:ds="urn:else"`, "S:", "", signed)
	},
	"xml:lang and xml:base": func(_ *testing.T, signed string) string {
		return soapWith(soapDeclaration+` xml:lang="sv" xml:base="http://example.com/"`, "S:", "", signed)
	},
	"indented": func(_ *testing.T, signed string) string {
		return soapWith(soapDeclaration, "S:", "\n  ", "\n    "+signed+"\n  ")
	},
	"payload's declaration moved up": func(t *testing.T, signed string) string {
		t.Helper()
		return soapWith(soapDeclaration+declareService, "S:", "", replace(t, signed, declareService, ""))
	},
	"all declarations moved up": func(t *testing.T, signed string) string {
		t.Helper()
		signed = strings.Replace(signed, declareDS, "", 1)
		return soapWith(soapDeclaration+declareService+declareDS, "S:", "", replace(t, signed, declareService, ""))
	},
	"payload's declaration moved up to a default namespace Envelope": func(t *testing.T, signed string) string {
		t.Helper()
		return soapWith(` xmlns="http://schemas.xmlsoap.org/soap/envelope/"`+declareService, "", "",
			replace(t, signed, declareService, ""))
	},
	"payload's declaration moved up to the Body": func(t *testing.T, signed string) string {
		t.Helper()
		envelope := soapWith(soapDeclaration, "S:", "", replace(t, signed, declareService, ""))
		return replace(t, envelope, "<S:Body", "<S:Body"+declareService)
	},
}

const soapDeclaration = ` xmlns:S="http://schemas.xmlsoap.org/soap/envelope/"`

func TestWhatRealStacksSignVerifies(t *testing.T) {
	h := newHierarchy(t)
	for formName, form := range forms {
		for payloadName, payload := range payloads {
			t.Run(formName+"/"+payloadName, func(t *testing.T) {
				t.Parallel()
				h.mustVerify(t, soap(h.sign(t, payload, form)))
			})
		}
	}
}

func TestWhatRealStacksRewriteVerifies(t *testing.T) {
	h := newHierarchy(t)
	for formName, form := range forms {
		signed := h.sign(t, payloads["plain"], form)
		for rewriteName, rewrite := range rewrites {
			for envelopeName, envelope := range envelopes {
				t.Run(formName+"/"+rewriteName+"/"+envelopeName, func(t *testing.T) {
					t.Parallel()
					text := signed
					if rewrite != nil {
						text = rewrite(t, text)
					}
					h.mustVerify(t, envelope(t, text))
				})
			}
		}
	}
}

func TestDeclarationsThatMovedFromTheRootVerify(t *testing.T) {
	qualified := `<GetCertificateResponse xmlns="` + serviceNamespace + `">` +
		`<Certificate xmlns="">TUlJQ2VydA==</Certificate>` +
		`<Result xmlns=""><Status>OK</Status></Result>@SIGNATURE@</GetCertificateResponse>`
	h := newHierarchy(t)
	for name, form := range forms {
		t.Run(name+"/default namespace", func(t *testing.T) {
			t.Parallel()
			declared := ` xmlns="` + serviceNamespace + `"`
			signed := replace(t, h.sign(t, qualified, form), declared, "")
			h.mustVerify(t, soapWith(soapDeclaration+declared, "S:", "", signed))
		})
		if form.unprefixed {
			continue // an unused declaration that moved cannot be told from the envelope's own
		}
		t.Run(name+"/prefix of the Signature", func(t *testing.T) {
			t.Parallel()
			signed := h.sign(t, payloads["the Signature's prefix declared on the root"], form)
			signed = strings.ReplaceAll(signed, declareDS, "")
			h.mustVerify(t, soapWith(soapDeclaration+declareDS, "S:", "", signed))
		})
	}
}

// mustVerify verifies an envelope and checks that the verified element says what every payload says.
func (h hierarchy) mustVerify(t *testing.T, envelope string) {
	t.Helper()
	verified, err := h.verify(t, envelope)
	if err != nil {
		t.Fatalf("%v in\n%s", err, envelope)
	}
	if h.signer != nil && !verified.Signer.Equal(h.signer) {
		t.Errorf("signer is %s", verified.Signer.Subject)
	}
	element := verified.Element
	if element.Parent() != nil || element.NamespaceURI() != serviceNamespace {
		t.Errorf("verified element has a parent, or the namespace %q", element.NamespaceURI())
	}
	if element.FindElement("//Signature") != nil {
		t.Error("the Signature is still in the verified element")
	}
	if value := strings.TrimSpace(element.FindElement("./Certificate").Text()); value != wantCertificate {
		t.Errorf("Certificate is %q", value)
	}
	if value := element.FindElement("./Result/Status").Text(); value != wantStatus {
		t.Errorf("Status is %q", value)
	}
}

func TestASignerWithMoreThanItsCertificateVerifies(t *testing.T) {
	h := newHierarchy(t)
	stranger := pkitest.Root(t, "Stranger CA")
	first := h.chainSigned(t, h.signer, h.issuing.Certificate, h.root.Certificate)
	h.mustVerify(t, soap(first))
	last := h.chainSigned(t, h.root.Certificate, stranger.Certificate, h.issuing.Certificate, h.signer)
	h.mustVerify(t, soap(last))
	other := stranger.Issue(t, pkitest.Key(signerKey), "Certificate Service of a stranger")
	h.mustVerify(t, soap(h.chainSigned(t, other, h.signer)))
}
