package client_test

import (
	"bytes"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	stdlog "log"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/varmenne/varmenne-issuer/internal/endpoints"
	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/pki"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
	"github.com/varmenne/varmenne-issuer/internal/simulator"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
	"github.com/varmenne/varmenne-issuer/internal/simulator/authority"
	"github.com/varmenne/varmenne-issuer/internal/simulator/protocol"
	veroclient "github.com/varmenne/varmenne-issuer/internal/vero/client"
	vero "github.com/varmenne/varmenne-issuer/internal/vero/protocol"
)

const customerID = "0123456-7"

// authorities are those of all simulators, so that not every simulator has to make keys.
var authorities *authority.Authorities

// TestMain runs the tests, or the calls of a test that needs a process of its own.
func TestMain(m *testing.M) {
	if len(os.Args) == 4 && os.Args[1] == childCommand {
		child(os.Stdout, os.Args[2], os.Args[3])
		return
	}
	var err error
	if authorities, err = authority.Create(time.Now()); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// service is a simulator behind real TLS, on loopback, whose every certificate can be renewed at once.
type service struct {
	simulator *simulator.Simulator
	url       string
	admin     *admin.Client
}

// start runs a simulator that answers in the plain variant, unless the change says otherwise.
func start(t testing.TB, change func(*simulator.Options)) *service {
	t.Helper()
	options := simulator.DefaultOptions()
	options.Authorities = authorities
	options.SignatureVariant = "exclusive"
	options.Validity, options.RenewalWindow = 24*time.Hour, 48*time.Hour
	options.ProcessingDelay, options.MinimumRetrievalDelay = 0, 0
	if change != nil {
		change(&options)
	}
	made := must.Get(simulator.New(options))(t)
	adminServer := httptest.NewServer(made.AdminHandler())
	t.Cleanup(adminServer.Close)
	server := listen(t, made.Handler(), made.TLSConfig())
	return &service{simulator: made, url: server.URL + protocol.Path, admin: admin.NewClient(adminServer.URL)}
}

// listen serves a handler over TLS.
func listen(t testing.TB, handler http.Handler, config *tls.Config) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.TLS = config
	server.Config.ErrorLog = stdlog.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	return server
}

// client is one that trusts the simulator, unless the change says otherwise.
func (s *service) client(t testing.TB, change func(*veroclient.Options)) *veroclient.Client {
	t.Helper()
	options := veroclient.Options{
		URL:       s.url,
		TLS:       s.bundle(t, authority.TLSBundle),
		Responses: s.trust(t, authority.ResponsesBundle),
		UserAgent: "test/1",
	}
	if change != nil {
		change(&options)
	}
	return newClient(t, options)
}

// home lets a client call the servers of these tests.
func home(t testing.TB) endpoints.Rule {
	t.Helper()
	return endpoints.Rule{Allowed: must.Get(endpoints.Parse([]string{"127.0.0.1:*"}))(t)}
}

func newClient(t testing.TB, options veroclient.Options) *veroclient.Client {
	t.Helper()
	options.Endpoints = home(t)
	return must.Get(veroclient.New(options))(t)
}

func (s *service) bundle(t testing.TB, name authority.Bundle) []*x509.Certificate {
	t.Helper()
	bundle := must.Get(pki.ParseBundle(s.simulator.Bundle(name)))(t)
	return bundle.Certificates
}

func (s *service) trust(t testing.TB, name authority.Bundle) pki.Trust {
	t.Helper()
	return trusting(t, s.bundle(t, name)...)
}

func trusting(t testing.TB, certificates ...*x509.Certificate) pki.Trust {
	t.Helper()
	return must.Get(pki.NewTrust(certificates))(t)
}

func (s *service) script(t testing.TB, fault admin.Fault) {
	t.Helper()
	must.Get(s.admin.Script(t.Context(), fault))(t)
}

