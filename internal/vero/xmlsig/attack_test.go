package xmlsig_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/pki"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
	"github.com/varmenne/varmenne-issuer/internal/vero/xmlsig"
)

const (
	rsaSHA1        = "http://www.w3.org/2000/09/xmldsig#rsa-sha1"
	digestSHA1     = "http://www.w3.org/2000/09/xmldsig#sha1"
	hmacSHA256     = "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"
	forgedContent  = `<Certificate>Rk9SR0VE</Certificate><Result><Status>OK</Status></Result>`
	xpathTransform = envelopedOnly + `<ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116">` +
		`<ds:XPath>not(ancestor-or-self::Certificate)</ds:XPath></ds:Transform>`
	xsltTransform = envelopedOnly + `<ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xslt-19991116">` +
		`<xsl:stylesheet xmlns:xsl="http://www.w3.org/1999/XSL/Transform" version="1.0"><xsl:template match="/">` +
		`<constant/></xsl:template></xsl:stylesheet></ds:Transform>`
	secondReference = `<ds:Reference URI=""><ds:Transforms>` + exclusiveAfter + `</ds:Transforms>` +
		`<ds:DigestMethod Algorithm="` + digestSHA256 + `"/><ds:DigestValue/></ds:Reference>`
	repeatedKeyInfo = `<ds:KeyInfo><ds:X509Data>%s</ds:X509Data></ds:KeyInfo>`
)

// signedWrongly are documents with a good signature, according to xmlsec1, of a form that must be refused.
var signedWrongly = map[string]struct {
	form      form
	payload   string
	arguments []string
	want      xmlsig.Reason
}{
	"RSA-SHA1":                       {form: form{signatureMethod: rsaSHA1}, want: xmlsig.Algorithm},
	"SHA-1 digest":                   {form: form{digestMethod: digestSHA1}, want: xmlsig.Algorithm},
	"C14N with comments, SignedInfo": {form: form{canonical: withComments}, want: xmlsig.Algorithm},
	"C14N with comments, payload": {
		form: form{transforms: envelopedOnly + `<ds:Transform Algorithm="` + withComments + `"/>`}, want: xmlsig.Algorithm,
	},
	"HMAC with a key of the sender's choice": {
		form:      form{signatureMethod: hmacSHA256, keyInfo: "<ds:KeyInfo><ds:KeyName/></ds:KeyInfo>"},
		arguments: []string{"--hmackey", "template.xml"}, want: xmlsig.Algorithm,
	},
	"XPath transform that leaves the certificate out": {form: form{transforms: xpathTransform}, want: xmlsig.Algorithm},
	"XSLT transform": {form: form{transforms: xsltTransform}, want: xmlsig.Algorithm},
	"canonical form before the enveloped-signature": {
		form: form{transforms: `<ds:Transform Algorithm="` + exclusive + `"/>`}, payload: detachedFromRoot,
		want: xmlsig.Algorithm,
	},
	"three transforms": {
		form: form{transforms: exclusiveAfter + `<ds:Transform Algorithm="` + exclusive + `"/>`}, want: xmlsig.Shape,
	},
	"two references": {form: form{extraReference: secondReference}, want: xmlsig.Shape},
	"reference to an element with an id": {
		form: form{uri: "#part"}, want: xmlsig.Shape, arguments: []string{"--id-attr:Id", "Certificate"},
		payload: response(declareService, `<Certificate Id="part">TUlJQ2VydA==</Certificate>`),
	},
	"reference to a file": {form: form{uri: "template.xml", transforms: `<ds:Transform Algorithm="` + exclusive + `"/>`},
		want: xmlsig.Shape},
	"KeyValue instead of a certificate": {
		form: form{keyInfo: "<ds:KeyInfo><ds:KeyValue/></ds:KeyInfo>"}, want: xmlsig.Shape,
	},
	"KeyName instead of a certificate": {
		form: form{keyInfo: "<ds:KeyInfo><ds:KeyName/></ds:KeyInfo>"}, want: xmlsig.Shape,
	},
	"an Object with a second Result": {
		form: form{object: "<ds:Object><Result><Status>FAIL</Status></Result></ds:Object>"}, want: xmlsig.Shape,
	},
	"Signature not the last child": {
		payload: `<cer:GetCertificateResponse` + declareService + `>@SIGNATURE@<Result/></cer:GetCertificateResponse>`,
		want:    xmlsig.Shape,
	},
	"text after the Signature": {
		payload: `<cer:GetCertificateResponse` + declareService + `>@SIGNATURE@x</cer:GetCertificateResponse>`,
		want:    xmlsig.Shape,
	},
	"Signature not a child": {
		payload: `<cer:GetCertificateResponse` + declareService + `><Result>@SIGNATURE@</Result>` +
			`</cer:GetCertificateResponse>`,
		want: xmlsig.Shape,
	},
}

