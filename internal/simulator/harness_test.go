package simulator_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"

	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/referee"
	"github.com/varmenne/varmenne-issuer/internal/simulator"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
	"github.com/varmenne/varmenne-issuer/internal/simulator/authority"
	"github.com/varmenne/varmenne-issuer/internal/simulator/protocol"
	"github.com/varmenne/varmenne-issuer/internal/simulator/xmltree"
)

const (
	customerID   = "0123456-7"
	customerName = "Esimerkki & Pojat Oy"
	day          = 24 * time.Hour
)

// service is a simulator behind real TLS, with a clock that the test moves.
type service struct {
	t         *testing.T
	simulator *simulator.Simulator
	clock     *clocktesting.FakeClock
	url       string
	admin     *admin.Client
	client    *http.Client
}

// authorities are those of all simulators whose test does not say otherwise.
var authorities = sync.OnceValues(func() (*authority.Authorities, error) { return authority.Create(time.Now()) })

// start runs a simulator whose responses are all of the plain variant, unless the change says otherwise.
func start(t *testing.T, change func(*simulator.Options)) *service {
	t.Helper()
	clock := clocktesting.NewFakeClock(time.Now())
	options := simulator.DefaultOptions()
	options.SignatureVariant = "exclusive"
	options.Clock = clock
	if change != nil {
		change(&options)
	}
	if options.DataDirectory == "" {
		options.Authorities = must.Get(authorities())(t)
	}
	made := must.Get(simulator.New(options))(t)
	server := httptest.NewUnstartedServer(made.Handler())
	server.TLS = made.TLSConfig()
	server.StartTLS()
	t.Cleanup(server.Close)
	adminServer := httptest.NewServer(made.AdminHandler())
	t.Cleanup(adminServer.Close)
	return &service{
		t: t, simulator: made, clock: clock, url: server.URL + protocol.Path,
		admin: admin.NewClient(adminServer.URL), client: trusting(made.Bundle(authority.TLSBundle)),
	}
}

