package pki_test

import (
	"bytes"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/pki"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
)

func newTrust(t testing.TB, certificates ...*x509.Certificate) pki.Trust {
	t.Helper()
	return must.Get(pki.NewTrust(certificates))(t)
}

func TestAChainGoesFromTheLeafToTheRoot(t *testing.T) {
	root := pkitest.Root(t, "Root")
	upper := root.Intermediate(t, "Upper")
	lower := upper.Intermediate(t, "Lower")
	leaf := lower.Issue(t, pkitest.Key("customer"), customerID)
	for claim, trust := range map[string]pki.Trust{
		"in order":     newTrust(t, root.Certificate, upper.Certificate, lower.Certificate),
		"out of order": newTrust(t, lower.Certificate, root.Certificate, upper.Certificate),
	} {
		chain, err := trust.Chain(leaf, pkitest.Now)
		if err != nil {
			t.Fatalf("%s: %v", claim, err)
		}
		mustBeChain(t, chain, leaf, lower.Certificate, upper.Certificate, root.Certificate)
	}
	// Without a self-signed certificate, everything is an anchor.
	chain := must.Get(newTrust(t, upper.Certificate, lower.Certificate).Chain(leaf, pkitest.Now))(t)
	mustBeChain(t, chain, leaf, lower.Certificate)
	chain = must.Get(newTrust(t, leaf).Chain(leaf, pkitest.Now))(t)
	mustBeChain(t, chain, leaf)
}

func mustBeChain(t *testing.T, chain []*x509.Certificate, want ...*x509.Certificate) {
	t.Helper()
	if !slices.EqualFunc(chain, want, (*x509.Certificate).Equal) {
		names := make([]string, 0, len(chain))
		for _, certificate := range chain {
			names = append(names, certificate.Subject.CommonName)
		}
		t.Errorf("got %s", strings.Join(names, " → "))
	}
}

func TestTheChoiceBetweenChainsIsDeterministic(t *testing.T) {
	first, second := pkitest.Root(t, "First"), pkitest.Root(t, "Second")
	byFirst, bySecond := first.Intermediate(t, "Issuing"), second.Intermediate(t, "Issuing") // one key
	leaf := byFirst.Issue(t, pkitest.Key("customer"), customerID)
	roots := []*x509.Certificate{first.Certificate, second.Certificate}
	for range 20 {
		trust := newTrust(t, append(slices.Clone(roots), byFirst.Certificate, bySecond.Certificate)...)
		mustBeChain(t, must.Get(trust.Chain(leaf, pkitest.Now))(t), leaf, byFirst.Certificate, first.Certificate)
		trust = newTrust(t, append(slices.Clone(roots), bySecond.Certificate, byFirst.Certificate)...)
		mustBeChain(t, must.Get(trust.Chain(leaf, pkitest.Now))(t), leaf, bySecond.Certificate, second.Certificate)
	}
}

func TestTheShortestChainWins(t *testing.T) {
	old, young := pkitest.Root(t, "Old"), pkitest.Root(t, "Young")
	rollover := old.Intermediate(t, "Young") // the new root's key, certified by the old root
	issuing := young.Intermediate(t, "Issuing")
	leaf := issuing.Issue(t, pkitest.Key("customer"), customerID)
	trust := newTrust(t, old.Certificate, rollover.Certificate, issuing.Certificate, young.Certificate)
	mustBeChain(t, must.Get(trust.Chain(leaf, pkitest.Now))(t), leaf, issuing.Certificate, young.Certificate)
}

func TestCertificatesThatSomebodySentAreLinksAndNeverAnchors(t *testing.T) {
	root, stranger := pkitest.Root(t, "Root"), pkitest.Root(t, "Stranger")
	issuing := root.Intermediate(t, "Issuing")
	leaf, foreign := issuing.Issue(t, pkitest.Key("customer"), "a"), stranger.Issue(t, pkitest.Key("customer"), "a")
	configured := newTrust(t, root.Certificate)
	extended := configured.WithIntermediates([]*x509.Certificate{stranger.Certificate, issuing.Certificate})
	mustBeChain(t, must.Get(extended.Chain(leaf, pkitest.Now))(t), leaf, issuing.Certificate, root.Certificate)
	if _, err := extended.Chain(foreign, pkitest.Now); err == nil {
		t.Error("a root that was sent is trusted")
	}
	if _, err := configured.Chain(leaf, pkitest.Now); err == nil {
		t.Error("the trust itself has changed")
	}
	none := pki.Trust{}.WithIntermediates([]*x509.Certificate{root.Certificate})
	if _, err := none.Chain(leaf, pkitest.Now); err == nil {
		t.Error("no trust has become some")
	}
}

