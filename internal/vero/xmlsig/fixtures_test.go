package xmlsig_test

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"

	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/pki"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
	"github.com/varmenne/varmenne-issuer/internal/referee"
	"github.com/varmenne/varmenne-issuer/internal/vero/xmlsig"
)

// hierarchy is what signs responses in these tests: a root, an issuing CA, a signer.
type hierarchy struct {
	root    *pkitest.Authority
	issuing *pkitest.Authority
	signer  *x509.Certificate
	trust   pki.Trust
	now     time.Time // at which responses are verified
}

const signerKey = "signer of responses"

func newHierarchy(t testing.TB, signerModifiers ...pkitest.Modifier) hierarchy {
	t.Helper()
	root := pkitest.Root(t, "Responses Root CA")
	issuing := root.Intermediate(t, "Responses Issuing CA")
	return hierarchy{
		root:    root,
		issuing: issuing,
		signer:  issuing.Issue(t, pkitest.Key(signerKey), "Certificate Service", signerModifiers...),
		trust:   newTrust(t, root.Certificate, issuing.Certificate),
		now:     pkitest.Now,
	}
}

func newTrust(t testing.TB, certificates ...*x509.Certificate) pki.Trust {
	t.Helper()
	return must.Get(pki.NewTrust(certificates))(t)
}

// form is how a document is signed; its zero value is what the service's owner asks for.
type form struct {
	unprefixed      bool   // Signature in a default namespace instead of with the prefix ds
	canonical       string // of SignedInfo; default exclusive
	transforms      string // default enveloped-signature and exclusive
	signatureMethod string // default RSA-SHA256
	digestMethod    string // default SHA-256
	uri             string
	extraReference  string
	keyInfo         string // default X509Data with what the key's certificate file holds
	object          string
}

const (
	exclusive        = "http://www.w3.org/2001/10/xml-exc-c14n#"
	inclusive10      = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
	inclusive11      = "http://www.w3.org/2006/12/xml-c14n11"
	withComments     = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments"
	envelopedOnly    = `<ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/>`
	exclusiveAfter   = envelopedOnly + `<ds:Transform Algorithm="` + exclusive + `"/>`
	inclusiveAfter   = envelopedOnly + `<ds:Transform Algorithm="` + inclusive10 + `"/>`
	inclusive11After = envelopedOnly + `<ds:Transform Algorithm="` + inclusive11 + `"/>`
	rsaSHA256        = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
	digestSHA256     = "http://www.w3.org/2001/04/xmlenc#sha256"
	defaultKeyInfo   = `<ds:KeyInfo><ds:X509Data/></ds:KeyInfo>`
)

// template writes the Signature that xmlsec1 fills in.
func (f form) template() string {
	defaulted := func(value, otherwise string) string {
		if value == "" {
			return otherwise
		}
		return value
	}
	digest := defaulted(f.digestMethod, digestSHA256)
	text := fmt.Sprintf(`<ds:Signature xmlns:ds="%s"><ds:SignedInfo><ds:CanonicalizationMethod Algorithm="%s"/>`+
		`<ds:SignatureMethod Algorithm="%s"/><ds:Reference URI="%s"><ds:Transforms>%s</ds:Transforms>`+
		`<ds:DigestMethod Algorithm="%s"/><ds:DigestValue/></ds:Reference>%s</ds:SignedInfo><ds:SignatureValue/>%s%s`+
		`</ds:Signature>`, xmlsig.Namespace, defaulted(f.canonical, exclusive), defaulted(f.signatureMethod, rsaSHA256),
		f.uri, defaulted(f.transforms, exclusiveAfter), digest, f.extraReference, defaulted(f.keyInfo, defaultKeyInfo),
		f.object)
	if f.unprefixed {
		text = strings.NewReplacer("<ds:", "<", "</ds:", "</", "xmlns:ds=", "xmlns=").Replace(text)
	}
	return text
}

// sign lets xmlsec1 sign a document, in which @SIGNATURE@ marks the Signature's place, with the hierarchy's signer.
func (h hierarchy) sign(t testing.TB, document string, f form, arguments ...string) string {
	t.Helper()
	return xmlsecSign(t, strings.Replace(document, "@SIGNATURE@", f.template(), 1), signerKey,
		[]*x509.Certificate{h.signer}, arguments...)
}

