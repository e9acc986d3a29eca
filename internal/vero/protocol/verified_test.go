package protocol_test

import (
	"crypto/x509"
	"errors"
	"strings"
	"testing"

	"github.com/beevik/etree"

	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/pki"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
	"github.com/varmenne/varmenne-issuer/internal/simulator/protocol"
	"github.com/varmenne/varmenne-issuer/internal/simulator/response"
	vero "github.com/varmenne/varmenne-issuer/internal/vero/protocol"
	"github.com/varmenne/varmenne-issuer/internal/vero/xmlsig"
)

func trust(t testing.TB, authority *pkitest.Authority) pki.Trust {
	t.Helper()
	return must.Get(pki.NewTrust([]*x509.Certificate{authority.Certificate}))(t)
}

// An unqualified field, put as text into an envelope whose own namespace is the default one, seems to be in that.
func TestTheRetrievalIDIsPeekedInAnEnvelopeWithADefaultNamespace(t *testing.T) {
	document := string(written(t, answered(t, vero.SignNewCertificate, id+isOK)))
	payload, err := vero.Unwrap(parse(t, `<Envelope xmlns="`+soapNamespace+`"><Body>`+document+`</Body></Envelope>`))
	if err != nil {
		t.Fatal(err)
	}
	if got := vero.PeekRetrievalID(payload); got != "ABC123" {
		t.Errorf("%q", got)
	}
}

// What Verify hands on stands alone: the prefixes of its elements must have come along from wherever they were
// declared.
func TestResponsesAreReadAfterVerificationInEveryVariant(t *testing.T) {
	authority := pkitest.Root(t, "Responses CA")
	key := pkitest.Key("responses")
	signer := &response.Signer{Key: key, Certificate: authority.Issue(t, key, "Service"), Issuer: authority.Certificate}
	certificate := authority.Issue(t, key, "0123456-7")
	for _, variant := range response.Variants() {
		t.Run(variant.Name, func(t *testing.T) {
			rendered := func(content response.Content) *etree.Element {
				return verified(t, string(must.Get(response.Render(content, variant, signer))(t)), authority)
			}
			got, err := vero.ReadSubmission(rendered(response.Content{
				Operation: protocol.RenewCertificate, RetrievalID: "ABC123",
			}), vero.RenewCertificate)
			if err != nil || got != "ABC123" {
				t.Errorf("%q, error %v", got, err)
			}
			content := must.Get(vero.ReadCertificate(rendered(response.Content{
				Operation: protocol.GetCertificate, Certificate: certificate,
			})))(t)
			if read, err := pki.ParseCertificate(content); err != nil || !read.Equal(certificate) {
				t.Errorf("another certificate, error %v", err)
			}
			_, err = vero.ReadCertificate(rendered(response.Content{
				Operation: protocol.GetCertificate, Problem: protocol.Technical("too early"),
			}))
			if refusal, is := errors.AsType[*vero.ServiceError](err); !is || refusal.Code != vero.CodeTechnical {
				t.Errorf("error %v", err)
			}
		})
	}
}

// verified is the payload of an envelope as Verify hands it on.
func verified(t testing.TB, document string, authority *pkitest.Authority) *etree.Element {
	t.Helper()
	payload, err := vero.Unwrap(parse(t, document))
	if err != nil {
		t.Fatalf("%v in\n%s", err, document)
	}
	result, err := xmlsig.Verify(payload, xmlsig.Signers{Trust: trust(t, authority), Now: pkitest.Now})
	if err != nil {
		t.Fatalf("%v in\n%s", err, document)
	}
	if result.Element.Parent() != nil {
		t.Error("the verified element is not alone")
	}
	return result.Element
}

func TestTheSurroundingsOfASignedResponseDoNotChangeWhatIsRead(t *testing.T) {
	authority := pkitest.Root(t, "Responses CA")
	key := pkitest.Key("responses")
	signed := func(response *etree.Element) string {
		signed := must.Get(xmlsig.Sign(response, key, authority.Issue(t, key, "Service")))(t)
		return string(written(t, signed))
	}
	const prefixed, unprefixed = ` xmlns:ser="` + vero.Namespace + `"`, ` xmlns="` + vero.Namespace + `"`
	without := func(declaration, response string) string { return strings.Replace(response, declaration, "", 1) }
	qualifiedFields := signed(answered(t, vero.SignNewCertificate, qualified(id+isOK)))
	inheritedFields := signed(parse(t, "<SignNewCertificateResponse"+unprefixed+">"+id+isOK+
		"</SignNewCertificateResponse>").Root())
	for claim, document := range map[string]string{
		"declared by the Envelope, for qualified fields": strings.Replace(
			soap(without(prefixed, qualifiedFields)), "<soapenv:Envelope", "<soapenv:Envelope"+prefixed, 1),
		"declared by the Body, for qualified fields": strings.Replace(
			soap(without(prefixed, qualifiedFields)), "<soapenv:Body", "<soapenv:Body"+prefixed, 1),
		"declared by the Envelope as the default": strings.Replace(
			soap(without(unprefixed, inheritedFields)), "<soapenv:Envelope", "<soapenv:Envelope"+unprefixed, 1),
		"unqualified fields in an Envelope with a default of its own": `<Envelope xmlns="` + soapNamespace + `"><Body>` +
			signed(answered(t, vero.SignNewCertificate, id+isOK)) + `</Body></Envelope>`,
	} {
		t.Run(claim, func(t *testing.T) {
			got, err := vero.ReadSubmission(verified(t, document, authority), vero.SignNewCertificate)
			if err != nil || got != "ABC123" {
				t.Errorf("%q, error %v", got, err)
			}
		})
	}
}
