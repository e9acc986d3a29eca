package client_test

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
	"github.com/varmenne/varmenne-issuer/internal/simulator/protocol"
	"github.com/varmenne/varmenne-issuer/internal/simulator/response"
	veroclient "github.com/varmenne/varmenne-issuer/internal/vero/client"
	vero "github.com/varmenne/varmenne-issuer/internal/vero/protocol"
	"github.com/varmenne/varmenne-issuer/internal/vero/xmlsig"
)

// everyOperation calls each operation of a client for a customer.
func everyOperation(t testing.TB, client *veroclient.Client, customer string) map[vero.Operation]error {
	t.Helper()
	party := vero.Party{Environment: vero.Test, CustomerID: customer}
	sign, renewal, fetch := signNew(t, "s3cret"), renew(t), get(answeredID)
	sign.Party, renewal.Party, fetch.Party = party, party, party
	key := pkitest.Key(requestKey)
	_, signed := client.SignNew(t.Context(), sign)
	_, renewed := client.Renew(t.Context(), renewal, key, pkitest.Root(t, "Customers CA").Issue(t, key, customer))
	_, fetched := client.Get(t.Context(), fetch)
	return map[vero.Operation]error{
		vero.SignNewCertificate: signed, vero.RenewCertificate: renewed, vero.GetCertificate: fetched,
	}
}

// respondTo is a good response to whatever operation a request is for.
func respondTo(request *http.Request, signer *response.Signer) []byte {
	content := response.Content{RetrievalID: answeredID, Operation: protocol.SignNewCertificate}
	switch strings.Trim(request.Header.Get("SOAPAction"), `"`) {
	case "renewCertificate":
		content.Operation = protocol.RenewCertificate
	case "getCertificate":
		content.Operation, content.RetrievalID, content.Certificate = protocol.GetCertificate, "", signer.Certificate
	}
	return render(content, signer)
}

// One bundle for both is a mistake that is easily made: the authority of customers' certificates stands beside that of
// the signers.
func TestACustomerCannotSignResponsesWhateverTheTrustLeadsTo(t *testing.T) {
	root := pkitest.Root(t, "Shared Root CA")
	responses, customers := root.Intermediate(t, "Shared Responses CA"), root.Intermediate(t, "Shared Customers CA")
	key := pkitest.Key("responses")
	const customer = "an-organization"
	for claim, test := range map[string]struct {
		signer *x509.Certificate
		want   xmlsig.Reason
	}{
		"a genuine signer":                      {responses.Issue(t, key, "Service"), ""},
		"a genuine signer of the customers' CA": {customers.Issue(t, key, "Service"), ""},
		"the customer":                          {customers.Issue(t, key, customer), xmlsig.SignerIsCustomer},
		"another customer":                      {customers.Issue(t, key, "7654321-0"), xmlsig.SignerIsCustomer},
		"the issuing CA":                        {customers.Certificate, xmlsig.SignerIsAuthority},
	} {
		t.Run(claim, func(t *testing.T) {
			f := serve(t, func(_ *fixture, writer http.ResponseWriter, request *http.Request) {
				signer := &response.Signer{Key: key, Certificate: test.signer, Issuer: root.Certificate}
				if test.want == xmlsig.SignerIsAuthority {
					signer.Key = customers.Key
				}
				reply(writer, xmlType, respondTo(request, signer))
			})
			f.trust = trusting(t, root.Certificate, responses.Certificate, customers.Certificate)
			for operation, err := range everyOperation(t, f.client(t, 0), customer) {
				if test.want == "" {
					if err != nil {
						t.Errorf("%s: %v", operation, err)
					}
					continue
				}
				unverified := find[*vero.UnverifiedError](t, err, true)
				refusal, isRefusal := errors.AsType[*xmlsig.VerifyError](unverified.Err)
				if !isRefusal || refusal.Reason != test.want || !test.signer.Equal(refusal.Signer) {
					t.Errorf("%s: %v", operation, err)
				}
			}
		})
	}
}

