package client_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/varmenne/varmenne-issuer/internal/simulator/response"
	veroclient "github.com/varmenne/varmenne-issuer/internal/vero/client"
	"github.com/varmenne/varmenne-issuer/internal/vero/protocol"
)

func TestARequestLooksOnTheWireAsTheServiceWantsIt(t *testing.T) {
	received := make(chan string, 1)
	f := talk(t, func(_ net.Conn, request []byte) { received <- string(request) })
	client := newClient(t, veroclient.Options{URL: f.url + "/2017/10/Path", TLS: f.roots, UserAgent: "varmenne/1"})
	if _, err := client.SignNew(t.Context(), signNew(t, "s3cret")); err == nil {
		t.Fatal("no response is a response")
	}
	request := <-received
	head, body, _ := strings.Cut(request, "\r\n\r\n")
	for _, line := range []string{
		"POST /2017/10/Path HTTP/1.1", `SOAPAction: "signNewCertificate"`, "Content-Type: text/xml; charset=utf-8",
		"User-Agent: varmenne/1", "Connection: close", fmt.Sprintf("Content-Length: %d", len(body)),
	} {
		if !strings.Contains(head+"\r\n", line+"\r\n") {
			t.Errorf("no line %q in\n%s", line, head)
		}
	}
	for _, name := range []string{"Expect", "Accept-Encoding", "Transfer-Encoding", "Authorization", "Cookie"} {
		if strings.Contains(head, name+":") {
			t.Errorf("the header %s in\n%s", name, head)
		}
	}
	if !strings.HasPrefix(body, `<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope `) {
		t.Errorf("the body is\n%s", body)
	}
}

func TestAResponseIsTakenUnderEveryNameThatXMLHas(t *testing.T) {
	for claim, contentType := range map[string]string{
		"text/xml":                   "text/xml",
		"with charset":               "text/xml; charset=utf-8",
		"as others write it":         `Text/XML;Charset="UTF-8"`,
		"application/xml":            "application/xml",
		"SOAP 1.2's":                 "application/soap+xml; charset=UTF-8; action=\"a\"",
		"a charset that is not true": "text/xml; charset=ISO-8859-1",
		"a charset that is narrower": "text/xml;charset=us-ascii",
		"a charset twice":            "text/xml; charset=utf-8; charset=utf-8",
		"half a parameter":           "text/xml; charset",
		"nothing":                    "",
	} {
		t.Run(claim, func(t *testing.T) {
			f := serve(t, func(f *fixture, writer http.ResponseWriter, _ *http.Request) {
				if contentType == "" {
					writer.Header()["Content-Type"] = nil // else the server would guess one
					_, _ = writer.Write(f.good())
					return
				}
				reply(writer, contentType, f.good())
			})
			id, err := f.client(t, 0).SignNew(t.Context(), signNew(t, "s3cret"))
			if err != nil || id != answeredID {
				t.Errorf("%q, error %v", id, err)
			}
		})
	}
}

func TestAResponseThatCallsItselfSomethingElseIsRefused(t *testing.T) {
	for claim, test := range map[string]struct{ contentType, shown string }{
		"HTML":      {"text/html; charset=utf-8", "text/html"},
		"JSON":      {"application/json", "application/json"},
		"multipart": {`multipart/related; type="application/xop+xml"`, "multipart/related"},
		"like XML":  {"text/xml+html", "text/xml+html"},
		"no type":   {"xml", "unreadable"},
		"words":     {"what is this?", "unreadable"},
		"too long":  {"text/" + strings.Repeat("x", 200), "unreadable"},
	} {
		t.Run(claim, func(t *testing.T) {
			f := serve(t, func(f *fixture, writer http.ResponseWriter, _ *http.Request) {
				reply(writer, test.contentType, f.good())
			})
			_, err := f.client(t, 0).SignNew(t.Context(), signNew(t, "s3cret"))
			if failure := find[*protocol.HTTPError](t, err, true); !strings.Contains(failure.Detail, "is "+test.shown+",") {
				t.Errorf("error %v, want one that says %q", err, test.shown)
			}
		})
	}
}

