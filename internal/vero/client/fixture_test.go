package client_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/varmenne/varmenne-issuer/internal/pki"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
	"github.com/varmenne/varmenne-issuer/internal/simulator/protocol"
	"github.com/varmenne/varmenne-issuer/internal/simulator/response"
	veroclient "github.com/varmenne/varmenne-issuer/internal/vero/client"
	vero "github.com/varmenne/varmenne-issuer/internal/vero/protocol"
)

// fixture is a service of the test's own: a handler behind TLS, and a signer of responses.
type fixture struct {
	url    string
	signer *response.Signer
	trust  pki.Trust
	roots  []*x509.Certificate
}

const (
	serverCA    = "Server CA"
	responsesCA = "Responses CA"
)

// serve starts a service that does what a test wants, once it has read the request: a server that answers before, and
// closes the connection then, resets it under the response, as RFC 9112 (9.6) warns.
func serve(t testing.TB, handler func(*fixture, http.ResponseWriter, *http.Request)) *fixture {
	t.Helper()
	made := newFixture(t)
	made.url = listen(t, http.HandlerFunc(func(writer http.ResponseWriter, incoming *http.Request) {
		_, _ = io.Copy(io.Discard, incoming.Body)
		handler(made, writer, incoming)
	}), serverConfig(t, loopback)).URL
	return made
}

func newFixture(t testing.TB) *fixture {
	t.Helper()
	root := pkitest.Root(t, responsesCA)
	key := pkitest.Key("responses")
	return &fixture{
		signer: &response.Signer{Key: key, Certificate: root.Issue(t, key, "Service"), Issuer: root.Certificate},
		trust:  trusting(t, root.Certificate),
		roots:  []*x509.Certificate{pkitest.Root(t, serverCA).Certificate},
	}
}

// serverConfig is that of a TLS server whose certificate the server CA has issued.
func serverConfig(t testing.TB, modifiers ...pkitest.Modifier) *tls.Config {
	t.Helper()
	key := pkitest.Key("server")
	certificate := pkitest.Root(t, serverCA).Issue(t, key, "server", modifiers...)
	return &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{certificate.Raw}, PrivateKey: key}},
		MinVersion:   tls.VersionTLS12,
		NextProtos:   []string{"http/1.1"},
	}
}

// loopback makes a server certificate be for 127.0.0.1.
func loopback(template *x509.Certificate) { template.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)} }

func (f *fixture) client(t testing.TB, timeout time.Duration) *veroclient.Client {
	t.Helper()
	return newClient(t, veroclient.Options{URL: f.url, TLS: f.roots, Responses: f.trust, Timeout: timeout})
}

// render writes a response in the plain variant; signer nil leaves the signature out.
func render(content response.Content, signer *response.Signer) []byte {
	variant, _ := response.VariantNamed("exclusive")
	document, err := response.Render(content, variant, signer)
	if err != nil {
		return nil
	}
	return document
}

func reply(writer http.ResponseWriter, contentType string, body []byte) {
	writer.Header()["Content-Type"] = []string{contentType}
	_, _ = writer.Write(body)
}

const xmlType = "text/xml; charset=utf-8"

// signNew is a message that a fixture does not look into.
func signNew(t testing.TB, password string) *vero.SignNew {
	t.Helper()
	return &vero.SignNew{
		Party: party(), TransferID: "A1B2C3", TransferPassword: vero.NewPassword(password),
		CSR: certificateRequest(t, requestKey),
	}
}

const answeredID = "ANSWERED"

// good is a signed response to SignNewCertificate.
func (f *fixture) good() []byte {
	return render(response.Content{Operation: protocol.SignNewCertificate, RetrievalID: answeredID}, f.signer)
}

// talk serves TLS connections on which a script speaks HTTP itself, after it has read a request.
func talk(t testing.TB, script func(connection net.Conn, request []byte)) *fixture {
	t.Helper()
	made := newFixture(t)
	config := serverConfig(t, loopback)
	address := rawServer(t, func(connection net.Conn) {
		secured := tls.Server(connection, config)
		defer secured.Close()
		var raw bytes.Buffer
		request, err := http.ReadRequest(bufio.NewReader(io.TeeReader(secured, &raw)))
		if err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, request.Body)
		script(secured, raw.Bytes())
	})
	made.url = "https://" + address
	return made
}
