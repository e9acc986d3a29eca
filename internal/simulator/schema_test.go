package simulator_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/simulator/protocol"
)

func write(t *testing.T, directory, name, content string) {
	t.Helper()
	must.Do(t, os.WriteFile(filepath.Join(directory, name), []byte(content), 0o600))
}

// change is a replacement in a valid payload; xmllint says whether the result still fits the schema.
type change struct{ from, to string }

// changes are made to the payload of each operation.
var changes = map[protocol.Operation]map[string]change{
	protocol.SignNewCertificate: {
		"nothing changed": {"", ""},
		"a name":          {"<TransferId>", "<CustomerName>Oy</CustomerName><TransferId>"},
		"a name of 100 characters": {
			"<TransferId>",
			"<CustomerName>" + strings.Repeat("ä", 100) + "</CustomerName><TransferId>",
		},
		"a name of 101 characters": {
			"<TransferId>",
			"<CustomerName>" + strings.Repeat("ä", 101) + "</CustomerName><TransferId>",
		},
		"an empty name":             {"<TransferId>", "<CustomerName/><TransferId>"},
		"a name of a space":         {"<TransferId>", "<CustomerName> </CustomerName><TransferId>"},
		"a name of a line break":    {"<TransferId>", "<CustomerName>\n</CustomerName><TransferId>"},
		"a name at the wrong place": {"<CertificateRequest>", "<CustomerName>Oy</CustomerName><CertificateRequest>"},
		"two names": {
			"<TransferId>",
			"<CustomerName>a</CustomerName><CustomerName>b</CustomerName><TransferId>",
		},
		"a transfer id of 33 characters":  {"<TransferId>UNKNOWN", "<TransferId>" + strings.Repeat("1", 33)},
		"a password of 16 characters":     {"<TransferPassword>UNKNOWN", "<TransferPassword>" + strings.Repeat("1", 16)},
		"a password of 17 characters":     {"<TransferPassword>UNKNOWN", "<TransferPassword>" + strings.Repeat("1", 17)},
		"a request with spaces":           {">AAAA<", ">AA\n AA <"},
		"a request of a space":            {">AAAA<", "> <"},
		"a request without padding":       {">AAAA<", ">AAA<"},
		"a request with another alphabet": {">AAAA<", ">AA_A<"},
		"a request in PEM":                {">AAAA<", ">BEGIN\nAAAA<"},
	},
	protocol.RenewCertificate: {
		"nothing changed":               {"", ""},
		"a renewal without a signature": {signatureElement, ""},
		"a signature twice":             {signatureElement, signatureElement + signatureElement},
		"a signature at the start":      {"<Environment>", signatureElement + "<Environment>"},
		"a signature without a value":   {"<ds:SignatureValue>AAAA</ds:SignatureValue>", ""},
		"a signature without KeyInfo":   {"<ds:KeyInfo><ds:KeyName>a</ds:KeyName></ds:KeyInfo>", ""},
		"an empty KeyInfo":              {"<ds:KeyName>a</ds:KeyName>", ""},
		"KeyInfo with text":             {"<ds:KeyName>a</ds:KeyName>", "a<ds:KeyName>a</ds:KeyName>"},
		"a signature with an Object":    {"</ds:Signature>", "<ds:Object>a</ds:Object></ds:Signature>"},
		"a signature with an Id":        {"<ds:Signature ", `<ds:Signature Id="a" `},
		"a method without algorithm":    {`<ds:SignatureMethod Algorithm="b"/>`, "<ds:SignatureMethod/>"},
		"a method with parameters": {
			`<ds:SignatureMethod Algorithm="b"/>`,
			`<ds:SignatureMethod Algorithm="b"> <x/></ds:SignatureMethod>`,
		},
		"two references":                      {reference, reference + reference},
		"no reference":                        {reference, ""},
		"a reference without transforms":      {transforms, ""},
		"no transform":                        {transforms, "<ds:Transforms></ds:Transforms>"},
		"an empty digest":                     {">AAAA</ds:DigestValue>", "></ds:DigestValue>"},
		"a digest of a space":                 {">AAAA</ds:DigestValue>", "> </ds:DigestValue>"},
		"a digest that is not base64":         {">AAAA</ds:DigestValue>", ">A-A</ds:DigestValue>"},
		"an unknown attribute on a transform": {`<ds:Transform `, `<ds:Transform x="y" `},
		"a request after the signature":       {"</ser:", "<CertificateRequest>AAAA</CertificateRequest></ser:"},
	},
	protocol.GetCertificate: {
		"nothing changed":                 {"", ""},
		"another environment":             {">TEST<", ">QA<"},
		"an environment with a space":     {">TEST<", "> TEST<"},
		"an empty environment":            {">TEST<", "><"},
		"no environment":                  {"<Environment>TEST</Environment>", ""},
		"a customer of 30 characters":     {">" + customerID + "<", ">" + strings.Repeat("1", 30) + "<"},
		"a customer of 31 characters":     {">" + customerID + "<", ">" + strings.Repeat("1", 31) + "<"},
		"a retrieval id of 33 characters": {">UNKNOWN<", ">" + strings.Repeat("1", 33) + "<"},
		"an unknown element":              {"</ser:", "<More>a</More></ser:"},
		"a qualified child":               {"<Environment>TEST</Environment>", "<ser:Environment>TEST</ser:Environment>"},
		"a default namespace":             {" xmlns:ser=", ` xmlns="` + protocol.Namespace + `" xmlns:ser=`},
		"an attribute on the root":        {" xmlns:ser=", ` a="b" xmlns:ser=`},
		"an attribute on a field":         {"<Environment>", `<Environment a="b">`},
		"a schema location": {
			" xmlns:ser=",
			instance + ` xsi:schemaLocation="a b" xmlns:ser=`,
		},
		"nil": {
			"<Environment>",
			"<Environment" + instance + ` xsi:nil="true">`,
		},
		"text between the fields":        {"<CustomerId>", "text<CustomerId>"},
		"white space between the fields": {"<CustomerId>", "\n  <CustomerId>"},
		"an element in a field":          {">TEST<", ">TEST<a/><"},
		"CDATA":                          {">TEST<", "><![CDATA[TEST]]><"},
		"a signature on Get":             {"</ser:", signatureElement + "</ser:"},
		"a message in no namespace":      {protocol.Namespace, "urn:other"},
		"the response's element":         {"GetCertificateRequest", "GetCertificateResponse"},
		"an empty message": {
			message{}.payload(protocol.GetCertificate),
			`<ser:GetCertificateRequest xmlns:ser="` + protocol.Namespace + `"/>`,
		},
	},
}