func TestBytesThatAreNotUTF8AreRefusedWhateverTheyAreCalled(t *testing.T) {
	fault := `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault/></s:Body></s:Envelope>`
	utf16 := make([]byte, 0, 2*len(fault))
	for _, character := range []byte(fault) {
		utf16 = append(utf16, character, 0)
	}
	var zipped bytes.Buffer
	zip := gzip.NewWriter(&zipped)
	_, _ = zip.Write([]byte(fault))
	_ = zip.Close()
	latin1 := []byte(strings.Replace(fault, "<s:Fault/>", "\xe4", 1))
	for claim, test := range map[string]struct {
		contentType string
		body        []byte
	}{
		"Latin 1 as a header says":      {"text/xml; charset=ISO-8859-1", latin1},
		"Latin 1 as the document says":  {"text/xml", []byte(`<?xml version="1.0" encoding="ISO-8859-1"?>` + fault)},
		"UTF-16":                        {"text/xml; charset=utf-16", utf16},
		"a byte order mark":             {"text/xml", []byte("\xef\xbb\xbf" + fault)},
		"compressed without being told": {"text/xml", zipped.Bytes()},
		"nothing":                       {"text/xml", nil},
		"plain text":                    {"text/xml", []byte("OK")},
		"a document type":               {"text/xml", []byte(`<!DOCTYPE a [<!ENTITY b "c">]>` + fault)},
	} {
		t.Run(claim, func(t *testing.T) {
			f := serve(t, func(_ *fixture, writer http.ResponseWriter, _ *http.Request) {
				reply(writer, test.contentType, test.body)
			})
			_, err := f.client(t, 0).Get(t.Context(), get("unknown"))
			want[*protocol.NotXMLError](t, err, true)
		})
	}
}

func TestAFaultIsReadFromHTTP500AndFromHTTP200(t *testing.T) {
	client := response.Fault("Client", "the message is not valid")
	other := bytes.ReplaceAll(client, []byte("Fault"), []byte("Other"))
	ofClient := typed[*protocol.FaultError](false, "the message is not valid (soapenv:Client)")
	bare := func(status string, may bool) func(*testing.T, error, string) {
		return typed[*protocol.HTTPError](may, "HTTP "+status)
	}
	for claim, test := range map[string]struct {
		status      int
		contentType string
		body        []byte
		check       func(*testing.T, error, string)
	}{
		"500 with a Fault":             {500, xmlType, client, ofClient},
		"500 with a Fault called HTML": {500, "text/html", client, ofClient},
		"500 with a Fault of a server": {
			500, xmlType, response.Fault("Server", "down"), typed[*protocol.FaultError](true, "down"),
		},
		"200 with a Fault":              {200, xmlType, client, ofClient},
		"500 with HTML":                 {500, "text/html", []byte("<html><body>oops<br></html>"), bare("500", true)},
		"500 with nothing":              {500, xmlType, nil, bare("500", true)},
		"500 with another XML document": {500, xmlType, []byte("<error/>"), bare("500", true)},
		"500 with an envelope":          {500, xmlType, other, bare("500", true)},
		"404 with a Fault":              {404, xmlType, client, bare("404", false)},
		"503 with a Fault":              {503, xmlType, client, bare("503", true)},
	} {
		t.Run(claim, func(t *testing.T) {
			f := serve(t, func(_ *fixture, writer http.ResponseWriter, _ *http.Request) {
				writer.Header().Set("Content-Type", test.contentType)
				writer.WriteHeader(test.status)
				_, _ = writer.Write(test.body)
			})
			_, err := f.client(t, 0).Get(t.Context(), get("unknown"))
			test.check(t, err, "")
		})
	}
}

func TestEveryStatusSaysWhetherTheRequestMayHaveBeenProcessed(t *testing.T) {
	unread := []int{400, 401, 403, 404, 405, 406, 411, 413, 414, 415, 417, 421, 426, 428, 431, 501, 505}
	others := []int{201, 202, 203, 204, 206, 301, 302, 303, 304, 307, 308, 402, 407, 408, 409, 410, 412, 416, 418, 422,
		423, 424, 425, 429, 451, 499, 502, 503, 504, 506, 507, 511, 599, 999}
	for _, status := range append(others, unread...) {
		may := !slices.Contains(unread, status)
		f := serve(t, func(_ *fixture, writer http.ResponseWriter, _ *http.Request) { writer.WriteHeader(status) })
		_, err := f.client(t, 0).Get(t.Context(), get("unknown"))
		if failure := find[*protocol.HTTPError](t, err, may); failure.Status != status {
			t.Errorf("%d is told as %v", status, err)
		}
	}
}

