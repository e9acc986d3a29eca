package issuance_test

import (
	"crypto/x509"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/issuance"
	"github.com/varmenne/varmenne-issuer/internal/pki"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
	"github.com/varmenne/varmenne-issuer/internal/vero/facts"
)

func wrongCertificate(reason pki.IssuedReason) error {
	return &pki.IssuedError{Reason: reason, Err: &pki.ChainError{
		Certificate: &x509.Certificate{}, Err: errors.New("its public key is another")}}
}

// TestPoll: every way in which a GetCertificate can end without the certificate.
func TestPoll(t *testing.T) {
	young, old := sent(now.Add(-time.Minute), nil), sent(now.Add(-timeout), nil)
	polled := func(err error) edit { return polled(now, err) }
	waiting := accepted.but(again(30*time.Second), code("PKI099"))
	overdue := waiting.but(again(time.Hour), func(o *outcome) { o.Reason = v1alpha1.ReasonRetrievalOverdue })
	untrusted := waiting.but(blaming(v1alpha1.ReasonUntrustedAnswer), code("UntrustedAnswer"))
	wrong := waiting.but(code("WrongCertificate"), func(o *outcome) { o.Reason = v1alpha1.ReasonWrongCertificate })
	refused := refusedFor(v1alpha1.ReasonCredentialsRefused, "PKI020").but(withID(retrievalID))
	kept := "RetrievalId retrieval-1 is kept"
	contactWithID := "contact the certificate service, naming the interface that the certificate is for and the " +
		"RetrievalId"
	check(t, map[string]recorded{
		"PKI099 while young": {
			signNew(young, polled(pki099)), waiting, []string{retrievalID, "makes the certificate"}, ""},
		"PKI099 when old": {
			signNew(old, polled(pki099)), overdue,
			[]string{retrievalID, "PKI099", contactWithID, "delete VeroOrder sign-1"}, ""},
		"no connection while young": {
			signNew(young, polled(errUnreachable)), waiting.but(code("NoAnswer")),
			[]string{retrievalID, "cannot be fetched: ", "connection refused"}, "makes the certificate"},
		"no connection before it was accepted is past": {
			signNew(sent(now.Add(-2*time.Minute), errUnreachable), young),
			accepted.but(again(-50*time.Second), code("NoAnswer")),
			[]string{"makes the certificate"}, ""},
		"no connection when old": {
			signNew(old, polled(errUnreachable)), overdue.but(code("NoAnswer")), []string{"connection refused"}, ""},
		"no answer": {signNew(young, polled(errNoAnswer)), waiting.but(code("NoAnswer")), nil, ""},
		"PKI005": {
			signNew(young, polled(pki005)),
			waiting.but(blaming(v1alpha1.ReasonWrongEnvironment), code("PKI005")),
			[]string{"spec.url", kept}, "nothing was spent"},
		"PKI020": {
			signNew(young, polled(pki020)), refused, []string{"correct the transfer Secret"}, ""},
		"PKI020 of a renewal": {
			renewal(young, polled(pki020)), refused, []string{"asked for anew"}, "transfer Secret"},
		"PKI010, which Get does not have": {
			signNew(young, polled(pki010)), waiting.but(code("PKI010")), nil, ""},
		"PKI015, which Get does not have": {
			signNew(young, polled(pki015)), waiting.but(code("PKI015")), nil, ""},
		"PKI030, which Get does not have": {
			signNew(young, polled(pki030)), waiting.but(code("PKI030")), nil, ""},
		"PKI080, which Get does not have": {
			signNew(young, polled(pki080)), waiting.but(code("PKI080")), nil, ""},
		"an unknown code": {signNew(young, polled(errUnknownCode)), waiting.but(code("PKI777")), nil, ""},
		"unverified": {
			signNew(young, polled(errUnverified)), untrusted, []string{"spec.trust.responses", kept}, ""},
		"unverified, and without a connection since": {
			signNew(young, polled(errUnverified), polled(errUnreachable)), untrusted.but(code("NoAnswer")),
			[]string{"spec.trust.responses"}, ""},
		"unverified, and PKI099 since": {
			signNew(young, polled(errUnverified), polled(pki099)), waiting, nil, "spec.trust"},
		"unverified, and a wrong certificate since": {
			signNew(young, polled(errUnverified), polled(wrongCertificate(pki.IssuedExpired))), wrong, nil, "spec.trust"},
		"a certificate by a stranger": {
			signNew(young, polled(wrongCertificate(pki.IssuedUnknownAuthority))),
			waiting.but(blaming(v1alpha1.ReasonUntrustedCertificate), code("WrongCertificate")),
			[]string{"spec.trust.issuance", kept}, ""},
		"a certificate for another key": {
			signNew(young, polled(wrongCertificate(pki.IssuedOtherPublicKey))), wrong,
			[]string{retrievalID, contactWithID, "delete VeroOrder"}, ""},
		"a certificate for another customer": {
			signNew(young, polled(wrongCertificate(pki.IssuedOtherCommonName))), wrong, nil, ""},
		"an expired certificate": {signNew(young, polled(wrongCertificate(pki.IssuedExpired))), wrong, nil, ""},
		"a certificate of the future": {
			signNew(young, polled(wrongCertificate(pki.IssuedNotYetValid))), wrong, nil, ""},
		"a certificate that breaks a rule": {
			signNew(young, polled(wrongCertificate(pki.IssuedInvalidChain))), wrong, nil, ""},
	})
}