// xmlsecSign signs a template with the named key and its certificates.
func xmlsecSign(
	t testing.TB, template, key string, certificates []*x509.Certificate, arguments ...string,
) string {
	t.Helper()
	directory := t.TempDir()
	der := must.Get(x509.MarshalPKCS8PrivateKey(pkitest.Key(key)))(t)
	// xmlsec1 splits at commas, so paths must not contain any: it runs in the directory.
	files := append(make([]string, 0, 1+len(certificates)), "key.pem")
	write(t, filepath.Join(directory, files[0]), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	for index, certificate := range certificates {
		name := fmt.Sprintf("certificate%d.pem", index)
		write(t, filepath.Join(directory, name), pkitest.PEM(certificate))
		files = append(files, name)
	}
	if !slices.Contains(arguments, "--hmackey") {
		arguments = append(slices.Clone(arguments), "--privkey-pem", strings.Join(files, ","))
	}
	const input = "template.xml"
	write(t, filepath.Join(directory, input), []byte(template))
	command := exec.Command(referee.Program(t, "xmlsec1"), append(append([]string{"--sign"}, arguments...), input)...)
	command.Dir = directory
	var problems strings.Builder
	command.Stderr = &problems
	output, err := command.Output()
	if err != nil {
		t.Fatalf("xmlsec1 --sign: %v\n%s", err, problems.String())
	}
	return withoutDeclaration(string(output))
}

func write(t testing.TB, path string, content []byte) {
	t.Helper()
	must.Do(t, os.WriteFile(path, content, 0o600))
}

const serviceNamespace = "http://certificates.vero.fi/2017/10/certificateservices"

// soap wraps a signed payload as text, the way a service does that signs first.
func soap(payload string) string {
	return soapWith(` xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"`, "soapenv:", "", payload)
}

func soapWith(declarations, prefix, header, payload string) string {
	return `<?xml version="1.0" encoding="UTF-8"?>` + "\n" + `<` + prefix + `Envelope` + declarations + `>` + header +
		`<` + prefix + `Body>` + payload + `</` + prefix + `Body></` + prefix + `Envelope>` + "\n"
}

// withoutDeclaration removes the XML declaration, which cannot stand inside an envelope.
func withoutDeclaration(document string) string {
	if strings.HasPrefix(document, "<?xml") {
		document = document[strings.Index(document, "?>")+len("?>"):]
	}
	return strings.TrimSpace(document)
}

// payloadOf parses an envelope and returns the first element in its Body.
func payloadOf(t testing.TB, envelope string) *etree.Element {
	t.Helper()
	document, err := xmlsig.Parse([]byte(envelope))
	if err != nil {
		t.Fatalf("%v in\n%s", err, envelope)
	}
	for _, child := range document.Root().ChildElements() {
		if child.Tag == "Body" {
			return child.ChildElements()[0]
		}
	}
	t.Fatalf("no Body in %s", envelope)
	return nil
}

// signers are those that the hierarchy's trust leads to.
func (h hierarchy) signers() xmlsig.Signers {
	return xmlsig.Signers{Trust: h.trust, Now: h.now, CustomerID: customerID}
}

// customerID is the customer to whom the responses go.
const customerID = "a-customer"

// verify verifies the payload of an envelope.
func (h hierarchy) verify(t testing.TB, envelope string) (*xmlsig.Verified, error) {
	t.Helper()
	return xmlsig.Verify(payloadOf(t, envelope), h.signers())
}

// replace changes a document in one place that must exist.
func replace(t testing.TB, document, old, replacement string) string {
	t.Helper()
	if !strings.Contains(document, old) {
		t.Fatalf("%q is not in\n%s", old, document)
	}
	return strings.Replace(document, old, replacement, 1)
}

// chainSigned signs the plain payload and puts exactly these certificates into the Signature.
func (h hierarchy) chainSigned(t testing.TB, certificates ...*x509.Certificate) string {
	t.Helper()
	signed := h.sign(t, payloads["plain"], form{keyInfo: "<ds:KeyInfo><ds:X509Data>@</ds:X509Data></ds:KeyInfo>"})
	var elements strings.Builder
	for _, certificate := range certificates {
		elements.WriteString("<ds:X509Certificate>" + base64.StdEncoding.EncodeToString(certificate.Raw) +
			"</ds:X509Certificate>")
	}
	return keyInfoElement.ReplaceAllString(signed,
		"<ds:KeyInfo><ds:X509Data>"+elements.String()+"</ds:X509Data></ds:KeyInfo>")
}

var keyInfoElement = regexp.MustCompile(`(?s)<ds:KeyInfo>.*</ds:KeyInfo>`)
