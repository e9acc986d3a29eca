package issuance_test

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/issuance"
	"github.com/varmenne/varmenne-issuer/internal/vero"
)

var (
	submit = want{verb: issuance.Submit}
	poll   = want{verb: issuance.Poll}
	rest   = want{verb: issuance.Rest}
)

func abandon(reason string, says ...string) want {
	return want{verb: issuance.Abandon, reason: reason, says: says}
}

func unwanted(s *issuance.Snapshot) { s.Wanted = false }

func elsewhere(s *issuance.Snapshot) { s.Elsewhere = "new-transfer" }

// lost had its answer lost a minute ago; its next try is due.
var lost = sent(now.Add(-time.Minute), errNoAnswer)

func TestOrderThatWasNotSent(t *testing.T) {
	failed := func(err error) edit { return sent(now, err) }
	nothingSpent := "nothing was spent"
	run(t, map[string]decision{
		"is sent":                         {ordered(signNew()), submit},
		"not when nobody wants it":        {ordered(signNew(), unwanted), abandon(v1alpha1.ReasonWithdrawn, nothingSpent)},
		"also when its issuer is gone":    {ordered(signNew(), unwanted, issuerMissing), abandon(v1alpha1.ReasonWithdrawn)},
		"waits for its issuer":            {ordered(signNew(), issuerMissing), waitFor(v1alpha1.ReasonIssuerNotFound)},
		"waits until the issuer is ready": {ordered(signNew(), issuerUnready), waitFor(v1alpha1.ReasonIssuerNotReady)},
		"waits until the bundles can be read": {
			ordered(signNew(), noBundles), waitFor(v1alpha1.ReasonIssuerNotReady, "no bundles")},
		"ends when the issuer names another customer": {
			ordered(signNew(), otherCustomer), abandon(v1alpha1.ReasonIssuerChanged, "7654321-0", nothingSpent)},
		"ends when the issuer names another environment": {
			ordered(signNew(), production), abandon(v1alpha1.ReasonIssuerChanged, "PRODUCTION")},
		"waits for its credentials": {ordered(signNew(), noCredentials()), want{verb: issuance.Wait,
			reason: v1alpha1.ReasonWaitingForCredentials, at: now.Add(issuance.CredentialsPollInterval)}},
		"ends when its credentials were replaced": {
			ordered(signNew(), newCredentials()),
			abandon(v1alpha1.ReasonWithdrawn, "Secret vero-transfer now holds other", nothingSpent)},
		"goes on when only the password was corrected": {ordered(signNew(), newPassword()), submit},
		"ends when its request names another Secret": {
			ordered(signNew(), elsewhere), abandon(v1alpha1.ReasonWithdrawn, "new-transfer", nothingSpent)},
		"also when its own Secret is gone": {
			ordered(signNew(), elsewhere, noCredentials()), abandon(v1alpha1.ReasonWithdrawn, "new-transfer")},
		"ends when a late answer shows that its credentials were accepted for another": {
			ordered(signNew(), with(signNew(named("sign-0"), forAnotherKey, sent(now, nil)))),
			abandon(v1alpha1.ReasonWithdrawn, "VeroOrder sign-0 for CertificateRequest tls-1", "takes them once")},
		"not when they were refused there": {
			ordered(signNew(), with(signNew(named("sign-0"), sent(now, vero.CredentialsRefused())))), submit},
		"nor because of itself": {ordered(signNew(lost), with(signNew(sent(now, nil)))), submit},
		"is sent again when its time has come": {
			ordered(signNew(failed(errUnreachable)), at(now.Add(10*time.Second))), submit},
		"and not earlier": {
			ordered(signNew(failed(errUnreachable)), at(now.Add(10*time.Second-1))),
			want{verb: issuance.Wait, reason: v1alpha1.ReasonRetryingSubmission, at: now.Add(10 * time.Second)}},
		"a clock that was set back does not stop it": {
			ordered(signNew(failed(errUnreachable)), at(now.AddDate(-1, 0, 0))), submit},
		"it tries on although the issuer is not ready, if that is its own doing": {
			ordered(signNew(failed(vero.WrongEnvironment())), issuerUnready, at(now.Add(10*time.Second))), submit},
		"at its own pace": {
			ordered(signNew(failed(vero.WrongEnvironment())), issuerUnready),
			want{verb: issuance.Wait, reason: v1alpha1.ReasonWrongEnvironment, at: now.Add(10 * time.Second)}},
		"at once when the issuer was edited":   {ordered(signNew(failed(vero.WrongEnvironment())), issuerEdited), submit},
		"at once when the bundles were edited": {ordered(signNew(failed(vero.WrongEnvironment())), bundleEdited), submit},
		"a hold-up that is over is not repeated": {
			ordered(signNew(failed(errUnreachable), heldUp(v1alpha1.ReasonIssuerNotReady))),
			waitFor(v1alpha1.ReasonRetryingSubmission, "connection refused", "tried again", nothingSpent)},
	})
}

