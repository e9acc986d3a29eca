package client_test

import (
	"encoding/json"
	"fmt"
	"html"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
	"github.com/varmenne/varmenne-issuer/internal/simulator/protocol"
	"github.com/varmenne/varmenne-issuer/internal/simulator/response"
	vero "github.com/varmenne/varmenne-issuer/internal/vero/protocol"
	"github.com/varmenne/varmenne-issuer/internal/vero/xmlsig"
)

// echo is a response that repeats a password, and the error that it must become.
type echo struct {
	respond func(t *testing.T, f *fixture, writer http.ResponseWriter, password string)
	check   func(*testing.T, error, string)
}

// signed is a response to SignNewCertificate with these fields, signed by the fixture.
func (f *fixture) signed(t *testing.T, fields string) []byte {
	t.Helper()
	name := "ser:" + string(vero.SignNewCertificate) + "Response"
	document, err := xmlsig.Parse([]byte("<" + name + ` xmlns:ser="` + vero.Namespace + `">` + fields + "</" + name + ">"))
	if err != nil {
		t.Error(err)
		return nil
	}
	payload, err := xmlsig.Sign(document.Root(), f.signer.Key, f.signer.Certificate)
	if err != nil {
		t.Error(err)
		return nil
	}
	message, err := vero.Wrap(payload)
	if err != nil {
		t.Error(err)
	}
	return message
}

func inXML(fields func(escaped string) string) func(*testing.T, *fixture, http.ResponseWriter, string) {
	return func(t *testing.T, f *fixture, writer http.ResponseWriter, password string) {
		t.Helper()
		reply(writer, xmlType, f.signed(t, fields(escape(password))))
	}
}

