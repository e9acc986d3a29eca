package orderstate_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/pki"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
	"github.com/varmenne/varmenne-issuer/internal/vero/facts"
	"github.com/varmenne/varmenne-issuer/internal/vero/orderstate"
)

// TestPoll: every way in which a GetCertificate can end without the certificate.
func TestPoll(t *testing.T) {
	young, old := sent(now.Add(-time.Minute), nil), sent(now.Add(-timeout), nil)
	polled := func(err error) edit { return polled(now, err) }
	waiting := accepted.but(again(30*time.Second), code("PKI099"))
	overdue := waiting.but(again(time.Hour), func(o *outcome) { o.Reason = v1alpha1.ReasonRetrievalOverdue })
	untrusted := waiting.but(withProblem(v1alpha1.ReasonUntrustedResponse), code("UntrustedResponse"))
	// A call that failed on its way is made again soon, once; the next one as planned.
	soon := func(o outcome) outcome { return o.but(again(10*time.Second), code("NoResponse")) }
	wrong := waiting.but(code("WrongCertificate"), func(o *outcome) { o.Reason = v1alpha1.ReasonWrongCertificate })
	others := wrong.but(code("OthersCertificate"))
	refused := refusedFor(v1alpha1.ReasonCredentialsRefused, "PKI020").but(withID(retrievalID))
	kept := "RetrievalId retrieval-1 is kept"
	contactWithID := "contact the certificate service, naming the interface that the certificate is for and the " +
		"RetrievalId"
	check(t, map[string]recorded{
		"PKI099 while young": {signNew(young, polled(pki099)), waiting, []string{retrievalID, "makes the certificate"}, ""},
		"PKI099 when old": {
			signNew(old, polled(pki099)), overdue,
			[]string{retrievalID, "PKI099", contactWithID, "delete VeroOrder sign-1"}, ""},
		"no connection while young": {
			signNew(young, polled(errUnreachable)), soon(waiting),
			[]string{retrievalID, "cannot be fetched: ", "connection refused"}, "makes the certificate"},
		"no connection before it was accepted is past": {
			signNew(sent(now.Add(-2*time.Minute), errUnreachable), young),
			accepted.but(again(-50*time.Second), code("NoResponse")),
			[]string{"makes the certificate"}, ""},
		"no connection when old": {
			signNew(old, polled(errUnreachable)), soon(overdue), []string{"connection refused"}, ""},
		"no response": {signNew(young, polled(errNoResponse)), soon(waiting), nil, ""},
		"no response twice in a row": {
			signNew(young, polled(errNoResponse), polled(errUnreachable)), waiting.but(code("NoResponse")), nil, ""},
		"no response, for the second time, but not in a row": {
			signNew(young, polled(errNoResponse), polled(pki099), polled(errUnreachable)), soon(waiting), nil, ""},
		"PKI005": {
			signNew(young, polled(pki005)),
			waiting.but(withProblem(v1alpha1.ReasonWrongEnvironment), code("PKI005")),
			[]string{"spec.url", kept}, "nothing was spent"},
		"PKI020":              {signNew(young, polled(pki020)), refused, []string{"correct the transfer Secret"}, ""},
		"PKI020 of a renewal": {renewal(young, polled(pki020)), refused, []string{"asked for anew"}, "transfer Secret"},
		"PKI010, which Get does not have": {
			signNew(young, polled(pki010)), waiting.but(code("PKI010")), nil, ""},
		"PKI015, which Get does not have": {signNew(young, polled(pki015)), waiting.but(code("PKI015")), nil, ""},
		"PKI030, which Get does not have": {signNew(young, polled(pki030)), waiting.but(code("PKI030")), nil, ""},
		"PKI080, which Get does not have": {signNew(young, polled(pki080)), waiting.but(code("PKI080")), nil, ""},
		"an unknown code":                 {signNew(young, polled(errUnknownCode)), waiting.but(code("PKI777")), nil, ""},
		"unverified": {
			signNew(young, polled(errUnverified)), untrusted, []string{"spec.trust.responses", kept}, ""},
		"unverified, and without a connection since": {
			signNew(young, polled(errUnverified), polled(errUnreachable)), soon(untrusted),
			[]string{"spec.trust.responses"}, ""},
		"unverified, and PKI099 since": {signNew(young, polled(errUnverified), polled(pki099)), waiting, nil, "spec.trust"},
		"unverified, and a wrong certificate since": {
			signNew(young, polled(errUnverified), polled(wrongCertificate(pki.IssuedExpired))), wrong, nil, "spec.trust"},
		"a certificate by a stranger": {
			signNew(young, polled(wrongCertificate(pki.IssuedUnknownAuthority))),
			waiting.but(withProblem(v1alpha1.ReasonUntrustedCertificate), code("WrongCertificate")),
			[]string{"spec.trust.issuance", kept}, ""},
		"a certificate for another key": {
			signNew(young, polled(wrongCertificate(pki.IssuedOtherPublicKey))), others,
			[]string{retrievalID, contactWithID, "delete VeroOrder"}, ""},
		"a certificate for another customer": {
			signNew(young, polled(wrongCertificate(pki.IssuedOtherCommonName))), others, nil, ""},
		"an expired certificate":      {signNew(young, polled(wrongCertificate(pki.IssuedExpired))), wrong, nil, ""},
		"a certificate of the future": {signNew(young, polled(wrongCertificate(pki.IssuedNotYetValid))), wrong, nil, ""},
		"a certificate that breaks a rule": {
			signNew(young, polled(wrongCertificate(pki.IssuedInvalidChain))), wrong, nil, ""},
	})
}