func heldUp(reason string) edit {
	return func(o *v1alpha1.VeroOrder) {
		issuance.HoldUp(o, issuance.Action{Verb: issuance.Wait, Reason: reason, Message: "held up"}, now)
	}
}

// TestOrderInDoubt: the service may have accepted it, and nobody knows.
func TestOrderInDoubt(t *testing.T) {
	crashed := intended(now.Add(-time.Minute))
	answerLost := "its answer was lost"
	refusedSince := sent(now.Add(-time.Minute), vero.TechnicalError())
	cases := map[string]decision{
		"waits for its turn": {
			ordered(signNew(sent(now, errNoAnswer))),
			want{verb: issuance.Wait, reason: v1alpha1.ReasonUncertain, at: now.Add(10 * time.Second)}},
		"stays in doubt when it is refused afterwards": {
			ordered(signNew(lost, refusedSince), otherCustomer), abandon(v1alpha1.ReasonIssuerChanged, answerLost)},
	}
	for how, doubt := range map[string]edit{"interrupted": lost, "found after a crash": crashed} {
		for claim, c := range map[string]decision{
			"is sent again": {ordered(signNew(doubt)), submit},
			"not when nobody wants it": {
				ordered(signNew(doubt), unwanted), abandon(v1alpha1.ReasonWithdrawn, "not known whether"),
			},
			"waits for its issuer": {
				ordered(signNew(doubt), issuerMissing), waitFor(v1alpha1.ReasonIssuerNotFound),
			},
			"waits until the issuer is ready": {
				ordered(signNew(doubt), issuerUnready), waitFor(v1alpha1.ReasonIssuerNotReady),
			},
			"ends when the issuer names another customer": {
				ordered(signNew(doubt), otherCustomer), abandon(v1alpha1.ReasonIssuerChanged, answerLost, "7654321-0")},
			"ends when the issuer names another environment": {
				ordered(signNew(doubt), production), abandon(v1alpha1.ReasonIssuerChanged, answerLost, "PRODUCTION")},
			"waits for its credentials": {
				ordered(signNew(doubt), noCredentials()), waitFor(v1alpha1.ReasonWaitingForCredentials),
			},
			"is lost without its credentials": {
				ordered(signNew(doubt), newCredentials()), abandon(v1alpha1.ReasonAnswerLost, answerLost, "a new order"),
			},
			"is settled with its credentials first": {ordered(signNew(doubt), elsewhere), submit},
			"is lost when both Secrets have others": {
				ordered(signNew(doubt), elsewhere, newCredentials()), abandon(v1alpha1.ReasonAnswerLost, "new-transfer"),
			},
			"is lost when only the other Secret is there": {
				ordered(signNew(doubt), elsewhere, noCredentials()), abandon(v1alpha1.ReasonAnswerLost),
			},
			"is lost when its credentials were accepted for another": {
				ordered(signNew(doubt), with(signNew(named("sign-0"), sent(now, nil)))),
				abandon(v1alpha1.ReasonAnswerLost, "takes them once")},
			"renewal: is sent again": {ordered(renewal(doubt)), submit},
			"renewal: is lost when the certificate has expired": {
				ordered(renewal(doubt), at(now.AddDate(0, 0, 31))), abandon(v1alpha1.ReasonAnswerLost, answerLost, "expired on")},
			"renewal: another one follows when the key is gone": {
				ordered(renewal(doubt), noCurrent), abandon(v1alpha1.ReasonWithdrawn, "Secret tls does not exist")},
		} {
			cases[how+": "+claim] = c
		}
	}
	run(t, cases)
}