func TestPollThatBearsTheCertificate(t *testing.T) {
	leaf := leafUntil(t, "ours", now.AddDate(2, 0, 0))
	issued := &issuance.Issued{Certificate: pkitest.PEM(leaf), CA: []byte("CA")}
	for claim, order := range map[string]*v1alpha1.VeroOrder{
		"of an accepted order":                        signNew(sent(now, nil)),
		"of one whose RetrievalId was not verified":   signNew(sent(now, unverifiedWith(retrievalID))),
		"of one that has a problem with its issuer":   signNew(sent(now, nil), polled(now, errUnverified)),
		"of one that another controller has given up": signNew(sent(now, nil), polled(now, pki020)),
		"of one whose RetrievalId a person has brought back": signNew(func(o *v1alpha1.VeroOrder) {
			o.Status.RetrievalID = retrievalID
		}),
	} {
		t.Run(claim, func(t *testing.T) {
			issuance.RecordPoll(order, issued, nil, ended(order, now))
			status := order.Status
			if status.Phase != v1alpha1.PhaseIssued || status.RetrievalIDUnverified || status.IssuerProblem != nil ||
				status.NextPollTime != nil || status.EndedAt == nil || !cmp.Equal(status.Certificate, issued.Certificate) ||
				string(status.CA) != "CA" || status.RetrievalID != retrievalID {
				t.Errorf("it is not issued: %+v", status)
			}
			if ready := meta.FindStatusCondition(status.Conditions, "Ready"); ready == nil || ready.Status != "True" {
				t.Errorf("it is not ready: %+v", ready)
			}
			if got, err := facts.Leaf(order); err != nil || !got.Equal(leaf) {
				t.Errorf("its leaf is %v, %v", got, err)
			}
			unchangedBy(t, order, polled(now, pki020))
			unchangedBy(t, order, func(o *v1alpha1.VeroOrder) { issuance.RecordPoll(o, &issuance.Issued{}, nil, ended(o, now)) })
		})
	}
}

func TestPollErrorOfAnOrderThatHasMovedOn(t *testing.T) {
	for claim, order := range map[string]*v1alpha1.VeroOrder{
		"changes nothing in a failed one":     signNew(sent(now, nil), polled(now, pki020)),
		"changes nothing in a pending one":    signNew(),
		"changes nothing in one that is sent": signNew(intended(now)),
	} {
		t.Run(claim, func(t *testing.T) { unchangedBy(t, order, polled(now, pki099)) })
	}
}

