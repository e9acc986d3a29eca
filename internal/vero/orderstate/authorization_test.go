package orderstate_test

import (
	"testing"
	"time"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/vero/facts"
	"github.com/varmenne/varmenne-issuer/internal/vero/orderstate"
)

// TestOrderInDoubt: the service may have accepted it, and nobody knows.
func TestOrderInDoubt(t *testing.T) {
	crashed := intended(now.Add(-time.Minute))
	responseLost := "its response was lost"
	firstRefusalTime := sent(now.Add(-time.Minute), pki099)
	cases := map[string]decision{
		"waits for its turn": {
			ordered(signNew(sent(now, errNoResponse))),
			want{Verb: orderstate.Wait, Reason: v1alpha1.ReasonUncertain, At: now.Add(10 * time.Second)}},
		"stays in doubt when it is refused afterwards": {
			ordered(signNew(lost, firstRefusalTime), otherCustomer), fails(v1alpha1.ReasonIssuerChanged, responseLost)},
	}
	for how, doubt := range map[string]edit{"interrupted": lost, "found after a crash": crashed} {
		for claim, c := range map[string]decision{
			"is sent again": {ordered(signNew(doubt)), submit},
			"not when nobody wants it": {
				ordered(signNew(doubt), unwanted), fails(v1alpha1.ReasonResponseLost, "not known whether"),
			},
			"a renewal that nobody wants has cost nothing": {
				ordered(renewal(doubt), unwanted), fails(v1alpha1.ReasonWithdrawn, "nothing was spent"),
			},
			"waits for its issuer":            {ordered(signNew(doubt), issuerMissing), waitFor(v1alpha1.ReasonIssuerNotFound)},
			"waits until the issuer is ready": {ordered(signNew(doubt), issuerUnready), waitFor(v1alpha1.ReasonIssuerNotReady)},
			"ends when the issuer names another customer": {
				ordered(signNew(doubt), otherCustomer), fails(v1alpha1.ReasonIssuerChanged, responseLost, "7654321-0")},
			"ends when the issuer names another environment": {
				ordered(signNew(doubt), production), fails(v1alpha1.ReasonIssuerChanged, responseLost, "PRODUCTION")},
			"waits for its credentials": {ordered(signNew(doubt), noCredentials), waitFor(v1alpha1.ReasonWaitingForCredentials)},
			"is lost without its credentials": {
				ordered(signNew(doubt), newCredentials), fails(v1alpha1.ReasonResponseLost, responseLost, "a new order"),
			},
			"is settled with its credentials first": {ordered(signNew(doubt), elsewhere), submit},
			"is lost when both Secrets have others": {
				ordered(signNew(doubt), elsewhere, newCredentials), fails(v1alpha1.ReasonResponseLost, "new-transfer"),
			},
			"is lost when only the other Secret is there": {
				ordered(signNew(doubt), elsewhere, noCredentials), fails(v1alpha1.ReasonResponseLost),
			},
			"is lost when its credentials were accepted for another": {
				ordered(signNew(doubt), with(signNew(named("sign-0"), sent(now, nil)))),
				fails(v1alpha1.ReasonResponseLost, "takes them once")},
			"renewal: is sent again": {ordered(renewal(doubt)), submit},
			"renewal: is lost when the certificate has expired": {
				ordered(renewal(doubt), at(now.AddDate(0, 0, 31))),
				fails(v1alpha1.ReasonResponseLost, responseLost, "expired on")},
			"renewal: another one follows when the key is gone": {
				ordered(renewal(doubt), noCurrent), fails(v1alpha1.ReasonWithdrawn, "Secret tls does not exist")},
		} {
			cases[how+": "+claim] = c
		}
	}
	run(t, cases)
}

func noCurrent(s *orderstate.Snapshot) {
	s.Renewal.Current = facts.Current{SecretName: "tls", Problem: "Secret tls does not exist"}
}

