package plan_test

import (
	"testing"
	"time"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/vero/facts"
	"github.com/varmenne/varmenne-issuer/internal/vero/plan"
)

func TestCredentialsAreUnspentUntilTheyAreSent(t *testing.T) {
	aMinuteAgo := now.Add(-time.Minute)
	refused := sent(aMinuteAgo, pki020)
	for claim, c := range map[string]struct {
		snapshot plan.Snapshot
		unspent  bool
	}{
		"nobody has looked for any": {requested(func(s *plan.Snapshot) { s.Transfer = facts.Transfer{} }), false},
		"there are none":            {requested(noCredentials), false},
		"no order was made":         {requested(credentials), true},
		"nor will one be made with them, because they are the issuer's default and the certificate is usable": {
			requested(currentUntil(now.AddDate(1, 0, 0)), credentials), false},
		"but one will with those that the Certificate names": {
			requested(currentUntil(now.AddDate(1, 0, 0)), credentials, ownCredentials), true},
		"while the issuer is not ready":             {requested(credentials, issuerUnready), true},
		"an order waits to be sent":                 {requested(credentials, with(signNew())), true},
		"an order for another key waits to be sent": {requested(credentials, with(signNew(forAnotherKey))), true},
		"the service could not be reached": {
			requested(credentials, with(signNew(sent(aMinuteAgo, errUnreachable)))), true},
		"a response was lost":       {requested(credentials, with(signNew(sent(aMinuteAgo, errNoResponse)))), false},
		"an order is being sent":    {requested(credentials, with(signNew(intended(aMinuteAgo)))), false},
		"an order was accepted":     {requested(credentials, with(signNew(sent(aMinuteAgo, nil)))), false},
		"they were refused":         {requested(credentials, with(signNew(refused))), false},
		"the password is corrected": {requested(newPassword, with(signNew(refused))), true},
		"others have come":          {requested(newCredentials, with(signNew(sent(aMinuteAgo, nil)))), true},
	} {
		t.Run(claim, func(t *testing.T) {
			if got := c.snapshot.Unspent(); got != c.unspent {
				t.Errorf("unspent: %t, want %t", got, c.unspent)
			}
		})
	}
}

// TestCredentialsThatCouldPayForAnotherOrder are what a renewal gives way to that the service keeps refusing.
func TestCredentialsThatCouldPayForAnotherOrder(t *testing.T) {
	for claim, c := range map[string]struct {
		snapshot  plan.Snapshot
		available bool
	}{
		"ones that nobody has used":                    {requested(credentials), true},
		"also the issuer's default":                    {requested(credentials, currentUntil(now.AddDate(0, 0, 30))), true},
		"not spent ones":                               {requested(credentials, with(signNew(sent(now, nil)))), false},
		"nor ones that wait with an order to be spent": {requested(credentials, with(signNew())), false},
		"nor none":                            {requested(), false},
		"nor ones that nobody has looked for": {plan.Snapshot{Issuer: requested().Issuer}, false},
	} {
		if got := c.snapshot.CredentialsAvailable(); got != c.available {
			t.Errorf("%s: %t, want %t", claim, got, c.available)
		}
	}
}