// trusting is an HTTP client that follows no redirects and trusts one bundle.
func trusting(bundle []byte) *http.Client {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(bundle)
	return &http.Client{
		// Far beyond what any response takes: a test that waits for ever says nothing about where.
		Timeout:       2 * time.Minute,
		Transport:     &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func (s *service) mint(wanted admin.MintRequest) admin.Credential {
	s.t.Helper()
	if wanted.CustomerID == "" {
		wanted.CustomerID = customerID
	}
	return must.Get(s.admin.Mint(s.t.Context(), wanted))(s.t)
}

// reply is what the service answered.
type reply struct {
	status      int
	contentType string
	body        []byte
	// err is a failure of the transport.
	err error

	// operation, code, retrievalID, certificate and fault are read from the message, when there is one.
	operation   string
	code        string
	retrievalID string
	certificate *x509.Certificate
	fault       string
}

// post sends a message as a client should.
func (s *service) post(operation protocol.Operation, payload string) reply {
	return s.send(s.t.Context(), operation, envelope(payload))
}

func (s *service) send(ctx context.Context, operation protocol.Operation, document string) reply {
	s.t.Helper()
	outgoing := must.Get(http.NewRequestWithContext(ctx, http.MethodPost, s.url, strings.NewReader(document)))(s.t)
	outgoing.Header.Set("Content-Type", "text/xml; charset=utf-8")
	outgoing.Header.Set("SOAPAction", `"`+operation.Action()+`"`)
	return s.do(outgoing)
}

func (s *service) do(outgoing *http.Request) reply {
	s.t.Helper()
	incoming, err := s.client.Do(outgoing)
	if err != nil {
		return reply{err: err}
	}
	defer func() { _ = incoming.Body.Close() }()
	body, err := io.ReadAll(incoming.Body)
	got := reply{status: incoming.StatusCode, contentType: incoming.Header.Get("Content-Type"), body: body, err: err}
	readMessage(&got)
	return got
}

// readMessage takes the message apart; whatever is not a message leaves the fields empty.
func readMessage(r *reply) {
	root, err := xmltree.Parse(r.body, xmltree.DefaultLimits())
	if err != nil {
		return
	}
	body := root.Child(protocol.SOAPNamespace, "Body")
	if body == nil || len(body.Elements()) != 1 {
		return
	}
	payload := body.Elements()[0]
	if payload.Is(protocol.SOAPNamespace, "Fault") {
		r.fault = payload.Child("", "faultcode").Text() + ": " + payload.Child("", "faultstring").Text()
		return
	}
	r.operation = strings.TrimSuffix(payload.Local, "Response")
	if child := payload.Child("", "RetrievalId"); child != nil {
		r.retrievalID = child.Text()
	}
	if child := payload.Child("", "Certificate"); child != nil {
		r.certificate = certificateIn(child.Text())
	}
	result := payload.Child("", "Result")
	if result == nil {
		return
	}
	r.code = result.Child("", "Status").Text()
	if info := result.Child("", "ErrorInfo"); info != nil {
		r.code = info.Child("", "ErrorCode").Text()
	}
}

func certificateIn(text string) *x509.Certificate {
	der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil {
		return nil
	}
	if block, _ := pem.Decode(der); block != nil {
		der = block.Bytes
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil
	}
	return certificate
}

// want fails the test unless the response is a message with that code; OK is a code.
func (r reply) want(t *testing.T, code string) reply {
	t.Helper()
	if r.err != nil || r.status != http.StatusOK || r.code != code {
		t.Fatalf("answered %d %q (error %v), want 200 with %s:\n%s", r.status, r.code, r.err, code, r.body)
	}
	if code != "OK" && (r.retrievalID != "" || r.certificate != nil) {
		t.Fatalf("the FAIL response bears a RetrievalId or a Certificate:\n%s", r.body)
	}
	return r
}

// message is the content of a request; the zero value of a field is a sensible one, "-" leaves it out.
type message struct {
	environment, customerID, customerName, transferID, password, request, retrievalID string
}

func (m message) payload(operation protocol.Operation) string {
	var fields strings.Builder
	field := func(name, value, standard string) {
		if value == "" {
			value = standard
		}
		if value != "-" {
			fields.WriteString("<" + name + ">" + escape(value) + "</" + name + ">")
		}
	}
	field("Environment", m.environment, "TEST")
	field("CustomerId", m.customerID, customerID)
	field("CustomerName", m.customerName, "-")
	if operation == protocol.SignNewCertificate {
		field("TransferId", m.transferID, "UNKNOWN")
		field("TransferPassword", m.password, "UNKNOWN")
	}
	if operation == protocol.GetCertificate {
		field("RetrievalId", m.retrievalID, "UNKNOWN")
	} else {
		field("CertificateRequest", m.request, "AAAA")
	}
	name := "ser:" + operation.RequestElement()
	return "<" + name + ` xmlns:ser="` + protocol.Namespace + `">` + fields.String() + "</" + name + ">"
}

func escape(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
}

func envelope(payload string) string {
	return `<soapenv:Envelope xmlns:soapenv="` + protocol.SOAPNamespace + `"><soapenv:Body>` + payload +
		`</soapenv:Body></soapenv:Envelope>`
}

func (s *service) signNew(credential admin.Credential, request string) reply {
	s.t.Helper()
	return s.post(protocol.SignNewCertificate, message{
		customerID: credential.CustomerID, transferID: credential.TransferID,
		password: credential.TransferPassword, request: request,
	}.payload(protocol.SignNewCertificate))
}

func (s *service) get(retrievalID string) reply {
	s.t.Helper()
	return s.post(protocol.GetCertificate, message{retrievalID: retrievalID}.payload(protocol.GetCertificate))
}

// accepted is the response to an order of the first key with credentials of its own.
func (s *service) accepted(t *testing.T) reply {
	t.Helper()
	key, _ := keys(t)
	return s.signNew(s.mint(admin.MintRequest{}), requestFor(t, key)).want(t, "OK")
}

// issued goes the whole way to a certificate for the key.
func (s *service) issued(key *rsa.PrivateKey) *x509.Certificate {
	s.t.Helper()
	accepted := s.signNew(s.mint(admin.MintRequest{CustomerName: customerName}), requestFor(s.t, key)).want(s.t, "OK")
	s.clock.Step(10 * time.Second)
	return s.get(accepted.retrievalID).want(s.t, "OK").certificate
}

// renewal is a renewal signed by xmlsec1, which shares no code with the simulator.
func (s *service) renewal(m message, key *rsa.PrivateKey, signer *x509.Certificate) string {
	s.t.Helper()
	return signWithXmlsec(s.t, m.payload(protocol.RenewCertificate), key, signer)
}

func (s *service) renew(m message, key *rsa.PrivateKey, signer *x509.Certificate) reply {
	s.t.Helper()
	return s.post(protocol.RenewCertificate, s.renewal(m, key, signer))
}

var keyOnce = sync.OnceValues(func() ([]*rsa.PrivateKey, error) {
	keys := make([]*rsa.PrivateKey, 2)
	for index := range keys {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			return nil, err
		}
		keys[index] = key
	}
	return keys, nil
})

// keys are two RSA keys that all tests share.
func keys(t *testing.T) (first, second *rsa.PrivateKey) {
	t.Helper()
	made := must.Get(keyOnce())(t)
	return made[0], made[1]
}

// requestFor is the base64 of a certificate request that asks for more than the service grants.
func requestFor(t *testing.T, key any) string {
	t.Helper()
	der := must.Get(x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{
		Subject: pkix.Name{CommonName: "somebody else"}, DNSNames: []string{"example.com"},
	}, key))(t)
	return base64.StdEncoding.EncodeToString(der)
}