func TestRenewalKey(t *testing.T) {
	end := now.AddDate(0, 0, 30)
	run(t, map[string]decision{
		"is there: renew":                    {ordered(renewal()), submit},
		"is there in the last second: renew": {ordered(renewal(), at(end)), submit},
		"has expired: no renewal": {
			ordered(renewal(), at(end.Add(1))),
			fails(v1alpha1.ReasonCertificateExpired, "expired on", "before it could be renewed"),
		},
		"is gone: decide anew, do not wait": {
			ordered(renewal(), noCurrent), fails(v1alpha1.ReasonWithdrawn, "Secret tls does not exist"),
		},
		"was replaced: decide anew": {
			ordered(renewal(), func(s *orderstate.Snapshot) { s.Renewal.Current.SerialNumber = "def" }),
			fails(v1alpha1.ReasonWithdrawn, "no longer holds"),
		},
		"does not chain any more: decide anew": {
			ordered(renewal(), unusable("unknown authority")),
			fails(v1alpha1.ReasonWithdrawn, "cannot sign: unknown authority"),
		},
		"transfer credentials that lie there are not used": {ordered(renewal(), buyable), submit},
	})
}

// TestRenewalThatIsRefusedForDays: credentials that somebody buys to get past it are used, once all that the service
// has answered for a day were technical errors.
func TestRenewalThatIsRefusedForDays(t *testing.T) {
	begin, later := now.Add(-timeout), now.Add(time.Hour)
	answered := func(edits ...edit) *v1alpha1.VeroOrder { return renewal(append([]edit{created(begin)}, edits...)...) }
	// The first and the last of five tries have to have been answered.
	tried := func(first, between, last error) *v1alpha1.VeroOrder {
		return answered(sent(begin, first), sent(begin.Add(time.Hour), between), sent(now.Add(-2*time.Hour), between),
			sent(now.Add(-time.Hour), between), sent(now, last))
	}
	refused := tried(pki099, pki099, pki099)
	givesWay := fails(v1alpha1.ReasonSubmissionFailing, "since 2026-", "PKI099", "vero-transfer")
	run(t, map[string]decision{
		"without credentials it goes on": {ordered(refused, at(later)), submit},
		"with credentials it gives way":  {ordered(refused, at(later), buyable), givesWay},
		"not on the first day":           {ordered(tried(errUnreachable, pki099, pki099), at(later), buyable), submit},
		"not after four tries": {
			ordered(answered(sent(begin, pki099), sent(begin.Add(time.Hour), pki099), sent(now.Add(-1), pki099),
				sent(now, pki099)),
				at(later), buyable), submit},
		"not after one refusal at the end of a long outage": {
			ordered(tried(errUnreachable, errUnreachable, pki099), at(later), buyable), submit},
		"not while the service cannot be reached": {
			ordered(tried(pki099, pki099, errUnreachable), at(later), buyable), submit},
		"also where it could not be reached meanwhile": {
			ordered(tried(pki099, errUnreachable, pki099), at(later), buyable), givesWay},
		"also where a response was lost meanwhile": {
			ordered(tried(pki099, errNoResponse, pki099), at(later), buyable), givesWay},
		"also where a clock was ahead at the first try": {
			ordered(answered(sent(now.AddDate(1, 0, 0), pki099), sent(begin, pki099), sent(begin.Add(time.Hour), pki099),
				sent(now.Add(-time.Hour), pki099), sent(now, pki099)), at(later), buyable), givesWay},
		"not where the service finds it too early": {ordered(tried(pki080, pki080, pki080), at(later), buyable), submit},
		"nor where it did so in between":           {ordered(tried(pki099, pki080, pki099), at(later), buyable), submit},
		"not where the issuer is at fault":         {ordered(tried(pki005, pki005, pki005), at(later), buyable), submit},
		"not while it may have been accepted": {
			ordered(tried(pki099, pki099, errNoResponse), at(later), buyable), submit},
	})
}

func TestNeedsCredentials(t *testing.T) {
	for claim, c := range map[string]struct {
		snapshot orderstate.Snapshot
		want     bool
	}{
		"an order that is to be sent": {ordered(signNew()), true},
		"an order in doubt":           {ordered(signNew(lost)), true},
		"an accepted order does not":  {ordered(signNew(sent(now, nil))), false},
		"a renewal does not":          {ordered(renewal()), false},
	} {
		t.Run(claim, func(t *testing.T) {
			if got := c.snapshot.NeedsCredentials(); got != c.want {
				t.Errorf("NeedsCredentials is %t, want %t", got, c.want)
			}
		})
	}
}