// TestPollErrorOfAnotherRetrievalID: another controller records a late answer while this one asks.
func TestPollErrorOfAnotherRetrievalID(t *testing.T) {
	for claim, late := range map[string]edit{
		"changes nothing in one with a verified one since": func(o *v1alpha1.VeroOrder) {
			issuance.RecordSubmission(o, "verified", nil, ended(o, now))
		},
		"changes nothing in one with a further one to be tried": func(o *v1alpha1.VeroOrder) {
			polled(now, pki020)(o)
			sent(now, unverifiedWith("further"))(o)
		},
	} {
		t.Run(claim, func(t *testing.T) {
			order := signNew(sent(now, unverifiedWith(retrievalID)))
			asked := ended(order, now)
			late(order)
			unchangedBy(t, order, func(o *v1alpha1.VeroOrder) { issuance.RecordPoll(o, nil, pki020, asked) })
		})
	}
}

// TestPollAfterARepair: a repair leads to one call at once, not to one after the other.
func TestPollAfterARepair(t *testing.T) {
	order := signNew(sent(now, nil), polled(now.Add(time.Minute), errUnverified))
	moment := now.Add(time.Minute + time.Second)
	poll.check(t, issuance.Decide(ordered(order, issuerEdited, at(moment))))
	call := ended(order, moment)
	call.IssuerGeneration++
	issuance.RecordPoll(order, nil, errUnreachable, call)
	want{verb: issuance.Wait, reason: v1alpha1.ReasonAwaitingCertificate}.check(t,
		issuance.Decide(ordered(order, issuerEdited, at(moment))))
}

// TestRetrievalIDBroughtBack: a person writes it into an order whose outcome could not be written, as the log says.
func TestRetrievalIDBroughtBack(t *testing.T) {
	order := signNew(intended(now), func(o *v1alpha1.VeroOrder) { o.Status.RetrievalID = retrievalID })
	polled(now, pki099)(order)
	if difference := cmp.Diff(accepted.but(code("PKI099")), outcomeOf(order, now)); difference != "" {
		t.Errorf("the outcome differs (-want +got):\n%s", difference)
	}
	if order.Status.AcceptedAt == nil {
		t.Error("nothing is known of the time of its acceptance")
	}
}

// TestPollSchedule: 10 s at first, then about half of the time waited up to 5 min, then hourly.
func TestPollSchedule(t *testing.T) {
	order := signNew(sent(now, nil))
	moment, messages := now, 0
	said := message(order)
	var distances []time.Duration
	for moment.Sub(now) < timeout+3*time.Hour {
		action := issuance.Decide(ordered(order, at(moment)))
		if action.Verb == issuance.Wait {
			distances = append(distances, action.At.Sub(moment))
			moment = action.At
			continue
		}
		polled(moment, pki099)(order)
		if message(order) != said {
			said = message(order)
			messages++
		}
	}
	beginning := []int{10, 10, 10, 15, 22, 33, 50, 75, 113, 170, 256, 300, 300}
	for i, want := range beginning {
		if got := int(distances[i].Seconds()); got != want {
			t.Errorf("distance %d is %d s, want %d s", i, got, want)
		}
	}
	for i, distance := range distances[len(beginning):] {
		if distance != 5*time.Minute && distance != time.Hour {
			t.Errorf("distance %d is %s, neither 5 min nor an hour", i, distance)
		}
	}
	if last := distances[len(distances)-1]; last != time.Hour {
		t.Errorf("after the timeout it is %s, want an hour", last)
	}
	if messages != 1 {
		t.Errorf("the message has changed %d times, want once, when it became overdue", messages)
	}
	if polls := int(order.Status.Polls); polls != len(distances)-1 {
		t.Errorf("%d polls were counted, want one between each two of %d waits", polls, len(distances))
	}
}

func TestPollScheduleOfOddClocks(t *testing.T) {
	for claim, c := range map[string]struct {
		waited, timeout, want time.Duration
	}{
		"a clock that was set back since the acceptance": {-time.Hour, timeout, 10 * time.Second},
		"a clock that has made a leap":                   {1000 * time.Hour, timeout, time.Hour},
		"no timeout":                                     {1000 * time.Hour, 0, 5 * time.Minute},
		"exactly the timeout":                            {timeout, timeout, time.Hour},
		"just before it":                                 {timeout - 1, timeout, 5 * time.Minute},
	} {
		t.Run(claim, func(t *testing.T) {
			order := signNew(sent(now.Add(-c.waited), nil))
			call := ended(order, now)
			call.Timeout = c.timeout
			issuance.RecordPoll(order, nil, pki099, call)
			got := outcomeOf(order, now)
			if got.Again != c.want {
				t.Errorf("it waits %s, want %s", got.Again, c.want)
			}
			if overdue := got.Reason == v1alpha1.ReasonRetrievalOverdue; overdue != (c.want == time.Hour) {
				t.Errorf("it is %s", got.Reason)
			}
		})
	}
}

