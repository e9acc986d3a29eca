package stories

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/varmenne/varmenne-issuer/e2e/howto"
	"github.com/varmenne/varmenne-issuer/e2e/testkit"
	"github.com/varmenne/varmenne-issuer/internal/endpoints"
	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/pki"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
	veroclient "github.com/varmenne/varmenne-issuer/internal/vero/client"
	"github.com/varmenne/varmenne-issuer/internal/vero/protocol"
)

// howToAdopt is the page whose commands the test cases of adoption run.
const howToAdopt = "../../docs/how-to/adopt-a-certificate.md"

// adoption is a test case with a reader of the how-to in it, who sits in a directory with the files that a reader has.
type adoption struct {
	*testCase

	page  howto.Page
	shell howto.Shell
}

// adoption gives the reader the page and the sample Certificate, both for the test case's namespace.
func (s *testCase) adoption(inSample []howto.Replacement, inPage ...howto.Replacement) *adoption {
	s.Helper()
	if !s.certManagerIs(sinceRequester) {
		inPage = append(inPage, howto.Replacement{Old: "REQUESTER", New: "REQUESTOR"})
	}
	page := must.Get(howto.Read(howToAdopt,
		append(inPage, howto.Replacement{Old: "-n tax-reporting", New: "-n " + s.Namespace})...))(s)
	a := &adoption{testCase: s, page: page, shell: s.Shell()}
	certificate := must.Get(os.ReadFile("../../docs/samples/certificate.yaml"))(s)
	text, err := howto.Replace(string(certificate),
		append(inSample, howto.Replacement{Old: "namespace: tax-reporting", New: "namespace: " + s.Namespace})...)
	if err != nil {
		s.Fatalf("the sample Certificate: %v", err)
	}
	a.write("docs/samples/certificate.yaml", []byte(text))
	return a
}

// follow does what the page says under some headings.
func (a *adoption) follow(headings ...string) {
	a.Helper()
	for _, heading := range headings {
		a.run(a.section(heading))
	}
}

func (a *adoption) section(heading string) howto.Page {
	a.Helper()
	return must.Get(a.page.Section(heading))(a)
}

func (a *adoption) run(commands howto.Page) {
	a.Helper()
	if err := a.shell.Run(a.Context(), commands); err != nil {
		a.Fatalf("%s: %v\n%s", howToAdopt, err, a.Picture())
	}
}

// write puts a file into the reader's directory.
func (a *adoption) write(name string, content []byte) {
	a.Helper()
	path := filepath.Join(a.shell.Dir, filepath.FromSlash(name))
	must.Do(a, os.MkdirAll(filepath.Dir(path), 0o700))
	must.Do(a, os.WriteFile(path, content, 0o600))
}

// rehearsalArguments are those with which the page starts the simulator. The test cases start it themselves.
func rehearsalArguments(t *testing.T) []string {
	t.Helper()
	page := must.Get(howto.Read(howToAdopt))(t)
	rehearsal := must.Get(page.Section(headingRehearsal))(t)
	arguments, found := strings.CutPrefix(rehearsal[0].Text, "bin/varmenne-issuer simulator ")
	if !found {
		t.Fatalf("the rehearsal begins with %q, want the start of the simulator", rehearsal[0].Text)
	}
	return strings.Fields(arguments)
}

// secret is the one that the Certificate keeps its certificate in.
func (a *adoption) secret() *corev1.Secret {
	a.Helper()
	secret := &corev1.Secret{}
	secret.Namespace, secret.Name = a.Namespace, a.Certificate().Spec.SecretName
	return secret
}

// held are the certificates in the Secret.
func (a *adoption) held() []*x509.Certificate {
	a.Helper()
	return testkit.ParseCertificates(a.readSecret(a.secret().Name).Data[corev1.TLSCertKey])
}

// handMade is a certificate that somebody has ordered without the issuer.
type handMade struct {
	key         *rsa.PrivateKey
	certificate *x509.Certificate
	retrievalID string
}

// opens is when it can be renewed.
func (h *handMade) opens() time.Time { return h.certificate.NotAfter.Add(-adoptedWindow) }

// orderByHand orders a certificate from the service as somebody with SoapUI does. The transfer credentials are used up
// by that, and never come into the cluster.
func (a *adoption) orderByHand() *handMade {
	a.Helper()
	made, order, err := orderFor(a.Mint())
	must.Do(a, err)
	soap := a.soapClient()
	made.retrievalID = must.Get(soap.SignNew(a.Context(), order))(a)
	testkit.Pass(a, 10*time.Second+testkit.Interval) // the service's own rule, which holds for everybody who asks it
	got := must.Get(soap.Get(a.Context(), &protocol.Get{Party: order.Party, RetrievalID: made.retrievalID}))(a)
	if block, _ := pem.Decode(got); block != nil {
		got = block.Bytes
	}
	made.certificate = must.Get(x509.ParseCertificate(got))(a)
	return made
}

// orderFor makes a key, and the message that orders a certificate for it.
func orderFor(sent admin.Credential) (*handMade, *protocol.SignNew, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, nil, err
	}
	csr, err := x509.CreateCertificateRequest(rand.Reader,
		&x509.CertificateRequest{Subject: pkix.Name{CommonName: customerID}}, key)
	return &handMade{key: key}, &protocol.SignNew{
		Party:      protocol.Party{Environment: protocol.Test, CustomerID: customerID, CustomerName: customerName},
		TransferID: sent.TransferID, TransferPassword: protocol.NewPassword(sent.TransferPassword), CSR: csr,
	}, err
}

// soapClient speaks to the test case's service without the controller.
func (a *adoption) soapClient() *veroclient.Client {
	a.Helper()
	bundles := a.Bundles(a.Service)
	responses := must.Get(pki.NewTrust(testkit.ParseCertificates([]byte(bundles[keyResponses]))))(a)
	home := must.Get(endpoints.Parse([]string{"127.0.0.1:*"}))(a)
	soap := must.Get(veroclient.New(veroclient.Options{
		URL: a.Service.URL, TLS: testkit.ParseCertificates([]byte(bundles[keyTLS])), Responses: responses,
		Endpoints: endpoints.Rule{Allowed: home},
	}))(a)
	return soap
}

// writePEM gives the reader a key and a certificate, without intermediates.
func (a *adoption) writePEM(made *handMade) {
	a.Helper()
	a.write("key.pem", encode("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(made.key)))
	a.write("certificate.pem", encode("CERTIFICATE", made.certificate.Raw))
}

// writePKCS12 gives the reader everything in one file, with its password in another.
func (a *adoption) writePKCS12(made *handMade) {
	a.Helper()
	a.writePEM(made)
	var intermediates []byte
	root := a.rootOfService()
	for _, authority := range testkit.ParseCertificates([]byte(a.Bundles(a.Service)[keyIssuance])) {
		if !authority.Equal(root) {
			intermediates = append(intermediates, encode("CERTIFICATE", authority.Raw)...)
		}
	}
	a.write("intermediates.pem", intermediates)
	a.write("password.txt", []byte("a passw0rd of many words\n"))
	a.run(howto.Page{
		{Text: "openssl pkcs12 -export -out certificate.p12 -passout file:password.txt " +
			"-inkey key.pem -in certificate.pem -certfile intermediates.pem"},
		{Text: "rm key.pem certificate.pem intermediates.pem"},
	})
}

func encode(kind string, content []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: content})
}
