package testkit_test

import (
	"testing"
	"time"

	"github.com/varmenne/varmenne-issuer/e2e/testkit"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
)

func TestAChainIsTheCustomersLeafFirstAndEndsBelowTheServicesRoot(t *testing.T) {
	t.Parallel()
	const customer = "0123456-7"
	root := pkitest.Root(t, "Root")
	issuing := root.Intermediate(t, "Issuing")
	leaf := issuing.Issue(t, pkitest.Key("tls.key"), customer)
	expired := issuing.Issue(t, pkitest.Key("tls.key"), customer,
		pkitest.Dates(time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour)))
	bundle, otherRoot := pkitest.PEM(issuing.Certificate, root.Certificate), pkitest.Root(t, "Another Root").Certificate
	good := pkitest.PEM(leaf, issuing.Certificate)
	for claim, c := range map[string]struct {
		chain, bundle []byte
		customer      string
		verifies      bool
	}{
		"leaf and intermediate":          {good, bundle, customer, true},
		"nothing":                        {nil, bundle, customer, false},
		"no root in the bundle":          {good, pkitest.PEM(issuing.Certificate), customer, false},
		"another root":                   {good, pkitest.PEM(otherRoot), customer, false},
		"another customer":               {good, bundle, "7654321-4", false},
		"the intermediate is missing":    {pkitest.PEM(leaf), bundle, customer, false},
		"the intermediate comes first":   {pkitest.PEM(issuing.Certificate, leaf), bundle, customer, false},
		"the root is in it":              {append(good, pkitest.PEM(root.Certificate)...), bundle, customer, false},
		"the certificate is out of date": {pkitest.PEM(expired, issuing.Certificate), bundle, customer, false},
	} {
		found, err := testkit.VerifyChain(c.chain, c.bundle, c.customer)
		if (err == nil) != c.verifies || c.verifies && (len(found) != 2 || !found[0].Equal(leaf)) {
			t.Errorf("%s: %d certificates, error %v", claim, len(found), err)
		}
	}
}
