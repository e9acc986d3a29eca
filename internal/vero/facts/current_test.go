package facts_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"strings"
	"testing"
	"time"

	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/pki"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
	"github.com/varmenne/varmenne-issuer/internal/vero/facts"
)

const customer = "0123456-7"

var now = pkitest.Now

func TestExamine(t *testing.T) {
	root, stranger := pkitest.Root(t, "issuing CA"), pkitest.Root(t, "another CA")
	trust := must.Get(pki.NewTrust([]*x509.Certificate{root.Certificate}))(t)
	key := pkitest.Key("ours")
	otherKind := must.Get(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))(t)
	valid := root.Issue(t, key, customer)
	dated := func(from, until time.Time) *x509.Certificate {
		return root.Issue(t, key, customer, pkitest.Dates(from, until))
	}
	for claim, c := range map[string]struct {
		leaf    *x509.Certificate
		trust   pki.Trust
		problem string
	}{
		"a valid certificate is usable":         {valid, trust, ""},
		"at its last moment it is usable":       {dated(now.AddDate(-2, 0, 0), now), trust, ""},
		"an expired one is not":                 {dated(now.AddDate(-2, 0, 0), now.Add(-time.Second)), trust, "expired at"},
		"one for another customer is not":       {root.Issue(t, key, "7654321-0"), trust, `is for "7654321-0", not for`},
		"one with a key of another kind is not": {root.Issue(t, otherKind, customer), trust, "has a ECDSA key"},
		"one by another authority is not":       {stranger.Issue(t, key, customer), trust, "cannot be renewed"},
		"without bundles none is":               {valid, pki.Trust{}, "cannot be renewed"},
		"one by a clock that is fast is":        {dated(now.Add(pki.NotBeforeTolerance), now.AddDate(2, 0, 0)), trust, ""},
		"one that is valid from tomorrow isn't": {
			dated(now.AddDate(0, 0, 1), now.AddDate(2, 0, 0)), trust, "valid only from",
		},
	} {
		t.Run(claim, func(t *testing.T) {
			got := facts.Examine("tls", c.leaf, "", customer, c.trust, now)
			if got.SerialNumber != facts.SerialNumber(c.leaf) || !got.NotAfter.Equal(c.leaf.NotAfter) {
				t.Errorf("it is taken for %s until %s", got.SerialNumber, got.NotAfter)
			}
			if got.Usable() != (c.problem == "") || !strings.Contains(got.Problem, c.problem) {
				t.Errorf("the problem is %q, want %q", got.Problem, c.problem)
			}
		})
	}
	if got := facts.Examine("tls", nil, "Secret tls does not exist", customer, trust, now); got.Usable() ||
		got.Problem != "Secret tls does not exist" || got.SecretName != "tls" {
		t.Errorf("without a certificate: %+v", got)
	}
}