// detachedFromRoot has its Signature where the missing enveloped-signature transform does no harm to xmlsec1.
const detachedFromRoot = `<cer:GetCertificateResponse` + declareService +
	`><Result/>@SIGNATURE@</cer:GetCertificateResponse>`

func TestASignatureOfAnotherFormIsRefused(t *testing.T) {
	h := newHierarchy(t)
	for claim, attack := range signedWrongly {
		t.Run(claim, func(t *testing.T) {
			t.Parallel()
			payload := attack.payload
			if payload == "" {
				payload = payloads["plain"]
			}
			h.mustRefuse(t, soap(h.sign(t, payload, attack.form, attack.arguments...)), attack.want)
		})
	}
}

// tampering are changes to a correctly signed envelope that must be refused.
var tampering = map[string]struct {
	change func(t *testing.T, envelope string) string
	want   xmlsig.Reason
}{
	"changed value": {replacing(">TUlJQ2VydA==<", ">Rk9SR0VE<"), xmlsig.DigestMismatch},
	"added element": {
		replacing("</Result>", "</Result><Result><Status>FAIL</Status></Result>"),
		xmlsig.DigestMismatch,
	},
	"removed element":   {replacing("<Status>OK</Status>", ""), xmlsig.DigestMismatch},
	"added attribute":   {replacing("<Result>", `<Result a="">`), xmlsig.DigestMismatch},
	"added white space": {replacing("<Result>", "<Result> "), xmlsig.DigestMismatch},
	"text as an element, by CDATA": {
		replacing("<Status>OK</Status>", "<![CDATA[<Status>OK</Status>]]>"), xmlsig.DigestMismatch,
	},
	"renamed to the response of another operation": {
		func(_ *testing.T, envelope string) string {
			return strings.ReplaceAll(envelope, "GetCertificateResponse", "RenewCertificateResponse")
		}, xmlsig.DigestMismatch,
	},
	"namespace changed on the payload": {replacing(serviceNamespace, "urn:other"), xmlsig.DigestMismatch},
	"children moved into a namespace": {
		replacing(declareService, declareService+` xmlns="urn:other"`), xmlsig.DigestMismatch,
	},
	"stripped signature": {
		func(t *testing.T, envelope string) string {
			t.Helper()
			return replace(t, envelope, signatureOf(t, envelope), "")
		},
		xmlsig.MissingSignature,
	},
	"Signature in another namespace": {
		func(_ *testing.T, envelope string) string {
			return strings.ReplaceAll(envelope, xmlsig.Namespace+`"`, xmlsig.Namespace+`x"`)
		}, xmlsig.MissingSignature,
	},
	"Signature moved to the Header": {
		func(t *testing.T, envelope string) string {
			t.Helper()
			signature := signatureOf(t, envelope)
			envelope = replace(t, envelope, signature, "")
			return replace(t, envelope, "<soapenv:Body>", "<soapenv:Header>"+signature+"</soapenv:Header><soapenv:Body>")
		}, xmlsig.MissingSignature,
	},
	"signed payload moved to the Header, a forged one in the Body": {
		wrapping("<soapenv:Header>%s</soapenv:Header><soapenv:Body>" + forged("") + "</soapenv:Body>"),
		xmlsig.MissingSignature,
	},
	"signed payload in the Header, a forged one with its Signature in the Body": {
		func(t *testing.T, envelope string) string {
			t.Helper()
			return wrapped(t, envelope, "<soapenv:Header>%s</soapenv:Header><soapenv:Body>"+
				forged(signatureOf(t, envelope))+"</soapenv:Body>")
		}, xmlsig.DigestMismatch,
	},
	"a forged payload before the signed one": {
		wrapping("<soapenv:Body>" + forged("") + "%s</soapenv:Body>"), xmlsig.MissingSignature,
	},
	"signed payload inside of a forged one": {
		wrapping("<soapenv:Body>" + forged("%s") + "</soapenv:Body>"), xmlsig.Shape,
	},
	"signed payload in an Object of its own Signature": {
		func(t *testing.T, envelope string) string {
			t.Helper()
			signature := signatureOf(t, envelope)
			object := "<ds:Object>%s</ds:Object></ds:Signature>"
			return wrapped(t, envelope, "<soapenv:Body>"+
				forged(replace(t, signature, "</ds:Signature>", object))+"</soapenv:Body>")
		}, xmlsig.Shape,
	},
	"duplicated ids": {replacing("<ds:Reference URI=\"\"", "<ds:Reference Id=\"x\" URI=\"#x\""), xmlsig.Shape},
	"second Signature": {
		func(t *testing.T, envelope string) string {
			t.Helper()
			signature := signatureOf(t, envelope)
			return replace(t, envelope, signature, signature+signature)
		}, xmlsig.Shape,
	},
	"another Signature deeper": {
		replacing("<Result>", "<Result><x:Signature xmlns:x=\""+xmlsig.Namespace+"\"/>"), xmlsig.Shape,
	},
	"an Object with a second Result added": {
		replacing("</ds:KeyInfo>", "</ds:KeyInfo><ds:Object><Result><Status>FAIL</Status></Result></ds:Object>"),
		xmlsig.Shape,
	},
	"no URI":            {replacing(` URI=""`, ""), xmlsig.Shape},
	"external URI":      {replacing(` URI=""`, ` URI="http://example.com/"`), xmlsig.Shape},
	"XPointer URI":      {replacing(` URI=""`, ` URI="#xpointer(/)"`), xmlsig.Shape},
	"prefixed URI only": {replacing(` URI=""`, ` ds:URI=""`), xmlsig.Shape},
	"no transforms":     {replacing("<ds:Transforms>"+exclusiveAfter+"</ds:Transforms>", ""), xmlsig.Shape},
	"empty transforms": {
		replacing("<ds:Transforms>"+exclusiveAfter+"</ds:Transforms>", "<ds:Transforms/>"), xmlsig.Shape,
	},
	"no KeyInfo":             {removing("<ds:KeyInfo>", "</ds:KeyInfo>"), xmlsig.Shape},
	"no SignatureValue":      {removing("<ds:SignatureValue>", "</ds:SignatureValue>"), xmlsig.Shape},
	"no DigestValue":         {removing("<ds:DigestValue>", "</ds:DigestValue>"), xmlsig.Shape},
	"no Algorithm":           {replacing(` Algorithm="`+digestSHA256+`"`, ""), xmlsig.Shape},
	"text in the Signature":  {replacing("<ds:KeyInfo>", "text<ds:KeyInfo>"), xmlsig.Shape},
	"element in DigestValue": {replacing("<ds:DigestValue>", "<ds:DigestValue><a/>"), xmlsig.Shape},
	"no base64":              {replacing("<ds:SignatureValue>", "<ds:SignatureValue>%%%%"), xmlsig.Shape},
	"no base64 by NBSP":      {replacing("<ds:SignatureValue>", "<ds:SignatureValue>\u00A0"), xmlsig.Shape},
	"certificate cut off":    {replacing("<ds:X509Certificate>MIID", "<ds:X509Certificate>"), xmlsig.Shape},
	"huge certificate": {
		replacing("<ds:X509Certificate>", "<ds:X509Certificate>"+strings.Repeat("A", 1<<19)),
		xmlsig.Shape,
	},
	"huge digest":            {replacing("<ds:DigestValue>", "<ds:DigestValue>"+strings.Repeat("A", 1<<19)), xmlsig.Shape},
	"parameters of a digest": {replacing(digestSHA256+`"/>`, digestSHA256+`"><a/></ds:DigestMethod>`), xmlsig.Algorithm},
	"parameters of a transform": {
		replacing(envelopedOnly, strings.TrimSuffix(envelopedOnly, "/>")+`><a/></ds:Transform>`), xmlsig.Algorithm,
	},
	"parameters of inclusive C14N": {
		replacing(`Algorithm="`+exclusive+`"/>`, `Algorithm="`+inclusive10+`"><a/></ds:CanonicalizationMethod>`),
		xmlsig.Algorithm,
	},
	"foreign parameters of exclusive C14N": {
		replacing(`Algorithm="`+exclusive+`"/>`, `Algorithm="`+exclusive+`"><ds:InclusiveNamespaces PrefixList="a"/>`+
			`</ds:CanonicalizationMethod>`), xmlsig.Algorithm,
	},
	"unknown canonical form":    {replacing(exclusive, "http://example.com/c14n"), xmlsig.Algorithm},
	"SHA-1 in place of SHA-256": {replacing(digestSHA256, digestSHA1), xmlsig.Algorithm},
	"other signature method":    {replacing("#rsa-sha256", "#rsa-sha512"), xmlsig.SignatureMismatch},
	"SignedInfo changed":        {replacing("<ds:SignedInfo>", "<ds:SignedInfo >\n"), xmlsig.SignatureMismatch},
	"SignatureValue changed":    {replacing("<ds:SignatureValue>", "<ds:SignatureValue>AAAA"), xmlsig.SignatureMismatch},
	"other canonical form of SignedInfo": {
		replacing(exclusive, inclusive10), xmlsig.SignatureMismatch,
	},
}