// An old root that Go does not read, because its serial number is negative, stands beside the signer.
func TestAnUnreadableCertificateBesideTheSignerDoesNotSpoilAResponse(t *testing.T) {
	extra := "<ds:X509Certificate>" + base64.StdEncoding.EncodeToString(pkitest.Unreadable(t)) + "</ds:X509Certificate>"
	for _, place := range []string{"<ds:X509Data>%s", "%s</ds:X509Data>"} {
		f := serve(t, func(f *fixture, writer http.ResponseWriter, _ *http.Request) {
			tag := strings.Replace(place, "%s", "", 1)
			reply(writer, xmlType, bytes.Replace(f.good(), []byte(tag), fmt.Appendf(nil, place, extra), 1))
		})
		if id, err := f.client(t, 0).SignNew(t.Context(), signNew(t, "s3cret")); id != answeredID || err != nil {
			t.Errorf("%s: %q, error %v", place, id, err)
		}
	}
}

// longestError is how many bytes the text of the longest error of a call may have.
const longestError = 2048

// Whatever comes back, what is told of it has a bound: it goes into events and conditions.
func TestNoResponseMakesALongError(t *testing.T) {
	long := strings.Repeat("\U000E0001", 50_000)
	replaced := func(old, replacement string) func(f *fixture) []byte {
		return func(f *fixture) []byte {
			text := string(f.good())
			if !strings.Contains(text, old) {
				t.Errorf("%s is not in %s", old, text)
			}
			return []byte(strings.Replace(text, old, replacement, 1))
		}
	}
	stranger := func(names func(*x509.Certificate)) func(f *fixture) []byte {
		return func(f *fixture) []byte {
			key := pkitest.Key("stranger")
			root := pkitest.Root(t, strings.Repeat("\U000E0001", 100))
			return render(response.Content{Operation: protocol.SignNewCertificate, RetrievalID: answeredID},
				&response.Signer{Key: key, Certificate: root.Issue(t, key, "Stranger", names), Issuer: root.Certificate})
		}
	}
	for claim, body := range map[string]func(f *fixture) []byte{
		"algorithm":        replaced(`xmldsig-more#rsa-sha256`, long[:12_000]),
		"canonical form":   replaced(`http://www.w3.org/2001/10/xml-exc-c14n#`, long[:12_000]),
		"retrieval id":     replaced(answeredID, long),
		"element":          replaced(`<ds:KeyInfo>`, `<ds:`+long[:4]+strings.Repeat("x", 900)+`/><ds:KeyInfo>`),
		"signer's subject": stranger(func(template *x509.Certificate) { template.Subject.CommonName = long[:3000] }),
		"signer's names": stranger(func(template *x509.Certificate) {
			template.Subject.OrganizationalUnit = strings.Split(strings.Repeat("x ", 400), " ")
		}),
	} {
		t.Run(claim, func(t *testing.T) {
			f := serve(t, func(f *fixture, writer http.ResponseWriter, _ *http.Request) { reply(writer, xmlType, body(f)) })
			_, err := f.client(t, 0).SignNew(t.Context(), signNew(t, "s3cret"))
			if err == nil || len(err.Error()) > longestError {
				t.Errorf("%.300v", err)
			}
		})
	}
}

// The names of a server and of its certificate are in the hands of whoever creates an issuer.
func TestNoServerMakesALongError(t *testing.T) {
	made := newFixture(t)
	server := listen(t, http.NotFoundHandler(), serverConfig(t, func(template *x509.Certificate) {
		for index := range 90 {
			template.DNSNames = append(template.DNSNames, fmt.Sprintf("%d.%s.fi", index, strings.Repeat("x", 60)))
		}
	}))
	byName := strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
	for _, url := range []string{byName, "https://" + strings.Repeat("x.", 5000) + "invalid"} {
		made.url = url
		_, err := made.client(t, 0).Get(t.Context(), get("unknown"))
		if err == nil || len(err.Error()) > longestError {
			t.Errorf("%.300v", err)
		}
	}
}