func TestCredentialsWorkOnce(t *testing.T) {
	accepted := sent(now.Add(-time.Minute), nil)
	refused := sent(now.Add(-time.Minute), pki020)
	lost := []edit{sent(now.Add(-2*time.Minute), errNoResponse), refused}
	spent := waitFor(v1alpha1.ReasonWaitingForCredentials, "were spent on 2026-06-01T11:59:00Z by VeroOrder sign-1 "+
		"for CertificateRequest tls-1", "they work once")
	reserved := waitFor(v1alpha1.ReasonWaitingForCredentials, "are reserved for VeroOrder sign-1 for CertificateRequest "+
		"tls-1", "credentials of its own", v1alpha1.AnnotationTransferSecret)
	justMade := func(o *v1alpha1.VeroOrder) { o.Spec.IntentID = "intent" }
	wasRefused := waitFor(v1alpha1.ReasonWaitingForCredentials, "were refused (VeroOrder sign-1", "PKI020")
	with := func(edits ...edit) change { return with(signNew(edits...)) }
	leaf := leafUntil(t, "another's", now.AddDate(2, 0, 0))
	run(t, map[string]decision{
		"not while an order for another key is submitting": {
			requested(credentials, with(forAnotherKey, intended(now.Add(-time.Minute)))), spent},
		"not when an order for another key was accepted": {requested(credentials, with(forAnotherKey, accepted)), spent},
		"not when an order for another key has its certificate": {
			requested(credentials, with(forAnotherKey, bore(leaf))), waitFor(v1alpha1.ReasonWaitingForCredentials, "spent")},
		"not when an order in the name of another issuer was accepted": {
			requested(credentials, with(forAnotherIssuer, accepted)), spent},
		"reserved while another order is pending":         {requested(credentials, with(forAnotherKey)), reserved},
		"reserved while another order waits for its slot": {requested(credentials, with(forAnotherKey, justMade)), reserved},
		"an order with other credentials does not matter": {
			requested(newCredentials, with(forAnotherKey, accepted)), createSignNew(1)},
		"refused with PKI020: wait for others": {requested(credentials, with(refused)), wasRefused},
		"refused with PKI020 for another key: wait for others": {
			requested(credentials, with(forAnotherKey, refused)), wasRefused},
		"refused, then the password was corrected": {requested(newPassword, with(refused)), createSignNew(2)},
		"refused, then the customer id of the issuer was corrected": {
			requested(credentials, with(forAnotherCustomer, refused)), createSignNew(2)},
		"refused, then replaced": {requested(newCredentials, with(refused)), createSignNew(1)},
		"refused at GetCertificate: wait for others": {
			requested(credentials, with(accepted, polled(now, pki020))), wasRefused},
		"refused at GetCertificate, then corrected": {
			requested(newPassword, with(accepted, polled(now, pki020))), createSignNew(2)},
		"response lost, then refused: wait for others": {
			requested(credentials, with(lost...)),
			waitFor(v1alpha1.ReasonWaitingForCredentials, "were refused", "an earlier response was lost")},
		"response lost, and abandoned before the service could refuse them: try": {
			requested(credentials, with(sent(now.Add(-time.Minute), errNoResponse), abandoned(v1alpha1.ReasonResponseLost))),
			createSignNew(2)},
		"withdrawn before anything was sent: try": {
			requested(credentials, with(abandoned(v1alpha1.ReasonWithdrawn))), createSignNew(2),
		},
		"the issuer named another customer: try": {
			requested(credentials, with(abandoned(v1alpha1.ReasonIssuerChanged))), createSignNew(2),
		},
		"another request was refused (PKI030): try": {
			requested(credentials, with(forAnotherKey, sent(now.Add(-time.Minute), pki030))),
			createSignNew(2),
		},
		"failed for a reason that is not known: spent": {
			requested(credentials, with(abandoned("Whatever"))),
			waitFor(v1alpha1.ReasonWaitingForCredentials, "were spent by VeroOrder sign-1")},
	})
}

func TestCredentialsOfSeveralOrders(t *testing.T) {
	refused := sent(now.Add(-time.Minute), pki020)
	run(t, map[string]decision{
		"the last attempt counts": {
			requested(newPassword, with(signNew(refused), signNew(named("sign-2"), secondAttempt, refused))),
			createSignNew(3)},
		"in whatever order they are listed": {
			requested(newPassword, with(signNew(named("sign-2"), secondAttempt, refused), signNew(refused))),
			createSignNew(3)},
		"an early attempt that a late response has revived has spent them": {
			requested(newPassword, with(signNew(forAnotherKey, sent(now.Add(-time.Minute), nil)),
				signNew(forAnotherKey, named("sign-2"), secondAttempt, refused))),
			waitFor(v1alpha1.ReasonWaitingForCredentials, "spent", "sign-1")},
	})
}
