package pki_test

import (
	"crypto/x509"
	"slices"
	"testing"

	"github.com/varmenne/varmenne-issuer/internal/pki"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
)

func TestAuthoritiesThatIssueInBothBundlesAreFound(t *testing.T) {
	root, otherRoot := pkitest.Root(t, "Root"), pkitest.Root(t, "Other root")
	short := pkitest.Root(t, "Short root", func(c *x509.Certificate) { c.MaxPathLenZero = true })
	noCertificates := pkitest.Root(t, "CRL root", func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageCRLSign })
	policy := root.Intermediate(t, "Policy")
	answers, customers := root.Intermediate(t, "Answers"), root.Intermediate(t, "Customers")
	lowAnswers, lowCustomers := policy.Intermediate(t, "Low answers"), policy.Intermediate(t, "Low customers")
	crossed := otherRoot.Intermediate(t, "Customers")
	rolledOver := pkitest.Root(t, "rolled over", func(c *x509.Certificate) { c.Subject = root.Certificate.Subject })
	below := func(authority *pkitest.Authority) *pkitest.Authority { return authority.Intermediate(t, "Below") }
	signer := answers.Issue(t, pkitest.Key("signer"), "signer")
	type bundle []*x509.Certificate
	of := func(authorities ...*pkitest.Authority) (certificates bundle) {
		for _, authority := range authorities {
			certificates = append(certificates, authority.Certificate)
		}
		return certificates
	}
	for claim, c := range map[string]struct{ responses, issuance, want bundle }{
		"nothing where nothing is shared": {of(root, answers), of(otherRoot, crossed), nil},
		"no root below which each has its own": {
			of(root, answers), of(root, customers), nil},
		"no policy authority below which each has its own": {
			of(root, policy, lowAnswers), of(lowCustomers, policy, root), nil},
		"an intermediate": {of(root, answers, customers), of(root, customers), of(customers)},
		"an intermediate without a root": {
			of(customers), of(customers, answers), of(customers)},
		"an intermediate that another root has certified, too": {
			of(otherRoot, crossed, root, answers), of(root, customers), of(crossed)},
		"both of one bundle for both": {
			of(root, answers, customers), of(root, answers, customers), of(answers, customers)},
		"a root that is alone in both":          {of(root), of(root), of(root)},
		"a root that is alone in the responses": {of(root), of(root, customers), of(root)},
		"a root that is alone in the issuance":  {of(root, answers), of(root), of(root)},
		"a root that may have nothing below it": {
			of(short, below(short)), of(short, short.Intermediate(t, "Other")), of(short)},
		"a root beside an intermediate of another key of its name": {
			of(root, below(rolledOver)), of(root, customers), of(root)},
		"no certificate that issues none":     {append(of(root, answers), signer), append(of(root, customers), signer), nil},
		"no authority that may not sign them": {of(noCertificates, root, answers), of(noCertificates), nil},
	} {
		t.Run(claim, func(t *testing.T) {
			got := newTrust(t, c.responses...).IssuingInBoth(newTrust(t, c.issuance...))
			if !slices.EqualFunc(got, c.want, (*x509.Certificate).Equal) {
				t.Errorf("found %s, want %s", subjects(got), subjects(c.want))
			}
		})
	}
	if got := (pki.Trust{}).IssuingInBoth(newTrust(t, root.Certificate)); got != nil {
		t.Errorf("found %s in nothing", subjects(got))
	}
}

func subjects(certificates []*x509.Certificate) (names []string) {
	for _, certificate := range certificates {
		names = append(names, certificate.Subject.CommonName)
	}
	return names
}