func TestAChangedEnvelopeIsRefused(t *testing.T) {
	h := newHierarchy(t)
	envelope := soap(h.sign(t, payloads["plain"], form{}))
	for claim, attack := range tampering {
		t.Run(claim, func(t *testing.T) {
			t.Parallel()
			h.mustRefuse(t, attack.change(t, envelope), attack.want)
		})
	}
}

func replacing(old, replacement string) func(*testing.T, string) string {
	return func(t *testing.T, envelope string) string {
		t.Helper()
		return replace(t, envelope, old, replacement)
	}
}

// removing removes the first element that starts and ends so.
func removing(start, end string) func(*testing.T, string) string {
	return func(t *testing.T, envelope string) string {
		t.Helper()
		return replace(t, envelope, between(t, envelope, start, end), "")
	}
}

func between(t testing.TB, text, start, end string) string {
	t.Helper()
	from, to := strings.Index(text, start), strings.LastIndex(text, end)
	if from < 0 || to < from {
		t.Fatalf("nothing from %s to %s in\n%s", start, end, text)
	}
	return text[from : to+len(end)]
}

func signatureOf(t testing.TB, envelope string) string {
	t.Helper()
	return between(t, envelope, "<ds:Signature ", "</ds:Signature>")
}

// wrapping is wrapped, as a change.
func wrapping(replacement string) func(*testing.T, string) string {
	return func(t *testing.T, envelope string) string {
		t.Helper()
		return wrapped(t, envelope, replacement)
	}
}