// TestAnOverdueRenewalIsAskedForUntilTheLastMinute: an hour is too long when the old certificate has less.
func TestAnOverdueRenewalIsAskedForUntilTheLastMinute(t *testing.T) {
	for left, want := range map[time.Duration]time.Duration{
		5 * time.Hour: time.Hour, 2 * time.Hour: 30 * time.Minute, time.Minute: 15 * time.Second, 0: 10 * time.Second,
		-time.Second: time.Hour, // There is no hurry any more.
	} {
		order := renewal(sent(now.Add(-timeout), nil))
		order.Spec.Renewal.NotAfter = metav1.Time{Time: now.Add(left)}
		polled(now, pki099)(order)
		if got := outcomeOf(order, now).Again; got != want {
			t.Errorf("with %s left it waits %s, want %s", left, got, want)
		}
	}
}

// TestMessagesAreStable: no event, and no write of a condition, per poll or per try.
func TestMessagesAreStable(t *testing.T) {
	for claim, c := range map[string]struct {
		order *v1alpha1.VeroOrder
		again edit
	}{
		"PKI099":          {signNew(sent(now, nil)), polled(now.Add(time.Minute), pki099)},
		"no connection":   {signNew(sent(now, nil)), polled(now.Add(time.Minute), errUnreachable)},
		"PKI099, overdue": {signNew(sent(now.Add(-timeout), nil)), polled(now, pki099)},
		"unverified":      {signNew(sent(now, nil)), polled(now.Add(time.Minute), errUnverified)},
		"PKI005":          {signNew(sent(now, nil)), polled(now.Add(time.Minute), pki005)},
		"wrong": {
			signNew(sent(now, nil)), polled(now.Add(time.Minute), wrongCertificate(pki.IssuedOtherPublicKey)),
		},
		"held up": {signNew(sent(now, nil)), heldUp(v1alpha1.ReasonIssuerNotReady)},
	} {
		t.Run(claim, func(t *testing.T) {
			c.again(c.order)
			before := c.order.DeepCopy().Status.Conditions
			for range 3 {
				c.again(c.order)
			}
			if difference := cmp.Diff(before, c.order.Status.Conditions); difference != "" {
				t.Errorf("the condition has changed (-before +after):\n%s", difference)
			}
		})
	}
}

// TestStoredTimes: no time gets earlier by being stored, and an intent is recognised by its time afterwards.
func TestStoredTimes(t *testing.T) {
	for _, odd := range []time.Duration{0, 1, 499, 500, 999, 1000, 1001, time.Microsecond - 1, time.Second - 1} {
		moment := now.Add(odd).In(time.FixedZone("EET", 2*60*60))
		order := signNew(intended(moment), func(o *v1alpha1.VeroOrder) {
			issuance.RecordSubmission(o, retrievalID, nil, ended(o, moment))
		})
		data, err := json.Marshal(order)
		if err != nil {
			t.Fatal(err)
		}
		read := &v1alpha1.VeroOrder{}
		if err := json.Unmarshal(data, read); err != nil {
			t.Fatal(err)
		}
		if !read.Status.SubmittedAt.Equal(order.Status.SubmittedAt) {
			t.Errorf("+%s: the intent was of %s, and is of %s", odd, order.Status.SubmittedAt, read.Status.SubmittedAt)
		}
		if read.Status.AcceptedAt.Time.Before(moment) || read.Status.AcceptedAt.Sub(moment) >= time.Microsecond {
			t.Errorf("+%s: accepted at %s is stored as %s", odd, moment, read.Status.AcceptedAt)
		}
		if early := moment.Add(issuance.FirstPoll - 1); issuance.Decide(ordered(read, at(early))).Verb == issuance.Poll {
			t.Errorf("+%s: it is polled before the 10 s are over", odd)
		}
	}
}
