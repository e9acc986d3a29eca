package simulator_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/simulator"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
	"github.com/varmenne/varmenne-issuer/internal/simulator/protocol"
	"github.com/varmenne/varmenne-issuer/internal/simulator/response"
)

// responses goes through every response that the service gives: OK and FAIL, of each operation.
func (s *service) responses(t *testing.T) map[string]reply {
	t.Helper()
	key, next := keys(t)
	got := map[string]reply{}
	accepted := s.signNew(s.mint(admin.MintRequest{}), requestFor(t, key)).want(t, "OK")
	got["SignNew OK"] = accepted
	got["SignNew FAIL"] = s.signNew(admin.Credential{CustomerID: customerID}, requestFor(t, key)).want(t, "PKI020")
	got["Get FAIL"] = s.get(accepted.retrievalID).want(t, "PKI099")
	s.clock.Step(10 * time.Second)
	fetched := s.get(accepted.retrievalID).want(t, "OK")
	got["Get OK"] = fetched
	m := message{request: requestFor(t, next)}
	got["Renew FAIL"] = s.renew(m, key, fetched.certificate).want(t, "PKI080")
	s.clock.SetTime(fetched.certificate.NotAfter.Add(-time.Hour))
	got["Renew OK"] = s.renew(m, key, fetched.certificate).want(t, "OK")
	return got
}

func TestEveryVariantLooksAsItsNameSaysVerifiesAndFitsTheSchema(t *testing.T) {
	for _, variant := range response.Variants() {
		t.Run(variant.Name, func(t *testing.T) {
			t.Parallel()
			s := start(t, func(o *simulator.Options) { o.SignatureVariant = variant.Name })
			responses := s.responses(t)
			if len(marks[variant.Name]) == 0 {
				t.Error("the variant has no marks")
			}
			must.Contain(t, string(responses["Get OK"].body), marks[variant.Name]...)
			for name, got := range responses {
				if err := s.verify(t, got.body); err != nil {
					t.Errorf("%s: %v\n%s", name, err, got.body)
				}
				if err := validate(t, payloadOf(t, got.body)); err != nil {
					t.Errorf("%s: %v\n%s", name, err, got.body)
				}
				if got.contentType != protocol.ContentType {
					t.Errorf("%s: Content-Type %s", name, got.contentType)
				}
			}
		})
	}
}

// marks are what has to be seen in a GetCertificate response of a variant.
var marks = map[string][]string{
	"exclusive":                     {`<ds:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>`},
	"inclusive":                     {`<ds:CanonicalizationMethod Algorithm="http://www.w3.org/TR/2001/REC`},
	"inclusive-11":                  {`Algorithm="http://www.w3.org/2006/12/xml-c14n11"`},
	"enveloped-only":                {`#enveloped-signature"/></ds:Transforms>`},
	"enveloped-only-inclusive":      {`#enveloped-signature"/></ds:Transforms>`, "REC-xml-c14n-20010315"},
	"default-signature-namespace":   {`<Signature xmlns="http://www.w3.org/2000/09/xmldsig#">`},
	"payload-prefix":                {"<ns2:GetCertificateResponse xmlns:ns2="},
	"default-namespace":             {`<GetCertificateResponse xmlns="`, `<Certificate xmlns="">`, `<Result xmlns="">`},
	"default-namespace-inclusive":   {`<Result xmlns="">`, "REC-xml-c14n-20010315"},
	"hoisted-prefix":                {"<ser:GetCertificateResponse>", `/envelope/" xmlns:ser="`},
	"unused-declarations":           {"xmlns:xsi="},
	"comments":                      {"<!-- Result -->"},
	"comments-enveloped-only":       {"<!-- Result -->"},
	"indented":                      {"\n  <Result>", "\n  <ds:SignedInfo>"},
	"key-name":                      {"<ds:KeyInfo><ds:KeyName>"},
	"certificate-chain":             {"</ds:X509Certificate><ds:X509Certificate>"},
	"rsa-sha384":                    {"xmldsig-more#rsa-sha384", "xmldsig-more#sha384"},
	"rsa-sha512":                    {"xmldsig-more#rsa-sha512", "xmlenc#sha512"},
	"wrapped-base64":                {"\n"},
	"crlf-base64":                   {"&#13;\n"},
	"pem-certificate":               {"<Certificate>LS0tLS1CRUdJTi"},
	"soap-header":                   {`<?xml version="1.0" encoding="UTF-8"?>`, "<SOAP-ENV:Header/><SOAP-ENV:Body>"},
	"seen-in-the-wild":              {"<SOAP-ENV:Header/>", "&#13;\n", `#enveloped-signature"/></Transforms>`},
	"unused-declarations-inclusive": {"xmlns:xsi=", "REC-xml-c14n-20010315"},
}

func TestTheRefereeNoticesAChangedResponse(t *testing.T) {
	s := start(t, nil)
	got := s.accepted(t)
	changed := bytes.Replace(got.body, []byte("<Status>OK</Status>"), []byte("<Status>ok</Status>"), 1)
	if s.verify(t, changed) == nil || validate(t, payloadOf(t, changed)) == nil {
		t.Fatal("xmlsec1 or xmllint accepts a changed response")
	}
}

func TestRandomVariantsRepeatWithTheirSeed(t *testing.T) {
	sequence := func(seed uint64) []string {
		s := start(t, func(o *simulator.Options) { o.SignatureVariant, o.Seed = simulator.RandomVariant, seed })
		for range 30 {
			s.get("NOTHING").want(t, "PKI099")
		}
		requests := must.Get(s.admin.Requests(t.Context(), "", ""))(t)
		names := make([]string, 0, len(requests))
		for _, request := range requests {
			names = append(names, request.Variant)
		}
		return names
	}
	first, second, other := sequence(1), sequence(1), sequence(2)
	if strings.Join(first, " ") != strings.Join(second, " ") {
		t.Errorf("one seed gave\n%v\n%v", first, second)
	}
	if strings.Join(first, " ") == strings.Join(other, " ") {
		t.Errorf("two seeds gave %v", first)
	}
}