// wrapped replaces the Body of an envelope; %s in the replacement is its signed payload.
func wrapped(t testing.TB, envelope, replacement string) string {
	t.Helper()
	payload := between(t, envelope, "<cer:GetCertificateResponse", "</cer:GetCertificateResponse>")
	return replace(t, envelope, "<soapenv:Body>"+payload+"</soapenv:Body>", fmt.Sprintf(replacement, payload))
}

func forged(signature string) string {
	return strings.Replace(response(declareService, forgedContent), "@SIGNATURE@", signature, 1)
}

func (h hierarchy) mustRefuse(t *testing.T, envelope string, want xmlsig.Reason) {
	t.Helper()
	verified, err := h.verify(t, envelope)
	if verified != nil || err == nil {
		t.Fatalf("verified\n%s", envelope)
	}
	if refusal, is := errors.AsType[*xmlsig.VerifyError](err); !is || refusal.Reason != want {
		t.Fatalf("got %v, want reason %s", err, want)
	}
}

func TestACommentInsideAValueDoesNotShortenIt(t *testing.T) {
	h := newHierarchy(t)
	envelope := soap(h.sign(t, payloads["plain"], form{}))
	envelope = replace(t, envelope, ">TUlJQ2VydA==<", ">TUlJ<!-- -->Q2Vy<!---->dA==<")
	h.mustVerify(t, replace(t, envelope, ">OK<", "><!-- FAIL -->OK<"))
}