const (
	instance   = ` xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"`
	transforms = `<ds:Transforms><ds:Transform Algorithm="c"/></ds:Transforms>`
	reference  = `<ds:Reference URI="">` + transforms +
		`<ds:DigestMethod Algorithm="d"/><ds:DigestValue>AAAA</ds:DigestValue></ds:Reference>`
	signatureElement = `<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo>` +
		`<ds:CanonicalizationMethod Algorithm="a"/><ds:SignatureMethod Algorithm="b"/>` + reference +
		`</ds:SignedInfo><ds:SignatureValue>AAAA</ds:SignatureValue>` +
		`<ds:KeyInfo><ds:KeyName>a</ds:KeyName></ds:KeyInfo></ds:Signature>`
)

// stricter are the mutations that the interface description forbids (1.2: no empty elements) and the schema allows.
var stricter = map[string]bool{"an empty digest": true}

func TestTheServiceAndXmllintAgreeOnTheSchema(t *testing.T) {
	s := start(t, nil)
	for operation, table := range changes {
		for claim, changed := range table {
			t.Run(string(operation)+" with "+claim, func(t *testing.T) {
				payload := message{}.payload(operation)
				if operation == protocol.RenewCertificate {
					payload = strings.Replace(payload, "</ser:", signatureElement+"</ser:", 1)
				}
				if !strings.Contains(payload, changed.from) {
					t.Fatalf("%s is not in %s", changed.from, payload)
				}
				payload = strings.Replace(payload, changed.from, changed.to, 1)
				verdict := validate(t, []byte(payload))
				if changed == (change{}) && verdict != nil {
					t.Fatalf("the unchanged message does not fit the schema: %v", verdict)
				}
				got := s.post(operation, payload)
				valid := verdict == nil && !stricter[claim] && isRequest(payload, operation)
				if refused := got.fault != ""; refused == valid || refused == (got.code != "") {
					t.Fatalf("the service says %q %q, xmllint says %v", got.fault, got.code, verdict)
				}
			})
		}
	}
}

