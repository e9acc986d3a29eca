package protocol_test

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/beevik/etree"

	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/vero/protocol"
)

// soap puts text into the Body of an envelope.
func soap(body string) string {
	return `<soapenv:Envelope xmlns:soapenv="` + soapNamespace + `"><soapenv:Body>` + body +
		`</soapenv:Body></soapenv:Envelope>`
}

func TestWrapRefusesWhatTheServiceForbidsWhateverBroughtItIn(t *testing.T) {
	for claim, change := range map[string]func(*etree.Element){
		"two hyphens in a value":       func(e *etree.Element) { e.CreateElement("a").SetText("b--c") },
		"a slash and an asterisk":      func(e *etree.Element) { e.CreateElement("a").SetText("b/*c") },
		"a comment":                    func(e *etree.Element) { e.CreateComment("b") },
		"a line feed in an attribute":  func(e *etree.Element) { e.CreateAttr("a", "b\nc") },
		"a carriage return in a value": func(e *etree.Element) { e.CreateElement("a").SetText("b\rc") },
		"two hyphens in an attribute":  func(e *etree.Element) { e.CreateAttr("a", "b--c") },
	} {
		t.Run(claim, func(t *testing.T) {
			payload := must.Get(get().Payload())(t)
			change(payload)
			document, err := protocol.Wrap(payload)
			if broken, is := errors.AsType[*protocol.FieldError](err); !is || broken.Field != "message" || document != nil {
				t.Errorf("error %v, document %s", err, document)
			}
		})
	}
}

func TestUnwrapFindsThePayloadInItsPlace(t *testing.T) {
	const payload = `<ser:GetCertificateResponse xmlns:ser="` + protocol.Namespace + `"/>`
	const body = "<soapenv:Body>"
	for claim, document := range map[string]string{
		"plain":                     soap(payload),
		"another prefix":            strings.ReplaceAll(soap(payload), "soapenv", "S"),
		"an empty Header":           strings.Replace(soap(payload), body, "<soapenv:Header/>"+body, 1),
		"a Header with content":     strings.Replace(soap(payload), body, "<soapenv:Header><a/></soapenv:Header>"+body, 1),
		"white space and a comment": strings.ReplaceAll(soap("<!-- a -->\n "+payload+"\n"), body, "\n"+body),
		"the default namespace":     `<Envelope xmlns="` + soapNamespace + `"><Body>` + payload + `</Body></Envelope>`,
		"the declaration hoisted": `<s:Envelope xmlns:s="` + soapNamespace + `" xmlns:ser="` + protocol.Namespace +
			`"><s:Body><ser:GetCertificateResponse/></s:Body></s:Envelope>`,
	} {
		t.Run(claim, func(t *testing.T) {
			found := must.Get(protocol.Unwrap(parse(t, document)))(t)
			must.Do(t, protocol.CheckResponse(found, protocol.GetCertificate))
			if found.Parent() == nil || found.Parent().Tag != "Body" {
				t.Error("the payload was taken out of its place")
			}
		})
	}
}

func TestUnwrapRefusesWhatIsNoEnvelopeWithOnePayload(t *testing.T) {
	const body, end = "<soapenv:Body>", "</soapenv:Body>"
	with := func(old, replacement string) string { return strings.Replace(soap("<a/>"), old, replacement, 1) }
	for claim, test := range map[string]struct{ document, problem string }{
		"another root":           {"<html/>", "root is html"},
		"SOAP 1.2":               {with(soapNamespace, "http://www.w3.org/2003/05/soap-envelope"), "2003/05/soap-envelope"},
		"no namespace":           {"<Envelope><Body><a/></Body></Envelope>", `namespace ""`},
		"no Body":                {`<s:Envelope xmlns:s="` + soapNamespace + `"/>`, "exactly one Body"},
		"two Bodies":             {with(end, end+"<soapenv:Body/>"), "exactly one Body"},
		"a Header after Body":    {with(end, end+"<soapenv:Header/>"), "exactly one Body"},
		"two Headers":            {with(body, "<soapenv:Header/><soapenv:Header/>"+body), "exactly one Body"},
		"a Body without prefix":  {strings.ReplaceAll(soap("<a/>"), "soapenv:Body", "Body"), "exactly one Body"},
		"nothing in the Body":    {soap(""), "0 elements"},
		"text only":              {soap("OK"), "0 elements"},
		"two payloads":           {soap("<a/><b/>"), "2 elements"},
		"a payload beside Fault": {soap("<soapenv:Fault/><a/>"), "2 elements"},
	} {
		t.Run(claim, func(t *testing.T) {
			payload, err := protocol.Unwrap(parse(t, test.document))
			var wrong *protocol.ResponseError
			if !errors.As(err, &wrong) || payload != nil || !strings.Contains(wrong.Problem, test.problem) {
				t.Errorf("error %v, want one that says %q", err, test.problem)
			}
		})
	}
	if _, err := protocol.Unwrap(etree.NewDocument()); err == nil {
		t.Error("an empty document is an envelope")
	}
}

func TestFaultsAreReadInEveryForm(t *testing.T) {
	for claim, test := range map[string]struct {
		fault string
		want  protocol.FaultError
	}{
		"plain": {
			"<faultcode>soapenv:Client</faultcode><faultstring>not valid</faultstring>",
			protocol.FaultError{Code: "soapenv:Client", Text: "not valid"},
		},
		"with actor, detail and a language": {
			`<faultcode>soapenv:Server</faultcode><faultstring xml:lang="en">no</faultstring><faultactor>a</faultactor>` +
				`<detail><faultstring>other</faultstring></detail>`,
			protocol.FaultError{Code: "soapenv:Server", Text: "no"},
		},
		"several lines": {
			"<faultcode>\n  soapenv:Client\n</faultcode><faultstring>one\n\ttwo\u202e three</faultstring>",
			protocol.FaultError{Code: "soapenv:Client", Text: "one two three"},
		},
		"nothing in it": {"", protocol.FaultError{}},
		"too long": {
			"<faultcode>c</faultcode><faultstring>" + strings.Repeat("ä", 300) + "</faultstring>",
			protocol.FaultError{Code: "c", Text: strings.Repeat("ä", 255) + "…"},
		},
	} {
		t.Run(claim, func(t *testing.T) {
			_, err := protocol.Unwrap(parse(t, soap("<soapenv:Fault>"+test.fault+"</soapenv:Fault>")))
			if fault, is := errors.AsType[*protocol.FaultError](err); !is || *fault != test.want {
				t.Errorf("error %#v, want %#v", err, test.want)
			}
		})
	}
	_, err := protocol.Unwrap(parse(t, soap(`<Fault xmlns="urn:other"/>`)))
	if err != nil {
		t.Errorf("a Fault of another namespace is taken for SOAP's: %v", err)
	}
}

// checkLine fails unless an error's text can be shown: one line, printable, bounded.
func checkLine(t testing.TB, err error) {
	t.Helper()
	const longest = 3000
	text := err.Error()
	if text == "" || !utf8.ValidString(text) || strings.ContainsAny(text, "\n\r\t\x00\u202e") || len(text) > longest {
		t.Errorf("the text of a %T cannot be shown: %q", err, text)
	}
}