func escape(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", `"`, "&quot;").Replace(text)
}

func failure(code, text string) string {
	return "<Result><Status>FAIL</Status><ErrorInfo><ErrorCode>" + code + "</ErrorCode><ErrorMessage>" + text +
		"</ErrorMessage></ErrorInfo></Result>"
}

const ok = "<Result><Status>OK</Status></Result>"

// echoes are the places at which a response can repeat a password.
var echoes = map[string]echo{
	"in the message of a code": {
		inXML(func(p string) string { return failure("PKI020", "wrong password "+p) }), refused(vero.CodeCredentials),
	},
	"where the message is cut off": {
		inXML(func(p string) string { return failure("PKI020", strings.Repeat("x", 248)+" "+p) }),
		refused(vero.CodeCredentials),
	},
	"escaped once more": {
		inXML(func(p string) string { return failure("PKI020", html.EscapeString(p)) }), refused(vero.CodeCredentials),
	},
	"quoted as in a program": {
		inXML(func(p string) string { return failure("PKI020", strings.ReplaceAll(p, "&quot;", `\&quot;`)) }),
		refused(vero.CodeCredentials),
	},
	"broken into lines": {
		inXML(func(p string) string { return failure("PKI020", "the\n password\n "+p[:1]+"\n"+p[1:]) }),
		refused(vero.CodeCredentials),
	},
	"as the code": {inXML(func(p string) string { return failure(p, "wrong") }), refused(vero.CodeTechnical)},
	"as the status": {
		inXML(func(p string) string { return "<Result><Status>" + p + "</Status></Result>" }),
		typed[*vero.ResponseError](true),
	},
	"beside a code that says nothing of it": {
		inXML(func(p string) string { return "<More>" + p + "</More>" + failure("PKI030", "bad request") }),
		refused(vero.CodeRequest),
	},
	"in a RetrievalId that is none": {
		inXML(func(p string) string { return "<RetrievalId>" + p + strings.Repeat("x", 33) + "</RetrievalId>" + ok }),
		typed[*vero.ResponseError](true),
	},
	"in a response to another operation": {
		func(_ *testing.T, f *fixture, writer http.ResponseWriter, password string) {
			reply(writer, xmlType, render(response.Content{
				Operation: protocol.RenewCertificate, Problem: protocol.NewProblem("PKI020", password),
			}, f.signer))
		},
		typed[*vero.ResponseError](true),
	},
	"in a Fault of the client": {
		func(_ *testing.T, _ *fixture, writer http.ResponseWriter, password string) {
			writer.Header().Set("Content-Type", xmlType)
			writer.WriteHeader(http.StatusInternalServerError)
			_, _ = writer.Write(response.Fault("Client", "not valid: "+password))
		},
		typed[*vero.FaultError](false),
	},
	"in a Fault of the server": {
		func(_ *testing.T, _ *fixture, writer http.ResponseWriter, password string) {
			reply(writer, xmlType, response.Fault("Server", "failed with "+password))
		},
		typed[*vero.FaultError](true),
	},
	"in an unsigned response": {
		func(_ *testing.T, _ *fixture, writer http.ResponseWriter, password string) {
			reply(writer, xmlType, render(response.Content{
				Operation: protocol.SignNewCertificate, Problem: protocol.NewProblem("PKI020", password),
			}, nil))
		},
		unverified(xmlsig.MissingSignature),
	},
	"in an algorithm of the signature": {
		func(t *testing.T, f *fixture, writer http.ResponseWriter, password string) {
			t.Helper()
			reply(writer, xmlType, []byte(strings.Replace(string(f.signed(t, ok)), "rsa-sha256", escape(password), 1)))
		},
		unverified(xmlsig.Algorithm),
	},
	"in the name of the signer": {
		func(t *testing.T, _ *fixture, writer http.ResponseWriter, password string) {
			t.Helper()
			key := pkitest.Key("responses")
			stranger := pkitest.Root(t, "Another CA").Issue(t, key, password)
			other := &fixture{signer: &response.Signer{Key: key, Certificate: stranger}}
			reply(writer, xmlType, other.signed(t, failure("PKI020", escape(password))))
		},
		unverified(xmlsig.UntrustedSigner),
	},
	"in a broken document": {
		func(_ *testing.T, _ *fixture, writer http.ResponseWriter, password string) {
			reply(writer, xmlType, []byte("<a><"+password+"></a>"))
		},
		typed[*vero.NotXMLError](true),
	},
	"in the content type": {
		func(_ *testing.T, _ *fixture, writer http.ResponseWriter, password string) {
			reply(writer, "text/"+strings.ToLower(password), []byte(password))
		},
		typed[*vero.HTTPError](true),
	},
	"in a page": {
		func(_ *testing.T, _ *fixture, writer http.ResponseWriter, password string) {
			reply(writer, "text/html", []byte("<p>"+html.EscapeString(password)))
		},
		typed[*vero.HTTPError](true),
	},
	"in JSON": {
		func(_ *testing.T, _ *fixture, writer http.ResponseWriter, password string) {
			writer.WriteHeader(http.StatusInternalServerError)
			_ = json.NewEncoder(writer).Encode(map[string]string{"password": password})
		},
		typed[*vero.HTTPError](true),
	},
	"where it is redirected to": {
		func(_ *testing.T, _ *fixture, writer http.ResponseWriter, password string) {
			writer.Header().Set("Location", "https://service.invalid/?password="+password)
			writer.WriteHeader(http.StatusTemporaryRedirect)
		},
		typed[*vero.HTTPError](true),
	},
}

// passwords are a plain one, one that every writer escapes, and one whose halves look like nothing.
var passwords = []string{"HUSHHUSH99", `a"b\c&d<e''f>`, "Zz..9..Zz"}

func TestNoErrorShowsThePasswordWhereverTheServiceRepeatsIt(t *testing.T) {
	for claim, echo := range echoes {
		for _, password := range passwords {
			t.Run(claim+"/"+password, func(t *testing.T) {
				f := serve(t, func(f *fixture, writer http.ResponseWriter, _ *http.Request) {
					echo.respond(t, f, writer, password)
				})
				_, err := f.client(t, 0).SignNew(t.Context(), signNew(t, password))
				echo.check(t, err, "")
				checkSecret(t, err, password)
			})
		}
	}
}

// checkSecret fails when an error shows a password, or half of it, quoted or not.
func checkSecret(t *testing.T, err error, password string) {
	t.Helper()
	bare := func(text string) string { return strings.ToLower(strings.ReplaceAll(text, `\`, "")) }
	text := fmt.Sprintf("%v %+v %#v", err, err, err)
	for _, form := range []string{password, password[:len(password)/2+1]} {
		if strings.Contains(bare(text), bare(form)) {
			t.Errorf("%q shows %q of the password", text, form)
		}
	}
}

func TestNoErrorShowsAPasswordThatBrokenHTTPRepeats(t *testing.T) {
	const password = "HUSHHUSH99"
	for claim, response := range map[string]string{
		"as the status line":  password + "\r\n\r\n",
		"as the status":       "HTTP/1.1 " + password + "\r\n\r\n",
		"as a status text":    "HTTP/1.1 404 " + password + "\r\n\r\n",
		"as a header":         "HTTP/1.1 200 OK\r\n" + password + "\r\n\r\n",
		"as a length":         "HTTP/1.1 200 OK\r\nContent-Length: " + password + "\r\n\r\n",
		"as an encoding":      "HTTP/1.1 200 OK\r\nTransfer-Encoding: " + password + "\r\n\r\n",
		"as a chunk's length": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + password + "\r\n",
	} {
		t.Run(claim, func(t *testing.T) {
			f := talk(t, func(connection net.Conn, _ []byte) { _, _ = connection.Write([]byte(response)) })
			_, err := f.client(t, 0).SignNew(t.Context(), signNew(t, password))
			var failure vero.CallError
			if err == nil {
				t.Fatalf("no error, %v", failure)
			}
			checkText(t, err)
			checkSecret(t, err, password)
		})
	}
}

// Only a response that repeats the password is silenced: a person needs the others.
func TestTheServicesOwnWordsAreShownOtherwise(t *testing.T) {
	f := serve(t, func(f *fixture, writer http.ResponseWriter, _ *http.Request) {
		reply(writer, xmlType, f.signed(t, failure("PKI020", "TransferId A1B2C3 is used")))
	})
	_, err := f.client(t, 0).SignNew(t.Context(), signNew(t, "HUSHHUSH99"))
	must.Say(t, err, "TransferId A1B2C3 is used")
}

func TestTheRetrievalIDOfASilencedResponseIsKept(t *testing.T) {
	const password = "HUSHHUSH99"
	f := serve(t, func(_ *fixture, writer http.ResponseWriter, _ *http.Request) {
		reply(writer, xmlType, []byte(strings.Replace(string(render(response.Content{
			Operation: protocol.SignNewCertificate, RetrievalID: answeredID,
		}, nil)), "<Result>", "<More>"+password+"</More><Result>", 1)))
	})
	_, err := f.client(t, 0).SignNew(t.Context(), signNew(t, password))
	if failure := find[*vero.UnverifiedError](t, err, true); failure.RetrievalID != answeredID {
		t.Errorf("kept %q", failure.RetrievalID)
	}
	checkSecret(t, err, password)
}