func noCurrent(s *issuance.Snapshot) {
	s.Current = issuance.Current{SecretName: "tls", Problem: "Secret tls does not exist"}
}

func TestRenewalKey(t *testing.T) {
	end := now.AddDate(0, 0, 30)
	run(t, map[string]decision{
		"is there: renew":                    {ordered(renewal()), submit},
		"is there in the last second: renew": {ordered(renewal(), at(end)), submit},
		"has expired: no renewal": {
			ordered(renewal(), at(end.Add(1))),
			abandon(v1alpha1.ReasonRenewalRefused, "expired on", "before it could be renewed"),
		},
		"is gone: decide anew, do not wait": {
			ordered(renewal(), noCurrent), abandon(v1alpha1.ReasonWithdrawn, "Secret tls does not exist"),
		},
		"was replaced: decide anew": {
			ordered(renewal(), func(s *issuance.Snapshot) { s.Current.SerialNumber = "def" }),
			abandon(v1alpha1.ReasonWithdrawn, "no longer holds"),
		},
		"does not chain any more: decide anew": {
			ordered(renewal(), unusable("unknown authority")),
			abandon(v1alpha1.ReasonWithdrawn, "cannot sign: unknown authority"),
		},
		"transfer credentials are not asked for": {ordered(renewal(), noCredentials()), submit},
	})
}

// TestRenewalThatIsRefusedForDays: credentials that somebody buys to get past it are used.
func TestRenewalThatIsRefusedForDays(t *testing.T) {
	refused := func(times int, err error) *v1alpha1.VeroOrder {
		order := renewal(created(now.Add(-timeout)))
		for range times {
			sent(now, err)(order)
		}
		return order
	}
	later := at(now.Add(time.Hour))
	often, unreachable := refused(5, vero.TechnicalError()), refused(5, errUnreachable)
	run(t, map[string]decision{
		"without credentials it goes on": {ordered(often, later, noCredentials()), submit},
		"with credentials it gives way": {
			ordered(often, later, credentials()),
			abandon(v1alpha1.ReasonSubmissionFailing, "5 times", "PKI099", "vero-transfer"),
		},
		"not with spent ones": {
			ordered(often, later, credentials(), with(signNew(sent(now, nil)))), submit,
		},
		"not with ones nobody has looked for": {ordered(often, later), submit},
		"not after four refusals":             {ordered(refused(4, vero.TechnicalError()), later, credentials()), submit},
		"not on the first day": {
			ordered(refused(5, vero.TechnicalError()), at(now.Add(-1)), credentials()), want{verb: issuance.Wait},
		},
		"not where the service cannot be reached": {ordered(unreachable, later, credentials()), submit},
		"not where the issuer is at fault": {
			ordered(refused(5, vero.WrongEnvironment()), later, credentials()), submit,
		},
		"not while it may have been accepted": {ordered(refused(5, errNoAnswer), later, credentials()), submit},
	})
}

