package orderstate_test

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/vero/facts"
	"github.com/varmenne/varmenne-issuer/internal/vero/orderstate"
)

var (
	submit = want{Verb: orderstate.Submit}
	poll   = want{Verb: orderstate.Poll}
	rest   = want{Verb: orderstate.Done}
)

func fails(reason string, says ...string) want {
	return want{Verb: orderstate.Fail, Reason: reason, Says: says}
}

func unwanted(s *orderstate.Snapshot) { s.Wanted = false }

func elsewhere(s *orderstate.Snapshot) { s.Transfer.Elsewhere = "new-transfer" }

// lost had its response lost a minute ago; its next try is due.
var lost = sent(now.Add(-time.Minute), errNoResponse)

func TestOrderThatWasNotSent(t *testing.T) {
	failed := func(err error) edit { return sent(now, err) }
	nothingSpent := "nothing was spent"
	run(t, map[string]decision{
		"is sent":                         {ordered(signNew()), submit},
		"not when nobody wants it":        {ordered(signNew(), unwanted), fails(v1alpha1.ReasonWithdrawn, nothingSpent)},
		"also when its issuer is gone":    {ordered(signNew(), unwanted, issuerMissing), fails(v1alpha1.ReasonWithdrawn)},
		"waits for its issuer":            {ordered(signNew(), issuerMissing), waitFor(v1alpha1.ReasonIssuerNotFound)},
		"waits until the issuer is ready": {ordered(signNew(), issuerUnready), waitFor(v1alpha1.ReasonIssuerNotReady)},
		"waits until the bundles can be read": {
			ordered(signNew(), noBundles), waitFor(v1alpha1.ReasonIssuerNotReady, "no bundles")},
		"ends when the issuer names another customer": {
			ordered(signNew(), otherCustomer), fails(v1alpha1.ReasonIssuerChanged, "7654321-0", nothingSpent)},
		"ends when the issuer names another environment": {
			ordered(signNew(), production), fails(v1alpha1.ReasonIssuerChanged, "PRODUCTION")},
		"waits for its credentials": {ordered(signNew(), noCredentials), want{Verb: orderstate.Wait,
			Reason: v1alpha1.ReasonWaitingForCredentials, At: now.Add(facts.CredentialsPollInterval)}},
		"ends when its credentials were replaced": {
			ordered(signNew(), newCredentials),
			fails(v1alpha1.ReasonWithdrawn, "Secret vero-transfer now holds other", nothingSpent)},
		"goes on when only the password was corrected": {ordered(signNew(), newPassword), submit},
		"ends when its request names another Secret": {
			ordered(signNew(), elsewhere), fails(v1alpha1.ReasonWithdrawn, "new-transfer", nothingSpent)},
		"also when its own Secret is gone": {
			ordered(signNew(), elsewhere, noCredentials), fails(v1alpha1.ReasonWithdrawn, "new-transfer")},
		"ends when a late response shows that its credentials were accepted for another": {
			ordered(signNew(), with(signNew(named("sign-0"), forAnotherKey, sent(now, nil)))),
			fails(v1alpha1.ReasonWithdrawn, "VeroOrder sign-0 for CertificateRequest tls-1", "takes them once")},
		"not when they were refused there": {ordered(signNew(), with(signNew(named("sign-0"), sent(now, pki020)))), submit},
		"nor because of itself":            {ordered(signNew(lost), with(signNew(sent(now, nil)))), submit},
		"is sent again when its time has come": {
			ordered(signNew(failed(errUnreachable)), at(now.Add(10*time.Second))), submit},
		"and not earlier": {
			ordered(signNew(failed(errUnreachable)), at(now.Add(10*time.Second-1))),
			want{Verb: orderstate.Wait, Reason: v1alpha1.ReasonRetryingSubmission, At: now.Add(10 * time.Second)}},
		"a clock that was set back does not stop it": {
			ordered(signNew(failed(errUnreachable)), at(now.AddDate(-1, 0, 0))), submit},
		"it tries on although the issuer is not ready, if that is its own doing": {
			ordered(signNew(failed(pki005)), issuerUnready, at(now.Add(10*time.Second))), submit},
		"at its own pace": {
			ordered(signNew(failed(pki005)), issuerUnready),
			want{Verb: orderstate.Wait, Reason: v1alpha1.ReasonWrongEnvironment, At: now.Add(10 * time.Second)}},
		"at once when the issuer was edited":   {ordered(signNew(failed(pki005)), issuerEdited), submit},
		"at once when the bundles were edited": {ordered(signNew(failed(pki005)), bundleEdited), submit},
		"a hold-up that is over is not repeated": {
			ordered(signNew(failed(errUnreachable), heldUp(v1alpha1.ReasonIssuerNotReady))),
			waitFor(v1alpha1.ReasonRetryingSubmission, "connection refused", "tried again", nothingSpent)},
	})
}

