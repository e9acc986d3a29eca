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
	signers, customers := root.Intermediate(t, "Signers"), root.Intermediate(t, "Customers")
	lowSigners, lowCustomers := policy.Intermediate(t, "Low signers"), policy.Intermediate(t, "Low customers")
	crossed := otherRoot.Intermediate(t, "Customers")
	rolledOver := pkitest.Root(t, "rolled over", func(c *x509.Certificate) { c.Subject = root.Certificate.Subject })
	below := func(authority *pkitest.Authority) *pkitest.Authority { return authority.Intermediate(t, "Below") }
	signer := signers.Issue(t, pkitest.Key("signer"), "signer")
	type bundle []*x509.Certificate
	of := func(authorities ...*pkitest.Authority) (certificates bundle) {
		for _, authority := range authorities {
			certificates = append(certificates, authority.Certificate)
		}
		return certificates
	}
	for claim, c := range map[string]struct{ responses, issuance, want bundle }{
		"nothing where nothing is shared":      {of(root, signers), of(otherRoot, crossed), nil},
		"no root below which each has its own": {of(root, signers), of(root, customers), nil},
		"no policy authority below which each has its own": {
			of(root, policy, lowSigners), of(lowCustomers, policy, root), nil},
		"an intermediate":                {of(root, signers, customers), of(root, customers), of(customers)},
		"an intermediate without a root": {of(customers), of(customers, signers), of(customers)},
		"an intermediate that another root has certified, too": {
			of(otherRoot, crossed, root, signers), of(root, customers), of(crossed)},
		"both of one bundle for both": {
			of(root, signers, customers), of(root, signers, customers), of(signers, customers)},
		"a root that is alone in both":          {of(root), of(root), of(root)},
		"a root that is alone in the responses": {of(root), of(root, customers), of(root)},
		"a root that is alone in the issuance":  {of(root, signers), of(root), of(root)},
		"a root that may have nothing below it": {
			of(short, below(short)), of(short, short.Intermediate(t, "Other")), of(short)},
		"a root beside an intermediate of another key of its name": {
			of(root, below(rolledOver)), of(root, customers), of(root)},
		"no certificate that issues none":     {append(of(root, signers), signer), append(of(root, customers), signer), nil},
		"no authority that may not sign them": {of(noCertificates, root, signers), of(noCertificates), nil},
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