func TestNeedsTransfer(t *testing.T) {
	for claim, c := range map[string]struct {
		snapshot issuance.Snapshot
		want     bool
	}{
		"a request that is to be decided":            {requested(), true},
		"a request with an order in flight does not": {requested(with(signNew(lost))), false},
		"an order that is to be sent":                {ordered(signNew()), true},
		"an order in doubt":                          {ordered(signNew(lost)), true},
		"an accepted order does not":                 {ordered(signNew(sent(now, nil))), false},
		"a renewal does not":                         {ordered(renewal()), false},
	} {
		t.Run(claim, func(t *testing.T) {
			if got := c.snapshot.NeedsTransfer(); got != c.want {
				t.Errorf("NeedsTransfer is %t, want %t", got, c.want)
			}
		})
	}
}

func TestAcceptedOrder(t *testing.T) {
	accepted := sent(now, nil)
	due := now.Add(issuance.FirstPoll)
	early := want{verb: issuance.Wait, reason: v1alpha1.ReasonAwaitingCertificate, at: due, says: []string{retrievalID}}
	untrusted := func(o *v1alpha1.VeroOrder) {
		accepted(o)
		polled(due, errUnverified)(o)
	}
	cases := map[string]decision{
		"is not polled at once":                     {ordered(signNew(accepted)), early},
		"nor a nanosecond before the 10 s are over": {ordered(signNew(accepted), at(due.Add(-1))), early},
		"but then": {ordered(signNew(accepted), at(due)), poll},
		"then as planned": {
			ordered(signNew(accepted, polled(due, vero.TechnicalError())), at(due.Add(9*time.Second))),
			want{verb: issuance.Wait, at: due.Add(10 * time.Second)},
		},
		"also when nobody wants it":                 {ordered(signNew(accepted), unwanted, at(due)), poll},
		"also when the issuer is not ready":         {ordered(signNew(accepted), issuerUnready, at(due)), poll},
		"also when the credentials are gone":        {ordered(signNew(accepted), noCredentials(), at(due)), poll},
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
			ordered(signNew(untrusted), at(due)), waitFor(v1alpha1.ReasonUntrustedAnswer),
		},
		"a repair does not shorten the first 10 s": {
			ordered(signNew(sent(now, unverifiedWith("x"))), bundleEdited, at(due.Add(-1))), want{verb: issuance.Wait, at: due}},
		"without the time of its acceptance it is polled at once": {
			ordered(signNew(func(o *v1alpha1.VeroOrder) { o.Status.RetrievalID = "by hand" })), poll},
		"a hold-up that is over is not repeated": {
			ordered(signNew(accepted, heldUp(v1alpha1.ReasonIssuerNotFound))),
			waitFor(v1alpha1.ReasonAwaitingCertificate, retrievalID)},
		"and gives way to the problem before it": {
			ordered(signNew(untrusted, heldUp(v1alpha1.ReasonIssuerNotFound)), at(due)),
			waitFor(v1alpha1.ReasonUntrustedAnswer, "spec.trust.responses")},
	}
	run(t, cases)
}

func TestOrderThatHasEnded(t *testing.T) {
	leaf := leafUntil(t, "ours", now.AddDate(2, 0, 0))
	run(t, map[string]decision{
		"rests when it is issued":     {ordered(signNew(bore(leaf)), unwanted, issuerMissing), rest},
		"rests when it has failed":    {ordered(signNew(sent(now, vero.CredentialsRefused()))), rest},
		"rests when it was withdrawn": {ordered(signNew(abandoned(v1alpha1.ReasonWithdrawn))), rest},
		"a failed one with a RetrievalId rests, too": {
			ordered(signNew(sent(now, nil), polled(now, vero.CredentialsRefused()))), rest},
	})
}

// TestClockSetBack: a year is taken off the clock after an acceptance, and nobody waits that long.
func TestClockSetBack(t *testing.T) {
	order := signNew(sent(now, nil))
	back := now.AddDate(-1, 0, 0)
	action := issuance.Decide(ordered(order, at(back)))
	want{verb: issuance.Wait, at: back.Add(issuance.FirstPoll)}.check(t, action)
	issuance.HoldUp(order, action, back)
	want{verb: issuance.Wait, at: back.Add(issuance.FirstPoll)}.check(t,
		issuance.Decide(ordered(order, at(back.Add(time.Second)))))
	poll.check(t, issuance.Decide(ordered(order, at(back.Add(issuance.FirstPoll)))))

	order = signNew(func(o *v1alpha1.VeroOrder) {
		sent(now, nil)(o)
		o.Status.NextPollTime = nil
	})
	issuance.HoldUp(order, action, back)
	poll.check(t, issuance.Decide(ordered(order, at(back.Add(issuance.FirstPoll)))))
}