func TestAcceptedOrder(t *testing.T) {
	accepted := sent(now, nil)
	due := now.Add(orderstate.FirstPoll)
	early := want{Verb: orderstate.Wait, Reason: v1alpha1.ReasonAwaitingCertificate, At: due, Says: []string{retrievalID}}
	untrusted := func(o *v1alpha1.VeroOrder) {
		accepted(o)
		polled(due, errUnverified)(o)
	}
	cases := map[string]decision{
		"is not polled at once":                     {ordered(signNew(accepted)), early},
		"nor a nanosecond before the 10 s are over": {ordered(signNew(accepted), at(due.Add(-1))), early},
		"but then": {ordered(signNew(accepted), at(due)), poll},
		"then as planned": {
			ordered(signNew(accepted, polled(due, pki099)), at(due.Add(9*time.Second))),
			want{Verb: orderstate.Wait, At: due.Add(10 * time.Second)},
		},
		"also when nobody wants it":                 {ordered(signNew(accepted), unwanted, at(due)), poll},
		"also when the issuer is not ready":         {ordered(signNew(accepted), issuerUnready, at(due)), poll},
		"also when the credentials are gone":        {ordered(signNew(accepted), noCredentials, at(due)), poll},
		"also when its RetrievalId is not verified": {ordered(signNew(sent(now, unverifiedWith("x"))), at(due)), poll},
		"not while the issuer is gone": {
			ordered(signNew(accepted), issuerMissing, at(due)), waitFor(v1alpha1.ReasonIssuerNotFound),
		},
		"not while the issuer names another customer": {
			ordered(signNew(accepted), otherCustomer, at(due)), waitFor(v1alpha1.ReasonIssuerChanged, "delete the VeroOrder"),
		},
		"not while the issuer names another environment": {
			ordered(signNew(accepted), production, at(due)), waitFor(v1alpha1.ReasonIssuerChanged),
		},
		"not while the bundles cannot be read": {
			ordered(signNew(accepted), noBundles, at(due)), waitFor(v1alpha1.ReasonIssuerNotReady, "no bundles"),
		},
		"at once when the bundles were repaired": {ordered(signNew(untrusted), bundleEdited, at(due)), poll},
		"at once when the issuer was repaired":   {ordered(signNew(untrusted), issuerEdited, at(due)), poll},
		"not before it, when nothing was": {
			ordered(signNew(untrusted), at(due)), waitFor(v1alpha1.ReasonUntrustedResponse),
		},
		"a repair does not shorten the first 10 s": {
			ordered(signNew(sent(now, unverifiedWith("x"))), bundleEdited, at(due.Add(-1))),
			want{Verb: orderstate.Wait, At: due}},
		"without the time of its acceptance it is polled at once": {
			ordered(signNew(func(o *v1alpha1.VeroOrder) { o.Status.RetrievalID = "by hand" })), poll},
		"a hold-up that is over is not repeated": {
			ordered(signNew(accepted, heldUp(v1alpha1.ReasonIssuerNotFound))),
			waitFor(v1alpha1.ReasonAwaitingCertificate, retrievalID)},
		"and gives way to the problem before it": {
			ordered(signNew(untrusted, heldUp(v1alpha1.ReasonIssuerNotFound)), at(due)),
			waitFor(v1alpha1.ReasonUntrustedResponse, "spec.trust.responses")},
	}
	run(t, cases)
}

func TestOrderThatHasEnded(t *testing.T) {
	leaf := leafUntil(t, "ours", now.AddDate(2, 0, 0))
	run(t, map[string]decision{
		"rests when it is issued":                    {ordered(signNew(bore(leaf)), unwanted, issuerMissing), rest},
		"rests when it has failed":                   {ordered(signNew(sent(now, pki020))), rest},
		"rests when it was withdrawn":                {ordered(signNew(abandoned(v1alpha1.ReasonWithdrawn))), rest},
		"a failed one with a RetrievalId rests, too": {ordered(signNew(sent(now, nil), polled(now, pki020))), rest},
	})
}

// TestClockSetBack: a year is taken off the clock after an acceptance, and nobody waits that long.
func TestClockSetBack(t *testing.T) {
	order := signNew(sent(now, nil))
	back := now.AddDate(-1, 0, 0)
	action := orderstate.Decide(ordered(order, at(back)))
	want{Verb: orderstate.Wait, At: back.Add(orderstate.FirstPoll)}.Check(t, action)
	orderstate.RecordWaiting(order, action, back)
	want{Verb: orderstate.Wait, At: back.Add(orderstate.FirstPoll)}.Check(t,
		orderstate.Decide(ordered(order, at(back.Add(time.Second)))))
	poll.Check(t, orderstate.Decide(ordered(order, at(back.Add(orderstate.FirstPoll)))))

	order = signNew(func(o *v1alpha1.VeroOrder) {
		sent(now, nil)(o)
		o.Status.NextPollTime = nil
	})
	orderstate.RecordWaiting(order, action, back)
	poll.Check(t, orderstate.Decide(ordered(order, at(back.Add(orderstate.FirstPoll)))))
}

// TestAHoldUpThatIsOverGivesBackWhatWasSaidBefore: a renewal that the service finds too early waits for its hour still.
func TestAHoldUpThatIsOverGivesBackWhatWasSaidBefore(t *testing.T) {
	order := renewal(sent(now, pki080))
	orderstate.RecordWaiting(order, orderstate.Decide(ordered(order, issuerUnready)), now)
	if reason := outcomeOf(order, now).Reason; reason != v1alpha1.ReasonIssuerNotReady {
		t.Fatalf("it waits for %s, want the issuer", reason)
	}
	want{
		Verb: orderstate.Wait, Reason: v1alpha1.ReasonWaitingForWindow, At: now.Add(time.Hour),
		Says: []string{"PKI080", "every hour"},
	}.Check(t, orderstate.Decide(ordered(order)))
}

func TestObsolete(t *testing.T) {
	problem := &v1alpha1.VeroIssuerProblem{
		IssuerUID: "x", IssuerGeneration: 1, TrustDigest: "a", Time: metav1.Time{Time: now},
	}
	for claim, obsolete := range map[string]bool{
		"same":            orderstate.Obsolete(problem, "x", 1, "a"),
		"other issuer":    !orderstate.Obsolete(problem, "y", 1, "a"),
		"other spec":      !orderstate.Obsolete(problem, "x", 2, "a"),
		"other bundles":   !orderstate.Obsolete(problem, "x", 1, "b"),
		"bundles missing": !orderstate.Obsolete(problem, "x", 1, ""),
	} {
		if obsolete {
			t.Errorf("%s: wrong", claim)
		}
	}
}
