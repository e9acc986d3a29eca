package xmlsig_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/beevik/etree"

	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
	"github.com/varmenne/varmenne-issuer/internal/referee"
	"github.com/varmenne/varmenne-issuer/internal/vero/xmlsig"
)

// renewal is a RenewCertificateRequest of the usual size: a CSR for an RSA-2048 key has some 900 characters.
var renewal = `<cer:RenewCertificateRequest` + declareService + `><Environment>TEST</Environment>` +
	`<CustomerId>0123456-7</CustomerId><CustomerName>Ääkköset &amp; Pojat Oy</CustomerName>` +
	`<CertificateRequest>` + request + `</CertificateRequest></cer:RenewCertificateRequest>`

var request = strings.Repeat("MIIC", 225)

// signables are elements that can be signed.
func signables() map[string]string {
	all := map[string]string{"renewal": renewal}
	for name, payload := range payloads {
		all[name] = strings.Replace(payload, "@SIGNATURE@", "", 1)
	}
	return all
}

func TestXMLSecVerifiesWhatIsSigned(t *testing.T) {
	h := newHierarchy(t)
	for name, document := range signables() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			payload := parse(t, document)
			before := written(t, payload)
			signed := must.Get(xmlsig.Sign(payload, pkitest.Key(signerKey), h.signer))(t)
			if written(t, payload) != before {
				t.Error("the payload was changed")
			}
			h.xmlsecVerify(t, written(t, signed))
		})
	}
}

// xmlsecVerify lets xmlsec1 verify a document and its signer's chain.
func (h hierarchy) xmlsecVerify(t testing.TB, document string) {
	t.Helper()
	directory := t.TempDir()
	write(t, filepath.Join(directory, "root.pem"), pkitest.PEM(h.root.Certificate))
	write(t, filepath.Join(directory, "issuing.pem"), pkitest.PEM(h.issuing.Certificate))
	write(t, filepath.Join(directory, "signed.xml"), []byte(document))
	command := exec.Command(referee.Program(t, "xmlsec1"), "--verify", "--trusted-pem", "root.pem",
		"--untrusted-pem", "issuing.pem", "--enabled-reference-uris", "empty", "signed.xml")
	command.Dir = directory
	if output, err := command.CombinedOutput(); err != nil {
		t.Errorf("xmlsec1 --verify: %v\n%s\n%s", err, output, document)
	}
}

func TestWhatIsSignedVerifies(t *testing.T) {
	h := newHierarchy(t)
	for name, document := range signables() {
		t.Run(name, func(t *testing.T) {
			payload := parse(t, document)
			signed := must.Get(xmlsig.Sign(payload, pkitest.Key(signerKey), h.signer))(t)
			verified := must.Get(h.verify(t, soap(written(t, signed))))(t)
			if got, want := canonical(t, verified.Element), canonical(t, payload); got != want {
				t.Errorf("verified %s\nwant     %s", got, want)
			}
		})
	}
}

func TestTheSignatureHasTheFormThatTheOwnerDemands(t *testing.T) {
	h := newHierarchy(t)
	signed := must.Get(xmlsig.Sign(parse(t, renewal), pkitest.Key(signerKey), h.signer))(t)
	text := written(t, signed)
	for _, part := range []string{
		`<ds:CanonicalizationMethod Algorithm="` + exclusive + `"/>`,
		`<ds:SignatureMethod Algorithm="` + rsaSHA256 + `"/>`,
		`<ds:Reference URI=""><ds:Transforms>` + exclusiveAfter + `</ds:Transforms>` +
			`<ds:DigestMethod Algorithm="` + digestSHA256 + `"/>`,
		`<ds:KeyInfo><ds:X509Data><ds:X509Certificate>`,
		`</ds:Signature></cer:RenewCertificateRequest>`,
	} {
		if !strings.Contains(text, part) {
			t.Errorf("%s is not in\n%s", part, text)
		}
	}
	if signed.ChildElements()[4].Parent() != signed {
		t.Error("the Signature does not know its parent")
	}
	for _, forbidden := range []string{"&#", "--", "/*"} { // interface description 1.3
		if strings.Contains(text, forbidden) {
			t.Errorf("%s is in\n%s", forbidden, text)
		}
	}
}

func TestAnIDAttributeDoesNotNarrowTheReference(t *testing.T) {
	h := newHierarchy(t)
	signed := must.Get(xmlsig.Sign(parse(t, `<a ID="x" Id="y" id="z"/>`), pkitest.Key(signerKey), h.signer))(t)
	if uri := signed.FindElement("//Reference").SelectAttrValue("URI", "?"); uri != "" {
		t.Errorf("the reference is to %q", uri)
	}
}

func TestWhatCannotBeSignedIsRefused(t *testing.T) {
	h := newHierarchy(t)
	key := pkitest.Key(signerKey)
	curve := must.Get(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))(t)
	text := func(value string) *etree.Element {
		element := etree.NewElement("a")
		element.SetText(value)
		return element
	}
	cases := map[string]struct {
		payload *etree.Element
		key     crypto.Signer
		leaf    *x509.Certificate
		want    string
	}{
		"no key":                                  {text("b"), nil, h.signer, "needed"},
		"no certificate":                          {text("b"), key, nil, "needed"},
		"an elliptic curve key":                   {text("b"), curve, h.signer, "RSA"},
		"the key of somebody else":                {text("b"), pkitest.Key("stranger"), h.signer, "does not belong"},
		"a control character":                     {text("\x01"), key, h.signer, "characters"},
		"a surrogate":                             {text("\xED\xA0\x80"), key, h.signer, "characters"},
		"a control character inside an attribute": {parse(t, "<a><b/></a>").FindElement("./b"), key, h.signer, "characters"},
		"U+FFFF":                                  {text("\uFFFF"), key, h.signer, "characters"},
		"invalid UTF-8":                           {text("\xFF"), key, h.signer, "characters"},
		"an undeclared prefix":                    {etree.NewElement("a:b"), key, h.signer, "not declared"},
		"a signature inside": {
			parse(t, "<a><b><Signature xmlns='"+xmlsig.Namespace+"'/></b></a>"), key, h.signer, "signature already",
		},
	}
	cases["a control character inside an attribute"].payload.CreateAttr("c", "\x01")
	withInstruction := etree.NewElement("a")
	withInstruction.CreateProcInst("b", "c")
	for claim, test := range cases {
		t.Run(claim, func(t *testing.T) {
			_, err := xmlsig.Sign(test.payload, test.key, test.leaf)
			must.Say(t, err, test.want)
		})
	}
	if _, err := xmlsig.Sign(withInstruction, key, h.signer); err == nil {
		t.Error("a processing instruction was signed")
	}
}

func TestADeclarationOfTheEnvelopeDoesNotCountWhenSigning(t *testing.T) {
	h := newHierarchy(t)
	envelope := parse(t, `<a xmlns:b="urn:b"><b:c/></a>`)
	if _, err := xmlsig.Sign(envelope.ChildElements()[0], pkitest.Key(signerKey), h.signer); err == nil {
		t.Error("a payload was signed whose prefix is declared outside of it")
	}
}

func parse(t testing.TB, document string) *etree.Element {
	t.Helper()
	parsed, err := xmlsig.Parse([]byte(document))
	if err != nil {
		t.Fatalf("%v in\n%s", err, document)
	}
	return parsed.Root()
}

func canonical(t testing.TB, element *etree.Element) string {
	t.Helper()
	return string(must.Get(xmlsig.Canonicalize(element, exclusive))(t))
}