func TestPollThatBearsTheCertificate(t *testing.T) {
	leaf := leafUntil(t, "ours", now.AddDate(2, 0, 0))
	issued := &orderstate.Issued{Certificate: pkitest.PEM(leaf), CA: []byte("CA")}
	for claim, order := range map[string]*v1alpha1.VeroOrder{
		"of an accepted order":                               signNew(sent(now, nil)),
		"of one whose RetrievalId was not verified":          signNew(sent(now, unverifiedWith(retrievalID))),
		"of one that has a problem with its issuer":          signNew(sent(now, nil), polled(now, errUnverified)),
		"of one that another controller has given up":        signNew(sent(now, nil), polled(now, pki020)),
		"of one whose RetrievalId a person has brought back": signNew(adopting(retrievalID)),
		"of one that was deleted meanwhile, and made again":  signNew(annotatedWith(retrievalID)),
		"of one that was made again with another":            signNew(sent(now, unverifiedWith("another"))),
	} {
		t.Run(claim, func(t *testing.T) {
			call := ended(order, now)
			call.RetrievalID = retrievalID
			orderstate.RecordPoll(order, issued, nil, call)
			status := order.Status
			if status.State != v1alpha1.VeroOrderIssued || status.RetrievalIDUnverified || status.IssuerProblem != nil ||
				status.NextPollTime != nil || status.CompletionTime == nil || !cmp.Equal(status.Certificate, issued.Certificate) ||
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
			unchangedBy(t, order, func(o *v1alpha1.VeroOrder) {
				orderstate.RecordPoll(o, &orderstate.Issued{}, nil, ended(o, now))
			})
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

// TestPollErrorOfAnotherRetrievalID: another controller records a late response while this one asks.
func TestPollErrorOfAnotherRetrievalID(t *testing.T) {
	for claim, late := range map[string]edit{
		"changes nothing in one with a verified one since": func(o *v1alpha1.VeroOrder) {
			orderstate.RecordSubmission(o, "verified", nil, ended(o, now))
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
			unchangedBy(t, order, func(o *v1alpha1.VeroOrder) { orderstate.RecordPoll(o, nil, pki020, asked) })
		})
	}
}

// TestPollAfterARepair: a repair leads to one call at once, not to one after the other.
func TestPollAfterARepair(t *testing.T) {
	order := signNew(sent(now, nil), polled(now.Add(time.Minute), errUnverified))
	moment := now.Add(time.Minute + time.Second)
	poll.Check(t, orderstate.Decide(ordered(order, issuerEdited, at(moment))))
	call := ended(order, moment)
	call.IssuerGeneration++
	orderstate.RecordPoll(order, nil, errUnreachable, call)
	want{Verb: orderstate.Wait, Reason: v1alpha1.ReasonAwaitingCertificate}.Check(t,
		orderstate.Decide(ordered(order, issuerEdited, at(moment))))
}

// TestRetrievalIDWithoutItsTime: a backup has brought back a part of the status.
func TestRetrievalIDWithoutItsTime(t *testing.T) {
	order := signNew(intended(now), func(o *v1alpha1.VeroOrder) { o.Status.RetrievalID = retrievalID })
	polled(now, pki099)(order)
	if difference := cmp.Diff(accepted.but(code("PKI099")), outcomeOf(order, now)); difference != "" {
		t.Errorf("the outcome differs (-want +got):\n%s", difference)
	}
	if order.Status.AcceptanceTime == nil {
		t.Error("nothing is known of the time of its acceptance")
	}
}