// file writes a file of the test.
func file(t *testing.T, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	must.Do(t, os.WriteFile(path, content, 0o600))
	return path
}

// signatureTemplate is a signature for xmlsec1 to fill, in the form that the service demands.
const signatureTemplate = `<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo>` +
	`<ds:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>` +
	`<ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"/>` +
	`<ds:Reference URI=""><ds:Transforms>` +
	`<ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/>` +
	`<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/></ds:Transforms>` +
	`<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/><ds:DigestValue></ds:DigestValue>` +
	`</ds:Reference></ds:SignedInfo><ds:SignatureValue></ds:SignatureValue>` +
	`<ds:KeyInfo><ds:X509Data><ds:X509Certificate></ds:X509Certificate></ds:X509Data></ds:KeyInfo></ds:Signature>`

// signWithXmlsec puts the signature before the end of the payload.
func signWithXmlsec(t *testing.T, payload string, key *rsa.PrivateKey, signer *x509.Certificate) string {
	t.Helper()
	return signTemplate(t, payload, signatureTemplate, key, signer)
}

func signTemplate(t *testing.T, payload, template string, key *rsa.PrivateKey, signer *x509.Certificate) string {
	t.Helper()
	end := strings.LastIndex(payload, "</")
	document := file(t, "template.xml", []byte(payload[:end]+template+payload[end:]))
	der := must.Get(x509.MarshalPKCS8PrivateKey(key))(t)
	keyFile := file(t, "key.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	certificateFile := file(t, "signer.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: signer.Raw}))
	signed := filepath.Join(t.TempDir(), "signed.xml")
	output, err := referee.Run(t, "xmlsec1", "--sign", "--privkey-pem", keyFile+","+certificateFile,
		"--output", signed, document)
	if err != nil {
		t.Fatalf("xmlsec1 does not sign: %v\n%s", err, output)
	}
	content := must.Get(os.ReadFile(signed))(t)
	_, content, _ = bytes.Cut(content, []byte("?>"))
	return strings.TrimSpace(string(content))
}

// payloadOf cuts the payload out of an envelope, byte by byte, as it was signed: with the declaration that the
// envelope may have taken over from it.
func payloadOf(t *testing.T, document []byte) []byte {
	t.Helper()
	_, rest, found := bytes.Cut(document, []byte(":Body>"))
	end := bytes.LastIndex(rest, []byte("</"))
	if end >= 0 {
		end = bytes.LastIndex(rest[:end], []byte("</"))
	}
	if !found || end < 0 {
		t.Fatalf("no payload in:\n%s", document)
	}
	payload := rest[:end]
	name, _, _ := bytes.Cut(payload[1:], []byte(" "))
	name, _, _ = bytes.Cut(name, []byte(">"))
	prefix, _, prefixed := bytes.Cut(name, []byte(":"))
	declaration := fmt.Appendf(nil, ` xmlns:%s=%q`, prefix, protocol.Namespace)
	if prefixed && !bytes.Contains(payload, declaration) {
		at := 1 + len(name)
		payload = append(append(append([]byte(nil), payload[:at]...), declaration...), payload[at:]...)
	}
	return payload
}

// verify lets xmlsec1 judge the signature of a response.
func (s *service) verify(t *testing.T, document []byte) error {
	t.Helper()
	payload := file(t, "response.xml", payloadOf(t, document))
	arguments := []string{"--verify"}
	rest := s.simulator.Bundle(authority.ResponsesBundle)
	for {
		var block *pem.Block
		block, rest = pem.Decode(rest)
		if block == nil {
			break
		}
		arguments = append(arguments, "--trusted-pem", file(t, "trusted.pem", pem.EncodeToMemory(block)))
	}
	output, err := referee.Run(t, "xmlsec1", append(arguments, payload)...)
	if err != nil {
		return fmt.Errorf("xmlsec1: %w: %s", err, output)
	}
	return nil
}

// validate lets xmllint judge a payload by the schema.
func validate(t *testing.T, payload []byte) error {
	t.Helper()
	return referee.Validate(t, "schema/CertificateServices.xsd", payload)
}
