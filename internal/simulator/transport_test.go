package simulator_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/referee"
	"github.com/varmenne/varmenne-issuer/internal/simulator/protocol"
)

// get is a valid request whose response is PKI099.
func validGet() string { return envelope(message{}.payload(protocol.GetCertificate)) }

func TestTheTransportIsStrict(t *testing.T) {
	s := start(t, nil)
	for claim, asked := range map[string]struct {
		change func(*http.Request)
		body   string
		status int
		fault  string
	}{
		"a valid request passes":         {status: 200},
		"no charset is UTF-8":            {change: header("Content-Type", "text/xml"), status: 200},
		"another path is not found":      {change: path("/2017/10/Certificates"), status: 404},
		"a path below is not found":      {change: path(protocol.Path + "/"), status: 404},
		"PUT is not allowed":             {change: method(http.MethodPut), status: 405},
		"GET without a query either":     {change: method(http.MethodGet), status: 405},
		"another content type":           {change: header("Content-Type", "application/soap+xml"), status: 415},
		"no content type":                {change: header("Content-Type", ""), status: 415},
		"another charset":                {change: header("Content-Type", "text/xml; charset=iso-8859-1"), status: 415},
		"a request above 1 MiB":          {body: strings.Repeat(" ", 1<<20+1), status: 413},
		"no SOAPAction":                  {change: header("SOAPAction", ""), status: 500, fault: "Client"},
		"an unquoted SOAPAction":         {change: header("SOAPAction", "getCertificate"), status: 500, fault: "Client"},
		"the SOAPAction of another":      {change: header("SOAPAction", `"renewCertificate"`), status: 500, fault: "Client"},
		"an empty request":               {body: " ", status: 500, fault: "Client"},
		"an envelope of SOAP 1.2":        {body: soap12(), status: 500, fault: "VersionMismatch"},
		"a header to be understood":      {body: withHeader(compulsory), status: 500, fault: "MustUnderstand"},
		"another header is passed over":  {body: withHeader(`<a:b xmlns:a="a"/>`), status: 200},
		"an empty header is passed over": {body: withHeader(""), status: 200},
	} {
		t.Run(claim, func(t *testing.T) {
			body := asked.body
			if body == "" {
				body = validGet()
			}
			outgoing := must.Get(http.NewRequestWithContext(t.Context(), http.MethodPost, s.url, strings.NewReader(body)))(t)
			outgoing.Header.Set("Content-Type", "text/xml; charset=UTF-8")
			outgoing.Header.Set("SOAPAction", `"getCertificate"`)
			if asked.change != nil {
				asked.change(outgoing)
			}
			got := s.do(outgoing)
			if got.err != nil || got.status != asked.status {
				t.Fatalf("answered %d (error %v), want %d:\n%s", got.status, got.err, asked.status, got.body)
			}
			if !strings.HasPrefix(got.fault, "soapenv:"+asked.fault) && asked.fault != "" {
				t.Fatalf("fault %q, want %s", got.fault, asked.fault)
			}
			if asked.status != 200 && asked.fault == "" && got.fault != "" {
				t.Fatalf("a bare HTTP error bears the fault %q", got.fault)
			}
		})
	}
}

const compulsory = `<a:b xmlns:a="a" soapenv:mustUnderstand="1"/>`

func header(name, value string) func(*http.Request) {
	return func(outgoing *http.Request) {
		outgoing.Header.Set(name, value)
		if value == "" {
			outgoing.Header.Del(name)
		}
	}
}

func path(value string) func(*http.Request) {
	return func(outgoing *http.Request) { outgoing.URL.Path = value }
}

func method(value string) func(*http.Request) {
	return func(outgoing *http.Request) { outgoing.Method = value }
}

func soap12() string {
	return strings.ReplaceAll(validGet(), protocol.SOAPNamespace, "http://www.w3.org/2003/05/soap-envelope")
}

func withHeader(blocks string) string {
	return strings.Replace(validGet(), "<soapenv:Body>", "<soapenv:Header>"+blocks+"</soapenv:Header><soapenv:Body>", 1)
}

func TestTheServiceDescribesItself(t *testing.T) {
	s := start(t, nil)
	fetch := func(query string) reply {
		return s.do(must.Get(http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+query, http.NoBody))(t))
	}
	description := fetch("?wsdl")
	must.Contain(t, string(description.body), `<soap:address location="`+s.url+`"/>`,
		`schemaLocation="`+s.url+`?xsd=CertificateServices.xsd"`, `soapAction="signNewCertificate"`)
	if output, err := referee.Run(t, "xmllint", "--noout", file(t, "service.wsdl", description.body)); err != nil {
		t.Errorf("the description is not XML: %s", output)
	}
	own := fetch("?xsd=CertificateServices.xsd")
	if !strings.Contains(string(own.body), s.url+"?xsd=xmldsig-core-schema.xsd") {
		t.Errorf("the schema imports the other from elsewhere:\n%s", own.body)
	}
	for query, status := range map[string]int{
		"?xsd=xmldsig-core-schema.xsd": 200, "?xsd=../run.go": 404, "?xsd": 404, "?a": 404,
	} {
		if got := fetch(query); got.status != status {
			t.Errorf("%s answered %d, want %d", query, got.status, status)
		}
	}
	// The schemas as they are served must work as schemas: the import is what a local reader has to find again.
	directory := t.TempDir()
	local := strings.ReplaceAll(string(own.body), s.url+"?xsd=", "")
	for name, content := range map[string]string{"CertificateServices.xsd": local,
		"xmldsig-core-schema.xsd": string(fetch("?xsd=xmldsig-core-schema.xsd").body)} {
		write(t, directory, name, content)
	}
	payload := []byte(message{}.payload(protocol.GetCertificate))
	if err := referee.Validate(t, directory+"/CertificateServices.xsd", payload); err != nil {
		t.Errorf("the served schema refuses a good message: %v", err)
	}
}