// requests are those that the service has received.
func (s *service) requests(t testing.TB) []admin.Request {
	t.Helper()
	return must.Get(s.admin.Requests(t.Context(), "", ""))(t)
}

// signNew is a message with credentials of its own.
func (s *service) signNew(t testing.TB) *vero.SignNew {
	t.Helper()
	minted := must.Get(s.simulator.Mint(admin.MintRequest{CustomerID: customerID}))(t)
	return &vero.SignNew{
		Party: party(), TransferID: minted.TransferID, TransferPassword: vero.NewPassword(minted.TransferPassword),
		CSR: certificateRequest(t, requestKey),
	}
}

const (
	requestKey = "customer"
	renewalKey = "customer, renewed"
)

func party() vero.Party {
	return vero.Party{Environment: vero.Test, CustomerID: customerID, CustomerName: "Esimerkki & <Pojat> Oy"}
}

func get(retrievalID string) *vero.Get { return &vero.Get{Party: party(), RetrievalID: retrievalID} }

func renew(t testing.TB) *vero.Renew {
	t.Helper()
	return &vero.Renew{Party: party(), CSR: certificateRequest(t, renewalKey)}
}

// certificateRequest is a PKCS#10 request for the key of that name.
func certificateRequest(t testing.TB, key string) []byte {
	t.Helper()
	template := &x509.CertificateRequest{Subject: pkix.Name{CommonName: customerID}}
	return must.Get(x509.CreateCertificateRequest(rand.Reader, template, pkitest.Key(key)))(t)
}

// accepted is what a fresh order has led to: its RetrievalId and its certificate.
func (s *service) accepted(t testing.TB) (retrievalID string, certificate *x509.Certificate) {
	t.Helper()
	client := s.client(t, nil)
	id := must.Get(client.SignNew(t.Context(), s.signNew(t)))(t)
	content := must.Get(client.Get(t.Context(), get(id)))(t)
	return id, certificateIn(t, content)
}

func certificateIn(t testing.TB, content []byte) *x509.Certificate {
	t.Helper()
	return must.Get(pki.ParseCertificate(content))(t)
}

// errorOf is the error of a call whose value does not matter.
func errorOf[T any](_ T, err error) error { return err }

// want fails the test unless an error is of a type and says whether the request may have been processed.
func want[E vero.CallError](t testing.TB, err error, may bool) {
	t.Helper()
	_ = find[E](t, err, may)
}

// find is want, and returns the error as that type.
func find[E vero.CallError](t testing.TB, err error, may bool) E {
	t.Helper()
	var wanted E
	if !errors.As(err, &wanted) {
		t.Fatalf("error %v of type %T, want %T", err, err, wanted)
	}
	if wanted.MayHaveBeenProcessed() != may {
		t.Errorf("%v: may have been processed: %v, want %v", err, !may, may)
	}
	checkText(t, err)
	return wanted
}

// checkText fails unless an error can be shown: one line, printable, of bounded length, and with nothing in it that
// changes from one attempt to the next.
func checkText(t testing.TB, err error) {
	t.Helper()
	const longest = 1500
	text := err.Error()
	if text == "" || len(text) > longest || !utf8.ValidString(text) || strings.ContainsAny(text, "\n\r\t") {
		t.Errorf("%T cannot be shown: %q", err, text)
	}
	if strings.Contains(text, "->") || strings.Contains(text, time.Now().Format("2006-01-02T")) {
		t.Errorf("%T changes with every attempt: %q", err, text)
	}
}

// same fails unless two errors read the same.
func same(t testing.TB, first, second error) {
	t.Helper()
	if first == nil || second == nil || first.Error() != second.Error() {
		t.Errorf("the same failure reads\n%v\nand\n%v", first, second)
	}
}

// lines splits what a child has written.
func lines(output []byte) []string {
	var found []string
	for line := range bytes.Lines(output) {
		found = append(found, strings.TrimSpace(string(line)))
	}
	return found
}