func TestWhyThereIsNoChainIsTold(t *testing.T) {
	hour := time.Hour
	past := pkitest.Dates(pkitest.NotBefore, pkitest.Now.Add(-hour))
	future := pkitest.Dates(pkitest.Now.Add(hour), pkitest.NotAfter)
	root, stranger := pkitest.Root(t, "Root"), pkitest.Root(t, "Stranger")
	issuing := root.Intermediate(t, "Issuing")
	key := pkitest.Key("customer")
	leaf := issuing.Issue(t, key, customerID)
	notCA := func(template *x509.Certificate) { template.IsCA = false }
	type bundle = []*x509.Certificate
	both := bundle{root.Certificate, issuing.Certificate}
	cases := map[string]struct {
		leaf   *x509.Certificate
		trust  bundle
		reason pki.ChainReason
		tells  string
	}{
		"no trust":             {leaf, nil, pki.ChainUnknownAuthority, "no certificate is configured"},
		"another root":         {leaf, bundle{stranger.Certificate}, pki.ChainUnknownAuthority, "Issuing"},
		"intermediate missing": {leaf, bundle{root.Certificate}, pki.ChainUnknownAuthority, "Issuing"},
		"expired":              {issuing.Issue(t, key, customerID, past), both, pki.ChainExpired, "2026-06-01T11:00:00Z"},
		"not yet valid": {
			issuing.Issue(t, key, customerID, future), both,
			pki.ChainNotYetValid, "2026-06-01T13:00:00Z",
		},
		"expired intermediate": {
			leaf, bundle{root.Certificate, root.Intermediate(t, "Issuing", past).Certificate},
			pki.ChainExpired, "Issuing",
		},
		"intermediate not yet valid": {
			leaf, bundle{root.Certificate, root.Intermediate(t, "Issuing", future).Certificate},
			pki.ChainNotYetValid, "Issuing",
		},
		"expired root": {
			leaf, bundle{pkitest.Root(t, "Root", past).Certificate, issuing.Certificate},
			pki.ChainExpired, "Root",
		},
		"issuer that is no CA": {
			leaf, bundle{root.Certificate, root.Intermediate(t, "Issuing", notCA).Certificate},
			pki.ChainUnknownAuthority, "cannot sign this kind of certificate",
		},
		"critical extension that nobody understands": {
			issuing.Issue(t, key, customerID, critical), both,
			pki.ChainInvalid, "critical",
		},
		"issuer with the right name and another key": {
			leaf, bundle{root.Certificate, sameName(t, root, "Issuing")}, pki.ChainUnknownAuthority, "Issuing",
		},
	}
	for claim, test := range cases {
		t.Run(claim, func(t *testing.T) {
			var trust pki.Trust
			if test.trust != nil {
				trust = newTrust(t, test.trust...)
			}
			_, err := trust.Chain(test.leaf, pkitest.Now)
			if chainError, is := errors.AsType[*pki.ChainError](err); !is || chainError.Reason != test.reason {
				t.Fatalf("got %v, want reason %s", err, test.reason)
			}
			if !strings.Contains(err.Error(), test.tells) {
				t.Errorf("%q does not tell %q", err, test.tells)
			}
		})
	}
}

// critical adds a critical extension that crypto/x509 does not know.
func critical(template *x509.Certificate) {
	template.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 2, 3}, Critical: true, Value: []byte{5, 0}}}
}

// sameName makes a CA with the name of another one.
func sameName(t *testing.T, parent *pkitest.Authority, name string) *x509.Certificate {
	t.Helper()
	return parent.Intermediate(t, name+" with another key", func(template *x509.Certificate) {
		template.Subject.CommonName = name
	}).Certificate
}

func TestAnEmptyBundleIsNoTrust(t *testing.T) {
	if _, err := pki.NewTrust(nil); err == nil {
		t.Error("accepted")
	}
}

func TestAnOldRootWithAWeakSignatureIsAnAnchor(t *testing.T) {
	root := pkitest.Root(t, "Root")
	issuing := root.Intermediate(t, "Issuing")
	weak := *root.Certificate
	weak.SignatureAlgorithm = x509.MD5WithRSA // crypto/x509 parses it, and refuses to check it
	leaf := issuing.Issue(t, pkitest.Key("customer"), customerID)
	chain, err := newTrust(t, issuing.Certificate, &weak).Chain(leaf, pkitest.Now)
	if err != nil || len(chain) != 3 || chain[2].Subject.CommonName != "Root" {
		t.Errorf("the chain has %d certificates, error %v", len(chain), err)
	}
}

func TestTheDigestOfATrustChangesWithTheSetOnly(t *testing.T) {
	one, other := pkitest.Root(t, "One").Certificate, pkitest.Root(t, "Other").Certificate
	digest := newTrust(t, one, other).Digest()
	if digest != newTrust(t, other, one).Digest() {
		t.Error("the order changes the digest")
	}
	if digest == newTrust(t, one).Digest() || digest == (pki.Trust{}).Digest() || len(digest) != 64 {
		t.Error("another set has the same digest")
	}
}

