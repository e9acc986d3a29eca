package plan_test

import (
	"crypto/x509"
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/pki"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
	"github.com/varmenne/varmenne-issuer/internal/vero/facts"
	"github.com/varmenne/varmenne-issuer/internal/vero/plan"
)

// holding is a Secret with a certificate, judged as the controllers judge it: for the customer and at the time of the
// snapshot.
func holding(t testing.TB, leaf *x509.Certificate) change {
	t.Helper()
	trust := must.Get(pki.NewTrust([]*x509.Certificate{pkitest.Root(t, "issuing CA").Certificate}))(t)
	return func(s *plan.Snapshot) { s.Current = facts.Examine("tls", leaf, "", s.Issuer.CustomerID, trust, s.Now) }
}

// unreadable is a Secret without a certificate that could be judged; the problem is that of package secrets.
func unreadable(problem string) change {
	return func(s *plan.Snapshot) {
		s.Current = facts.Examine("tls", nil, problem, s.Issuer.CustomerID, pki.Trust{}, s.Now)
	}
}

// circumstance is what a word in the table of the design can mean, and what a person is told of it.
type circumstance struct {
	change  change
	message string
}

// circumstances are the meanings of a word in the table of the design.
type circumstances map[string]circumstance

// or is a dash in the table: either of two words.
func (c circumstances) or(other circumstances) circumstances {
	either := maps.Clone(c)
	maps.Copy(either, other)
	return either
}

// unusableSecrets are "none, expired, foreign, or key does not match".
func unusableSecrets(t testing.TB, until time.Time) circumstances {
	t.Helper()
	key, dates := pkitest.Key("another's"), pkitest.Dates(until.AddDate(-2, 0, 0), until)
	return circumstances{
		"none":    {unreadable("Secret tls does not exist"), ""},
		"expired": {holding(t, leafUntil(t, "another's", now.Add(-time.Second))), "expired at"},
		"self-signed": {
			holding(t, pkitest.Root(t, customer, nameless).Issue(t, key, customer, dates)), "spec.trust.issuance",
		},
		"another customer's": {holding(t, pkitest.Root(t, "issuing CA").Issue(t, key, "7654321-0", dates)), "is for"},
		"not valid yet":      {holding(t, dated(t, now.AddDate(0, 0, 1), until)), "valid only from"},
		"key does not match": {unreadable("Secret tls holds a certificate and a key that do not fit together"), ""},
	}
}

// nameless makes the name of an authority that of a customer's certificate.
func nameless(template *x509.Certificate) { template.Subject.Organization = nil }

// noUnspentCredentials are "no" in the column of the credentials.
var noUnspentCredentials = circumstances{
	"none":     {noCredentials, "Secret vero-transfer does not exist"},
	"spent":    {usedCredentials(sent(now, nil)), "were spent"},
	"refused":  {usedCredentials(sent(now, pki020)), "were refused"},
	"reserved": {usedCredentials(), "are reserved"},
}

// usedCredentials are credentials that an order for another key was made with.
func usedCredentials(edits ...edit) change {
	return func(s *plan.Snapshot) {
		credentials(s)
		with(signNew(append([]edit{forAnotherKey}, edits...)...))(s)
	}
}

// TestTheTableOfTheDesign is docs/architecture.md, Which operation a request needs, row by row, each with everything
// that its words stand for.
func TestTheTableOfTheDesign(t *testing.T) {
	until := now.AddDate(0, 0, 30)
	unusable := unusableSecrets(t, until)
	unproven := circumstances{"foreign": {holding(t, pkitest.Root(t, "another CA").Issue(t, pkitest.Key("another's"),
		customer, pkitest.Dates(until.AddDate(-2, 0, 0), until))), "spec.trust.issuance"}}
	valid := circumstances{"valid": {holding(t, leafUntil(t, "another's", until)), ""}}
	open := circumstances{"open": {issuer(func(i *facts.Issuer) { i.Window = window }), ""}}
	closed := circumstances{"closed": {issuer(func(i *facts.Issuer) { i.Window = time.Hour }), ""}}
	yes, no := circumstances{"yes": {credentials, ""}}, noUnspentCredentials
	own := circumstances{"its own": {func(s *plan.Snapshot) { credentials(s); ownCredentials(s) }, ""}}
	wait := want{verb: plan.Wait, reason: v1alpha1.ReasonWaitingForCredentials, at: now.Add(facts.CredentialsPollInterval)}
	setAside := wait
	setAside.says = []string{"spec.trust.issuance", "not used", "annotation " + v1alpha1.AnnotationTransferSecret + " to"}
	hold := want{verb: plan.Wait, reason: v1alpha1.ReasonWaitingForWindow, at: now.Add(time.Hour),
		says: []string{"2026-07-01T11:00:00Z", "stays in use until then", "spec.renewBefore", "1h0m0s or less"}}
	for _, row := range []struct {
		current, window, credentials circumstances
		action                       want
	}{
		{unusable, open.or(closed), yes.or(own), createSignNew(1)},
		{unusable, open.or(closed), no, wait},
		{unproven, open, yes.or(own), createSignNew(1)},
		{unproven, closed, own, createSignNew(1)},
		{unproven, closed, yes, setAside},
		{unproven, open.or(closed), no, wait},
		{valid, open, yes.or(own).or(no), createRenewal(1)},
		{valid, closed, own, createSignNew(1)},
		{valid, closed, yes.or(no), hold},
	} {
		for current, c := range row.current {
			for window, w := range row.window {
				for transfer, credentials := range row.credentials {
					t.Run(fmt.Sprintf("%s, %s, %s", current, window, transfer), func(t *testing.T) {
						action := row.action
						if action.reason == v1alpha1.ReasonWaitingForCredentials && action.says == nil {
							action.says = []string{c.message, credentials.message}
						}
						action.check(t, plan.Decide(requested(w.change, c.change, credentials.change)))
					})
				}
			}
		}
	}
}
