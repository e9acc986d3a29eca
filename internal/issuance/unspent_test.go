package issuance_test

import (
	"testing"
	"time"

	"github.com/varmenne/varmenne-issuer/internal/issuance"
	"github.com/varmenne/varmenne-issuer/internal/vero/facts"
)

func TestCredentialsAreUnspentUntilTheyAreSent(t *testing.T) {
	aMinuteAgo := now.Add(-time.Minute)
	refused := sent(aMinuteAgo, pki020)
	for claim, c := range map[string]struct {
		snapshot issuance.Snapshot
		unspent  bool
	}{
		"nobody has looked for any": {requested(func(s *issuance.Snapshot) { s.Transfer = facts.Transfer{} }), false},
		"there are none":            {requested(noCredentials), false},
		"no order was made":         {requested(credentials), true},
		"nor will one be made with them, because they are the issuer's default and the certificate is usable": {
			requested(currentUntil(now.AddDate(1, 0, 0)), credentials), false},
		"but one will with those that the Certificate names": {
			requested(currentUntil(now.AddDate(1, 0, 0)), credentials, ownCredentials), true},
		"while the issuer is not ready": {requested(credentials, issuerUnready), true},
		"an order waits to be sent":     {requested(credentials, with(signNew())), true},
		"an order for another key waits to be sent": {
			requested(credentials, with(signNew(forAnotherKey))), true},
		"the service could not be reached": {
			requested(credentials, with(signNew(sent(aMinuteAgo, errUnreachable)))), true},
		"an answer was lost": {
			requested(credentials, with(signNew(sent(aMinuteAgo, errNoAnswer)))), false},
		"an order is being sent": {
			requested(credentials, with(signNew(intended(aMinuteAgo)))), false},
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
		snapshot  issuance.Snapshot
		available bool
	}{
		"ones that nobody has used":                    {requested(credentials), true},
		"also the issuer's default":                    {requested(credentials, currentUntil(now.AddDate(0, 0, 30))), true},
		"not spent ones":                               {requested(credentials, with(signNew(sent(now, nil)))), false},
		"nor ones that wait with an order to be spent": {requested(credentials, with(signNew())), false},
		"nor none":                            {requested(), false},
		"nor ones that nobody has looked for": {issuance.Snapshot{Issuer: requested().Issuer}, false},
	} {
		if got := c.snapshot.CredentialsAvailable(); got != c.available {
			t.Errorf("%s: %t, want %t", claim, got, c.available)
		}
	}
}
