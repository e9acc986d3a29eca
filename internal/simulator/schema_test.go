package simulator_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/varmenne/varmenne-issuer/internal/simulator/protocol"
)

func write(t *testing.T, directory, name, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(directory, name), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// mutation changes a valid payload; xmllint says whether the result still fits the schema.
type mutation struct {
	operation protocol.Operation
	from, to  string
}

func mutations() map[string]mutation {
	sign, get := protocol.SignNewCertificate, protocol.GetCertificate
	return map[string]mutation{
		"nothing changed in SignNew":          {sign, "", ""},
		"nothing changed in Get":              {get, "", ""},
		"a name":                              {sign, "<TransferId>", "<CustomerName>Oy</CustomerName><TransferId>"},
		"a name of 100 characters":            {sign, "<TransferId>", "<CustomerName>" + strings.Repeat("ä", 100) + "</CustomerName><TransferId>"},
		"a name of 101 characters":            {sign, "<TransferId>", "<CustomerName>" + strings.Repeat("ä", 101) + "</CustomerName><TransferId>"},
		"an empty name":                       {sign, "<TransferId>", "<CustomerName/><TransferId>"},
		"a name of a space":                   {sign, "<TransferId>", "<CustomerName> </CustomerName><TransferId>"},
		"a name of a line break":              {sign, "<TransferId>", "<CustomerName>\n</CustomerName><TransferId>"},
		"a name at the wrong place":           {sign, "<CertificateRequest>", "<CustomerName>Oy</CustomerName><CertificateRequest>"},
		"two names":                           {sign, "<TransferId>", "<CustomerName>a</CustomerName><CustomerName>b</CustomerName><TransferId>"},
		"another environment":                 {get, ">TEST<", ">QA<"},
		"an environment with a space":         {get, ">TEST<", "> TEST<"},
		"an empty environment":                {get, ">TEST<", "><"},
		"no environment":                      {get, "<Environment>TEST</Environment>", ""},
		"a customer of 30 characters":         {get, ">" + customerID + "<", ">" + strings.Repeat("1", 30) + "<"},
		"a customer of 31 characters":         {get, ">" + customerID + "<", ">" + strings.Repeat("1", 31) + "<"},
		"a transfer id of 33 characters":      {sign, "<TransferId>UNKNOWN", "<TransferId>" + strings.Repeat("1", 33)},
		"a password of 16 characters":         {sign, "<TransferPassword>UNKNOWN", "<TransferPassword>" + strings.Repeat("1", 16)},
		"a password of 17 characters":         {sign, "<TransferPassword>UNKNOWN", "<TransferPassword>" + strings.Repeat("1", 17)},
		"a retrieval id of 33 characters":     {get, ">UNKNOWN<", ">" + strings.Repeat("1", 33) + "<"},
		"a request with spaces":               {sign, ">AAAA<", ">AA\n AA <"},
		"a request of a space":                {sign, ">AAAA<", "> <"},
		"a request without padding":           {sign, ">AAAA<", ">AAA<"},
		"a request with another alphabet":     {sign, ">AAAA<", ">AA_A<"},
		"a request in PEM":                    {sign, ">AAAA<", ">BEGIN\nAAAA<"},
		"an unknown element":                  {get, "</ser:", "<More>a</More></ser:"},
		"a qualified child":                   {get, "<Environment>TEST</Environment>", "<ser:Environment>TEST</ser:Environment>"},
		"a default namespace":                 {get, " xmlns:ser=", ` xmlns="` + protocol.Namespace + `" xmlns:ser=`},
		"an attribute on the root":            {get, " xmlns:ser=", ` a="b" xmlns:ser=`},
		"an attribute on a field":             {get, "<Environment>", `<Environment a="b">`},
		"a schema location":                   {get, " xmlns:ser=", ` xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="a b" xmlns:ser=`},
		"nil":                                 {get, "<Environment>", `<Environment xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:nil="true">`},
		"text between the fields":             {get, "<CustomerId>", "text<CustomerId>"},
		"white space between the fields":      {get, "<CustomerId>", "\n  <CustomerId>"},
		"an element in a field":               {get, ">TEST<", ">TEST<a/><"},
		"CDATA":                               {get, ">TEST<", "><![CDATA[TEST]]><"},
		"a signature on Get":                  {get, "</ser:", signatureElement + "</ser:"},
		"a message in no namespace":           {get, protocol.Namespace, "urn:other"},
		"the answer's element":                {get, "GetCertificateRequest", "GetCertificateResponse"},
		"an empty message":                    {get, message{}.payload(get), `<ser:GetCertificateRequest xmlns:ser="` + protocol.Namespace + `"/>`},
		"a renewal":                           {protocol.RenewCertificate, "", ""},
		"a renewal without a signature":       {protocol.RenewCertificate, signatureElement, ""},
		"a signature twice":                   {protocol.RenewCertificate, signatureElement, signatureElement + signatureElement},
		"a signature at the start":            {protocol.RenewCertificate, "<Environment>", signatureElement + "<Environment>"},
		"a signature without a value":         {protocol.RenewCertificate, "<ds:SignatureValue>AAAA</ds:SignatureValue>", ""},
		"a signature without KeyInfo":         {protocol.RenewCertificate, "<ds:KeyInfo><ds:KeyName>a</ds:KeyName></ds:KeyInfo>", ""},
		"an empty KeyInfo":                    {protocol.RenewCertificate, "<ds:KeyName>a</ds:KeyName>", ""},
		"KeyInfo with text":                   {protocol.RenewCertificate, "<ds:KeyName>a</ds:KeyName>", "a<ds:KeyName>a</ds:KeyName>"},
		"a signature with an Object":          {protocol.RenewCertificate, "</ds:Signature>", "<ds:Object>a</ds:Object></ds:Signature>"},
		"a signature with an Id":              {protocol.RenewCertificate, "<ds:Signature ", `<ds:Signature Id="a" `},
		"a method without algorithm":          {protocol.RenewCertificate, `<ds:SignatureMethod Algorithm="b"/>`, "<ds:SignatureMethod/>"},
		"a method with parameters":            {protocol.RenewCertificate, `<ds:SignatureMethod Algorithm="b"/>`, `<ds:SignatureMethod Algorithm="b"> <x/></ds:SignatureMethod>`},
		"two references":                      {protocol.RenewCertificate, reference, reference + reference},
		"no reference":                        {protocol.RenewCertificate, reference, ""},
		"a reference without transforms":      {protocol.RenewCertificate, transforms, ""},
		"no transform":                        {protocol.RenewCertificate, transforms, "<ds:Transforms></ds:Transforms>"},
		"an empty digest":                     {protocol.RenewCertificate, ">AAAA</ds:DigestValue>", "></ds:DigestValue>"},
		"a digest of a space":                 {protocol.RenewCertificate, ">AAAA</ds:DigestValue>", "> </ds:DigestValue>"},
		"a digest that is not base64":         {protocol.RenewCertificate, ">AAAA</ds:DigestValue>", ">A-A</ds:DigestValue>"},
		"an unknown attribute on a transform": {protocol.RenewCertificate, `<ds:Transform `, `<ds:Transform x="y" `},
		"a request after the signature":       {protocol.RenewCertificate, "</ser:", "<CertificateRequest>AAAA</CertificateRequest></ser:"},
	}
}

const (
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
	for claim, changed := range mutations() {
		t.Run(claim, func(t *testing.T) {
			payload := message{}.payload(changed.operation)
			if changed.operation == protocol.RenewCertificate {
				payload = strings.Replace(payload, "</ser:", signatureElement+"</ser:", 1)
			}
			if changed.from != "" && !strings.Contains(payload, changed.from) {
				t.Fatalf("%s is not in %s", changed.from, payload)
			}
			payload = strings.Replace(payload, changed.from, changed.to, 1)
			verdict := validate(t, []byte(payload))
			if changed.to == "" && changed.from == "" && verdict != nil {
				t.Fatalf("the unchanged message does not fit the schema: %v", verdict)
			}
			got := s.post(changed.operation, payload)
			if got.fault == "" && got.code == "" {
				t.Fatalf("answered %d %v %s", got.status, got.err, got.body)
			}
			valid := verdict == nil && !stricter[claim]
			known := strings.HasPrefix(payload, "<ser:"+changed.operation.RequestElement())
			if refused := got.fault != ""; known && refused == valid {
				t.Fatalf("the service says %q %q, xmllint says %v", got.fault, got.code, verdict)
			}
		})
	}
}

func TestXMLThatIsNoMessageIsAFault(t *testing.T) {
	s := start(t, nil)
	get := validGet()
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
		"an unclosed element":            strings.Replace(get, "</soapenv:Envelope>", "", 1),
		"a wrong end tag":                strings.Replace(get, "</soapenv:Body>", "</soapenv:Bod>", 1),
		"forty levels":                   strings.Replace(get, ">TEST<", ">"+deep+"<", 1),
		"five thousand elements":         strings.Replace(get, ">TEST<", ">"+strings.Repeat("<a/>", 5000)+"<", 1),
		"two payloads":                   envelope(message{}.payload(protocol.GetCertificate) + message{}.payload(protocol.GetCertificate)),
		"no payload":                     envelope(""),
		"text in the body":               envelope("a" + message{}.payload(protocol.GetCertificate)),
		"a payload without its envelope": message{}.payload(protocol.GetCertificate),
		"a body twice":                   strings.Replace(get, "</soapenv:Envelope>", "<soapenv:Body/></soapenv:Envelope>", 1),
		"a header after the body":        strings.Replace(get, "</soapenv:Envelope>", "<soapenv:Header/></soapenv:Envelope>", 1),
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
