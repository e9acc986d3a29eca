package issuance_test

import (
	"crypto/x509"
	"strings"
	"testing"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/issuance"
	"github.com/varmenne/varmenne-issuer/internal/pki"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
	"github.com/varmenne/varmenne-issuer/internal/vero/facts"
)

func TestNeedsAuthorization(t *testing.T) {
	leaf := leafUntil(t, "ours", now.AddDate(2, 0, 0))
	for claim, c := range map[string]struct {
		snapshot issuance.Snapshot
		want     bool
	}{
		"a request without an order":                    {requested(), true},
		"a pending order":                               {requested(with(signNew())), true},
		"not while an order is in flight":               {requested(with(signNew(sent(now, nil)))), false},
		"nor while one is in doubt":                     {requested(with(signNew(sent(now, errNoAnswer)))), false},
		"not when its certificate is there":             {requested(with(signNew(bore(leaf)))), false},
		"where a certificate of another request may be": {requested(with(signNew(forAnotherRequest, bore(leaf)))), true},
		"also while an order is in flight": {
			requested(with(signNew(forAnotherRequest, bore(leaf)), signNew(sent(now, nil)))), true},
	} {
		t.Run(claim, func(t *testing.T) {
			if got := c.snapshot.NeedsAuthorization(); got != c.want {
				t.Errorf("NeedsAuthorization is %t, want %t", got, c.want)
			}
		})
	}
}

func TestATemporaryCertificateOfCertManagerIsNone(t *testing.T) {
	local := pkitest.Root(t, "cert-manager.local")
	trust, err := pki.NewTrust([]*x509.Certificate{pkitest.Root(t, "issuing CA").Certificate})
	if err != nil {
		t.Fatal(err)
	}
	temporary := facts.Examine("tls", local.Issue(t, pkitest.Key("ours"), customer), "", customer, trust, now)
	action := issuance.Decide(requested(func(s *issuance.Snapshot) { s.Current = temporary }))
	waitFor(v1alpha1.ReasonWaitingForCredentials, "Secret vero-transfer does not exist").check(t, action)
	if strings.Contains(action.Message, "cert-manager") || strings.Contains(action.Message, "spec.trust") {
		t.Errorf("the request says %s", action.Message)
	}
	createSignNew(1).check(t,
		issuance.Decide(requested(credentials, func(s *issuance.Snapshot) { s.Current = temporary })))
}