func TestHoldUp(t *testing.T) {
	leaf := leafUntil(t, "ours", now.AddDate(2, 0, 0))
	for claim, order := range map[string]*v1alpha1.VeroOrder{
		"leaves an issued order as it is": signNew(bore(leaf)),
		"leaves a failed order as it is":  signNew(sent(now, vero.CredentialsRefused())),
	} {
		t.Run(claim, func(t *testing.T) { unchangedBy(t, order, heldUp(v1alpha1.ReasonIssuerNotReady)) })
	}
	t.Run("does not change what it finds", func(t *testing.T) {
		order := signNew(sent(now, nil), heldUp(v1alpha1.ReasonIssuerNotReady))
		unchangedBy(t, order, heldUp(v1alpha1.ReasonIssuerNotReady))
	})
}

func TestEnd(t *testing.T) {
	leaf := leafUntil(t, "ours", now.AddDate(2, 0, 0))
	for claim, order := range map[string]*v1alpha1.VeroOrder{
		"leaves an issued order as it is":   signNew(bore(leaf)),
		"leaves an accepted order as it is": signNew(sent(now, nil)),
		"leaves a failed order as it is":    signNew(sent(now, vero.RequestRefused())),
		"leaves one with a RetrievalId as it is": signNew(intended(now), func(o *v1alpha1.VeroOrder) {
			o.Status.RetrievalID = "by hand"
		}),
	} {
		t.Run(claim, func(t *testing.T) { unchangedBy(t, order, abandoned(v1alpha1.ReasonWithdrawn)) })
	}
	t.Run("ends an order in doubt", func(t *testing.T) {
		order := signNew(lost, abandoned(v1alpha1.ReasonWithdrawn))
		if order.Status.Phase != v1alpha1.PhaseFailed || order.Status.EndedAt == nil || order.Status.NextSubmitTime != nil {
			t.Errorf("it has not ended: %+v", order.Status)
		}
	})
}

// TestNoSecretInMessages: what a decision says can name Secrets, and show nothing that is in them.
func TestNoSecretInMessages(t *testing.T) {
	orders := []*v1alpha1.VeroOrder{
		signNew(), signNew(lost), signNew(sent(now, vero.CredentialsRefused())), renewal(),
		signNew(forAnotherKey), signNew(forAnotherKey, sent(now, nil)),
	}
	changes := []change{
		credentials(), newCredentials(), newPassword(), noCredentials(), elsewhere, unwanted, issuerMissing,
	}
	for _, order := range orders {
		for _, change := range changes {
			for _, snapshot := range []issuance.Snapshot{requested(with(order), change), ordered(order, change)} {
				message := issuance.Decide(snapshot).Message
				for _, secret := range []string{transferID, "digest-of-another", password, "bbbb"} {
					if strings.Contains(message, secret) {
						t.Errorf("%q is in the message: %s", secret, message)
					}
				}
			}
		}
	}
}

func TestObsolete(t *testing.T) {
	problem := &v1alpha1.IssuerProblem{IssuerGeneration: 1, TrustDigest: "a", Time: metav1.Time{Time: now}}
	for claim, obsolete := range map[string]bool{
		"same":            issuance.Obsolete(problem, 1, "a"),
		"other spec":      !issuance.Obsolete(problem, 2, "a"),
		"other bundles":   !issuance.Obsolete(problem, 1, "b"),
		"bundles missing": !issuance.Obsolete(problem, 1, ""),
	} {
		if obsolete {
			t.Errorf("%s: wrong", claim)
		}
	}
}