// isRequest is false for messages that fit the schema, but are not the operation's request.
func isRequest(payload string, operation protocol.Operation) bool {
	return strings.HasPrefix(payload, "<ser:"+operation.RequestElement())
}

func TestXMLThatIsNoMessageIsAFault(t *testing.T) {
	s := start(t, nil)
	get, payload := validGet(), message{}.payload(protocol.GetCertificate)
	const end = "</soapenv:Envelope>"
	deep := strings.Repeat("<a>", 40) + strings.Repeat("</a>", 40)
	for claim, document := range map[string]string{
		"a byte order mark":              "\xef\xbb\xbf" + get,
		"another encoding":               `<?xml version="1.0" encoding="ISO-8859-1"?>` + get,
		"bytes that are not UTF-8":       strings.Replace(get, "TEST", "TEST\xff", 1),
		"a document type":                `<!DOCTYPE a>` + get,
		"an entity":                      strings.Replace(get, "TEST", "&test;", 1),
		"a comment":                      strings.Replace(get, "<CustomerId>", "<!-- a --><CustomerId>", 1),
		"two hyphens in a value":         strings.Replace(get, "UNKNOWN", "A--B", 1),
		"a slash and an asterisk":        strings.Replace(get, "UNKNOWN", "A/*B", 1),
		"a character reference":          strings.Replace(get, "UNKNOWN", "A&#65;", 1),
		"a processing instruction":       strings.Replace(get, "<CustomerId>", "<?a b?><CustomerId>", 1),
		"a late XML declaration":         "\n" + `<?xml version="1.0"?>` + get,
		"a second root":                  get + "<a/>",
		"text after the root":            get + "a",
		"an attribute twice":             strings.Replace(get, "<soapenv:Body>", `<soapenv:Body a="1" a="2">`, 1),
		"an undeclared prefix":           strings.Replace(get, "<soapenv:Body>", `<soapenv:Body x:a="1">`, 1),
		"a prefix bound to nothing":      strings.Replace(get, "<soapenv:Body>", `<soapenv:Body xmlns:x="">`, 1),
		"an unclosed element":            strings.Replace(get, end, "", 1),
		"a wrong end tag":                strings.Replace(get, "</soapenv:Body>", "</soapenv:Bod>", 1),
		"forty levels":                   strings.Replace(get, ">TEST<", ">"+deep+"<", 1),
		"five thousand elements":         strings.Replace(get, ">TEST<", ">"+strings.Repeat("<a/>", 5000)+"<", 1),
		"two payloads":                   envelope(payload + payload),
		"no payload":                     envelope(""),
		"text in the body":               envelope("a" + payload),
		"a payload without its envelope": payload,
		"a body twice":                   strings.Replace(get, end, "<soapenv:Body/>"+end, 1),
		"a header after the body":        strings.Replace(get, end, "<soapenv:Header/>"+end, 1),
		"plain text":                     "hello",
	} {
		t.Run(claim, func(t *testing.T) {
			got := s.send(t.Context(), protocol.GetCertificate, document)
			if got.status != 500 || !strings.HasPrefix(got.fault, "soapenv:Client: ") {
				t.Fatalf("answered %d %q %v %s", got.status, got.fault, got.err, got.body)
			}
		})
	}
	s.send(t.Context(), protocol.GetCertificate, `<?xml version="1.0" encoding="utf-8"?>`+get+"\n").want(t, "PKI099")
}