func TestTheSignerMustBeTrustedNow(t *testing.T) {
	stranger := pkitest.Root(t, "Stranger CA")
	h := newHierarchy(t)
	envelope := soap(h.sign(t, payloads["plain"], form{}))
	year := 365 * 24 * time.Hour
	cases := map[string]struct {
		envelope string
		trust    pki.Trust
		now      time.Time
		want     xmlsig.Reason
	}{
		"no trust configured":     {envelope, pki.Trust{}, pkitest.Now, xmlsig.UntrustedSigner},
		"another root configured": {envelope, newTrust(t, stranger.Certificate), pkitest.Now, xmlsig.UntrustedSigner},
		"issuing CA not configured": {
			soap(h.chainSigned(t, h.signer, h.issuing.Certificate)), newTrust(t, h.root.Certificate), pkitest.Now,
			xmlsig.UntrustedSigner,
		},
		"after the signer's end":    {envelope, h.trust, pkitest.NotAfter.Add(year), xmlsig.SignerExpired},
		"before the signer's start": {envelope, h.trust, pkitest.NotBefore.Add(-year), xmlsig.SignerNotYetValid},
	}
	for claim, test := range cases {
		t.Run(claim, func(t *testing.T) {
			_, err := xmlsig.Verify(payloadOf(t, test.envelope), xmlsig.Signers{Trust: test.trust, Now: test.now})
			if refusal, is := errors.AsType[*xmlsig.VerifyError](err); !is || refusal.Reason != test.want {
				t.Fatalf("got %v, want reason %s", err, test.want)
			}
			if _, wrapped := errors.AsType[*pki.ChainError](err); !wrapped {
				t.Error("the reason does not wrap a ChainError")
			}
			must.Say(t, err, "Certificate Service", "Responses Issuing CA")
		})
	}
}

func TestAnExpiredSignerOrIssuerIsNamed(t *testing.T) {
	past := pkitest.Dates(pkitest.NotBefore, pkitest.Now.Add(-time.Hour))
	h := newHierarchy(t, past)
	h.mustRefuse(t, soap(h.chainSigned(t, h.signer)), xmlsig.SignerExpired)

	root := pkitest.Root(t, "Responses Root CA")
	issuing := root.Intermediate(t, "Responses Issuing CA", past)
	h = newHierarchy(t)
	h.trust = newTrust(t, root.Certificate, issuing.Certificate)
	h.mustRefuse(t, soap(h.chainSigned(t, h.signer)), xmlsig.SignerExpired)
}

func TestACustomerCannotSignResponsesUnderASharedRoot(t *testing.T) {
	root := pkitest.Root(t, "Shared Root CA")
	responses := root.Intermediate(t, "Shared Responses CA")
	customers := root.Intermediate(t, "Shared Customers CA")
	h := hierarchy{
		root: root, issuing: responses, trust: newTrust(t, root.Certificate, responses.Certificate), now: pkitest.Now,
		signer: responses.Issue(t, pkitest.Key(signerKey), "Certificate Service"),
	}
	h.mustVerify(t, soap(h.chainSigned(t, h.signer)))
	customer := customers.Issue(t, pkitest.Key(signerKey), "0123456-7")
	h.mustRefuse(t, soap(h.chainSigned(t, customer, customers.Certificate, root.Certificate)), xmlsig.UntrustedSigner)
}

func TestACertificateThatDidNotSignGivesNoTrust(t *testing.T) {
	h := newHierarchy(t)
	stranger := pkitest.Root(t, "Stranger CA").Issue(t, pkitest.Key("stranger"), "Stranger")
	signed := soap(xmlsecSign(t, strings.Replace(payloads["plain"], "@SIGNATURE@", form{}.template(), 1), "stranger", nil))
	withBoth := keyInfoElement.ReplaceAllString(signed, fmt.Sprintf(repeatedKeyInfo,
		"<ds:X509Certificate>"+base64.StdEncoding.EncodeToString(h.signer.Raw)+"</ds:X509Certificate>"+
			"<ds:X509Certificate>"+base64.StdEncoding.EncodeToString(stranger.Raw)+"</ds:X509Certificate>"))
	h.mustRefuse(t, withBoth, xmlsig.UntrustedSigner)
	onlyOurs := keyInfoElement.ReplaceAllString(signed, fmt.Sprintf(repeatedKeyInfo,
		"<ds:X509Certificate>"+base64.StdEncoding.EncodeToString(h.signer.Raw)+"</ds:X509Certificate>"))
	h.mustRefuse(t, onlyOurs, xmlsig.SignatureMismatch)
	many := keyInfoElement.ReplaceAllString(signed, fmt.Sprintf(repeatedKeyInfo, strings.Repeat(
		"<ds:X509Certificate>"+base64.StdEncoding.EncodeToString(h.signer.Raw)+"</ds:X509Certificate>", 7)))
	h.mustRefuse(t, many, xmlsig.Shape)
}