func TestARedirectionIsNotFollowedWhereverItLeads(t *testing.T) {
	for _, status := range []int{301, 302, 303, 307, 308} {
		for _, location := range []string{"/elsewhere", "https://service.invalid/", "http://[broken", ""} {
			t.Run(fmt.Sprint(status, location), func(t *testing.T) {
				var requests atomic.Int32
				f := serve(t, func(_ *fixture, writer http.ResponseWriter, _ *http.Request) {
					requests.Add(1)
					if location != "" {
						writer.Header().Set("Location", location)
					}
					writer.WriteHeader(status)
				})
				_, err := f.client(t, 0).SignNew(t.Context(), signNew(t, "s3cret"))
				failure := find[*protocol.HTTPError](t, err, true)
				if failure.Status != status || !strings.Contains(err.Error(), "redirection") || requests.Load() != 1 {
					t.Errorf("%d requests, error %v", requests.Load(), err)
				}
			})
		}
	}
}

// httpResponse is a whole HTTP response.
func httpResponse(head, body string) []byte {
	return []byte("HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n" + head + "\r\n" + body)
}

func TestInterimResponsesAreSkipped(t *testing.T) {
	var f *fixture
	f = talk(t, func(connection net.Conn, _ []byte) {
		_, _ = connection.Write([]byte("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"))
		body := f.good()
		_, _ = connection.Write(httpResponse(fmt.Sprintf("Content-Length: %d\r\n", len(body)), string(body)))
	})
	if id, err := f.client(t, 0).SignNew(t.Context(), signNew(t, "s3cret")); err != nil || id != answeredID {
		t.Errorf("%q, error %v", id, err)
	}
}

// What is not HTTP may repeat what was sent: the error must not say it.
func TestABrokenHTTPResponseIsAnInterruption(t *testing.T) {
	const garbage, headers, gone = "not HTTP", "65536 bytes of headers", "the other side closed it"
	long := "X-Header: " + strings.Repeat("x", 1000) + "\r\n"
	const chunked = "Transfer-Encoding: chunked\r\n"
	interim := []byte("HTTP/1.1 100 Continue\r\n" + long + "\r\n")
	for claim, test := range map[string]struct {
		response []byte
		words    string
	}{
		"not HTTP":                     {[]byte("SSH-2.0-OpenSSH\r\n\r\n"), garbage},
		"a status that is no number":   {[]byte("HTTP/1.1 2OO OK\r\n\r\n"), garbage},
		"a header without colon":       {httpResponse("no colon here\r\n", ""), garbage},
		"two lengths":                  {httpResponse("Content-Length: 1\r\nContent-Length: 2\r\n", "ab"), garbage},
		"a length that is no number":   {httpResponse("Content-Length: many\r\n", ""), garbage},
		"200 kB of headers":            {httpResponse(strings.Repeat(long, 200), ""), headers},
		"one header of 200 kB":         {httpResponse(strings.Repeat("x", 200_000)+": x\r\n", ""), headers},
		"the headers only":             {[]byte("HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n"), gone},
		"nothing":                      {nil, gone},
		"less than its length":         {httpResponse("Content-Length: 1000\r\n", "<a>"), gone},
		"a chunk of no length":         {httpResponse(chunked, "zz\r\n"), garbage},
		"a chunk that breaks off":      {httpResponse(chunked, "ff\r\n<a>"), gone},
		"an unknown transfer encoding": {httpResponse("Transfer-Encoding: other\r\n", "<a>"), garbage},
		"endless interim responses":    {bytes.Repeat(interim, 1000), headers},
	} {
		t.Run(claim, func(t *testing.T) {
			f := talk(t, func(connection net.Conn, _ []byte) { _, _ = connection.Write(test.response) })
			_, first := f.client(t, 0).SignNew(t.Context(), signNew(t, "s3cret"))
			want[*protocol.InterruptedError](t, first, true)
			if !strings.Contains(first.Error(), test.words) {
				t.Errorf("%q does not say %q", first, test.words)
			}
			_, again := f.client(t, 0).SignNew(t.Context(), signNew(t, "s3cret"))
			same(t, first, again)
		})
	}
}