func TestAChainIsEncodedTheWayCertManagerKeepsIt(t *testing.T) {
	root := pkitest.Root(t, "Root")
	issuing := root.Intermediate(t, "Issuing")
	leaf := issuing.Issue(t, pkitest.Key("customer"), customerID)
	tlsCrt, ca := pki.EncodeChain([]*x509.Certificate{leaf, issuing.Certificate, root.Certificate})
	if !bytes.Equal(tlsCrt, pkitest.PEM(leaf, issuing.Certificate)) || !bytes.Equal(ca, pkitest.PEM(root.Certificate)) {
		t.Errorf("got\n%s\n%s", tlsCrt, ca)
	}
	tlsCrt, ca = pki.EncodeChain([]*x509.Certificate{leaf})
	if !bytes.Equal(tlsCrt, pkitest.PEM(leaf)) || !bytes.Equal(ca, pkitest.PEM(leaf)) {
		t.Errorf("got\n%s\n%s", tlsCrt, ca)
	}
	if tlsCrt, ca = pki.EncodeChain(nil); tlsCrt != nil || ca != nil {
		t.Error("something for nothing")
	}
}

func TestAnIssuedCertificateMustBeTheOneThatWasAskedFor(t *testing.T) {
	root, stranger := pkitest.Root(t, "Root"), pkitest.Root(t, "Stranger")
	issuing := root.Intermediate(t, "Issuing")
	key, now := pkitest.Key("customer"), pkitest.Now
	trust := newTrust(t, root.Certificate, issuing.Certificate)
	starting := func(start time.Time) *x509.Certificate {
		return issuing.Issue(t, key, customerID, pkitest.Dates(start, pkitest.NotAfter))
	}
	cases := map[string]struct {
		leaf   *x509.Certificate
		trust  pki.Trust
		reason pki.IssuedReason // "" when it is the one
	}{
		"the one":                {issuing.Issue(t, key, customerID), trust, ""},
		"starts in five minutes": {starting(now.Add(pki.NotBeforeTolerance)), trust, ""},
		"starts in more than five minutes": {
			starting(now.Add(pki.NotBeforeTolerance + time.Second)),
			trust,
			pki.IssuedNotYetValid,
		},
		"another key": {
			issuing.Issue(t, pkitest.Key("stranger"), customerID),
			trust,
			pki.IssuedOtherPublicKey,
		},
		"another common name":              {issuing.Issue(t, key, "7654321-0"), trust, pki.IssuedOtherCommonName},
		"an authority that is not trusted": {stranger.Issue(t, key, customerID), trust, pki.IssuedUnknownAuthority},
		"no trust":                         {issuing.Issue(t, key, customerID), pki.Trust{}, pki.IssuedUnknownAuthority},
		"a critical extension that nobody understands": {
			issuing.Issue(t, key, customerID, critical), trust, pki.IssuedInvalidChain,
		},
		"expired": {
			issuing.Issue(t, key, customerID, pkitest.Dates(pkitest.NotBefore, now.Add(-time.Second))), trust,
			pki.IssuedExpired,
		},
	}
	digest := must.Get(pki.PublicKeyDigest(key.Public()))(t)
	for claim, test := range cases {
		t.Run(claim, func(t *testing.T) {
			chain, err := pki.CheckIssued(test.leaf, pki.Issued{
				PublicKeyDigest: digest, CustomerID: customerID, Now: now, Trust: test.trust,
			})
			var issuedError *pki.IssuedError
			switch {
			case test.reason == "" && err == nil:
				mustBeChain(t, chain, test.leaf, issuing.Certificate, root.Certificate)
			case test.reason == "" || !errors.As(err, &issuedError) || issuedError.Reason != test.reason:
				t.Errorf("got %v, want reason %q", err, test.reason)
			}
		})
	}
}

func TestTheDigestOfAKeyIsTheSameWhereverItComesFrom(t *testing.T) {
	key := pkitest.Key("customer")
	request := parseRequest(t, newRequest(t, key, nil))
	leaf := pkitest.Root(t, "Root").Issue(t, key, customerID)
	fromKey := must.Get(pki.PublicKeyDigest(key.Public()))(t)
	fromRequest := must.Get(pki.PublicKeyDigest(request.PublicKey))(t)
	fromCertificate := must.Get(pki.PublicKeyDigest(leaf.PublicKey))(t)
	if fromKey != fromRequest || fromKey != fromCertificate || len(fromKey) != 64 || strings.ToLower(fromKey) != fromKey {
		t.Errorf("got %s, %s, %s", fromKey, fromRequest, fromCertificate)
	}
	if _, err := pki.PublicKeyDigest(rand.Reader); err == nil {
		t.Error("a reader has a digest")
	}
}

func TestTheWindowOpensBeforeTheEnd(t *testing.T) {
	end := time.Date(2028, time.March, 1, 0, 0, 0, 0, time.UTC)
	want := time.Date(2028, time.January, 1, 0, 0, 0, 0, time.UTC)
	if opens := pki.WindowOpens(end, 1440*time.Hour); !opens.Equal(want) {
		t.Errorf("opens at %s", opens)
	}
}
