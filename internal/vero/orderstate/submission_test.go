package orderstate_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/pki"
	"github.com/varmenne/varmenne-issuer/internal/vero/orderstate"
	"github.com/varmenne/varmenne-issuer/internal/vero/protocol"
)

// TestSubmission: every way in which a submission can end without a response, or with one that cannot be relied on.
func TestSubmission(t *testing.T) {
	sent := func(err error) edit { return sent(now, err) }
	doubtful := outcome{
		Phase: submitting, Reason: v1alpha1.ReasonUncertain, Uncertain: true, Again: 10 * time.Second, Code: "NoResponse",
	}
	says := []string{"tried again; nothing was spent"}
	const never = "nothing was spent"
	check(t, map[string]recorded{
		"accepted": {signNew(sent(nil)), accepted, []string{retrievalID}, ""},
		"no connection": {
			signNew(sent(errUnreachable)), retrying, []string{"connection refused; it is", "tried again; nothing"}, ""},
		"untrusted endpoint": {signNew(sent(&protocol.UntrustedServerError{Host: "h", Err: errUnknown})), retrying, says, ""},
		"forbidden endpoint": {
			signNew(sent(&protocol.ForbiddenEndpointError{Host: "h", Err: errUnknown})), retrying, says, ""},
		"SOAP Fault":            {signNew(sent(&protocol.FaultError{Code: "Client", Text: "invalid"})), retrying, says, ""},
		"HTTP 404":              {signNew(sent(&protocol.HTTPError{Status: 404})), retrying, says, ""},
		"a field breaks a rule": {signNew(sent(&protocol.FieldError{Field: "CustomerName"})), retrying, says, ""},
		"no connection in doubt": {
			signNew(sent(errNoResponse), sent(errUnreachable)), retrying.but(inDoubt, again(20*time.Second)), nil, never},
		"HTTP 408":          {signNew(sent(&protocol.HTTPError{Status: 408})), doubtful, []string{"sent again"}, never},
		"a redirection":     {signNew(sent(&protocol.HTTPError{Status: 307})), doubtful, []string{"sent again"}, never},
		"half a request":    {signNew(sent(&protocol.InterruptedError{Unsent: true, Err: errUnknown})), retrying, says, ""},
		"HTTP 502":          {signNew(sent(&protocol.HTTPError{Status: 502})), doubtful, []string{"sent again"}, never},
		"timeout":           {signNew(sent(errNoResponse)), doubtful, []string{"may have processed"}, never},
		"oversize response": {signNew(sent(&protocol.OversizeError{Limit: 9})), doubtful, nil, never},
		"not XML":           {signNew(sent(&protocol.NotXMLError{Err: errUnknown})), doubtful, nil, never},
		"an unexpected response": {
			signNew(sent(&protocol.ResponseError{Problem: "no Result"})), doubtful, nil, never,
		},
		"wrapped errors are seen through": {signNew(sent(fmt.Errorf("call: %w", errNoResponse))), doubtful, nil, never},
		"unverified without a RetrievalId": {
			signNew(sent(errUnverified)), doubtful.but(withProblem(v1alpha1.ReasonUntrustedResponse), code("UntrustedResponse")),
			[]string{"spec.trust.responses"}, never},
		"unverified with a RetrievalId": {
			signNew(sent(unverifiedWith("x"))),
			accepted.but(inDoubt, withID("x"), withProblem(v1alpha1.ReasonUntrustedResponse), code("UntrustedResponse")),
			[]string{"spec.trust.responses", "RetrievalId x is kept"}, ""},
	})
}

// TestReceipt: a RetrievalId that stood in a response which cannot be relied on is tried, and leads back to where the
// order would have been without it when a verified response says that it is not the order's.
func TestReceipt(t *testing.T) {
	damaged := func(err error) edit { return sent(now, &protocol.UnverifiedError{RetrievalID: retrievalID, Err: err}) }
	notXML, notFound := &protocol.NotXMLError{Err: errUnknown}, &protocol.HTTPError{Status: 404}
	polled := func(err error) edit { return polled(now, err) }
	kept := accepted.but(inDoubt, code("NoResponse"))
	back := outcome{
		Phase: submitting, Reason: v1alpha1.ReasonUncertain, Uncertain: true, Again: 11 * time.Second, Code: "PKI020",
	}
	says := []string{retrievalID, "leads to nothing", "PKI020", "sent again with the same authorization"}
	unread := retrying.but(code("PKI020"), again(11*time.Second))
	wrong := back.but(code("OthersCertificate"))
	const never = "has accepted"
	check(t, map[string]recorded{
		"a damaged response": {signNew(damaged(notXML)), kept, []string{retrievalID, "is kept", "asked for with it"}, never},
		"HTTP 404":           {signNew(damaged(notFound)), accepted.but(code("NoResponse")), nil, never},
		"HTTP 404 in doubt stays in doubt": {
			signNew(sent(now, errNoResponse), damaged(notFound)), kept, nil, never},
		"PKI099": {signNew(damaged(notXML), polled(pki099)), kept.but(code("PKI099")),
			[]string{"is kept; the certificate is asked for with it; the last error: ", "PKI099"}, never},
		"no connection": {signNew(damaged(notXML), polled(errUnreachable)), kept, []string{"is kept"}, never},
		"PKI020 once": {signNew(damaged(notXML), polled(pki020)), kept.but(code("PKI020")),
			[]string{retrievalID, "seems to lead to nothing", "PKI020", "tried once more"}, "sent again"},
		"another's certificate once": {
			signNew(damaged(notXML), polled(wrongCertificate(pki.IssuedOtherPublicKey))),
			kept.but(code("OthersCertificate")), []string{"tried once more"}, "sent again"},
		"another's certificate after one of its own that is wrong": {
			signNew(damaged(notXML), disowned(wrongCertificate(pki.IssuedExpired)),
				polled(wrongCertificate(pki.IssuedOtherPublicKey))),
			kept.but(code("OthersCertificate")), []string{"tried once more"}, "sent again"},
		"PKI020 once, after others": {
			signNew(damaged(notXML), polled(pki099), polled(pki020)),
			kept.but(code("PKI020")), []string{"tried once more"}, "sent again"},
		"PKI020": {signNew(damaged(notXML), disowned(pki020)), back, says, "nothing was spent"},
		"PKI020 after a signature that did not verify": {
			signNew(sent(now, unverifiedWith(retrievalID)), disowned(pki020)), back, says, "spec.trust"},
		"PKI020 after HTTP 404": {
			signNew(damaged(notFound), disowned(pki020)), unread, []string{"leads to nothing", "nothing was spent"}, ""},
		"PKI020 of a renewal": {renewal(damaged(notXML), disowned(pki020)), back, says, ""},
		"another's certificate": {
			signNew(damaged(notXML), disowned(wrongCertificate(pki.IssuedOtherPublicKey))), wrong, nil, ""},
		"another customer's certificate": {
			signNew(damaged(notXML), disowned(wrongCertificate(pki.IssuedOtherCommonName))), wrong, nil, ""},
		"an expired certificate is the order's": {
			signNew(damaged(notXML), polled(wrongCertificate(pki.IssuedExpired))),
			kept.but(code("WrongCertificate"), func(o *outcome) { o.Reason = v1alpha1.ReasonWrongCertificate }), nil, ""},
		"the same once more": {
			signNew(damaged(notXML), disowned(pki020), damaged(errNoResponse)),
			back.but(again(20*time.Second), code("NoResponse")), nil, "is kept"},
		"another one": {
			signNew(sent(now, unverifiedWith("x")), disowned(pki020), damaged(notXML)), kept, []string{"is kept"}, ""},
		"accepted afterwards": {
			signNew(damaged(notXML), disowned(pki020), sent(now, nil)), accepted.but(inDoubt, code("PKI020")), nil, ""},
		"PKI020 for the request, too": {
			signNew(damaged(notXML), disowned(pki020), sent(now, pki020)),
			refusedFor(v1alpha1.ReasonResponseLost, "PKI020").but(inDoubt), nil, ""},
	})
	order := signNew(damaged(notXML), disowned(pki020))
	if order.Status.RefusedRetrievalID != retrievalID || order.Status.AcceptanceTime != nil {
		t.Errorf("what was tried is not remembered: %+v", order.Status)
	}
}

// TestRefusedSubmission: the rows of the code table (docs/protocol.md, Error codes).
func TestRefusedSubmission(t *testing.T) {
	sent := func(err error) edit { return sent(now, err) }
	technical := retrying.but(code("PKI099"))
	wrongEnvironment := technical.but(withProblem(v1alpha1.ReasonWrongEnvironment), code("PKI005"))
	responseLost := refusedFor(v1alpha1.ReasonResponseLost, "PKI020").but(inDoubt)
	says := []string{"tried again; nothing was spent"}
	const never = "nothing was spent"
	check(t, map[string]recorded{
		"PKI005": {
			signNew(sent(pki005)), wrongEnvironment,
			[]string{"environment TEST (PKI005)", "spec.url", "nothing was spent"}, ""},
		"PKI005 in doubt": {
			signNew(sent(errNoResponse), sent(pki005)),
			wrongEnvironment.but(inDoubt, again(20*time.Second)), nil, never},
		"PKI020": {
			signNew(sent(pki020)), refusedFor(v1alpha1.ReasonCredentialsRefused, "PKI020"),
			[]string{"correct the transfer Secret"}, ""},
		"PKI020 in doubt": {
			signNew(sent(errNoResponse), sent(pki020)), responseLost,
			[]string{"sent 2 times", "an earlier response was lost", "put them into Secret vero-transfer"}, ""},
		"PKI020 after a crash": {signNew(intended(now), sent(pki020)), responseLost, nil, ""},
		"PKI030": {
			signNew(sent(pki030)), refusedFor(v1alpha1.ReasonRequestRefused, "PKI030"),
			[]string{"a new request is needed"}, ""},
		"PKI099": {signNew(sent(pki099)), technical, says, ""},
		"PKI099 in doubt": {
			signNew(sent(errNoResponse), sent(pki099)), technical.but(inDoubt, again(20*time.Second)), nil, never},
		"an unknown code":              {signNew(sent(errUnknownCode)), technical.but(code("PKI777")), says, ""},
		"PKI010, which only Renew has": {signNew(sent(pki010)), technical.but(code("PKI010")), says, ""},
		"PKI015, which only Renew has": {signNew(sent(pki015)), technical.but(code("PKI015")), says, ""},
		"PKI080, which only Renew has": {signNew(sent(pki080)), technical.but(code("PKI080")), says, ""},
		"renewal: accepted":            {renewal(sent(nil)), accepted, nil, ""},
		"renewal: PKI010": {
			renewal(sent(pki010)), refusedFor(v1alpha1.ReasonSignatureRefused, "PKI010"),
			[]string{"Secret of the Certificate"}, ""},
		"renewal: PKI015": {
			renewal(sent(pki015)), refusedFor(v1alpha1.ReasonRenewalRefused, "PKI015"),
			[]string{"transfer credentials"}, ""},
		"renewal: PKI030": {renewal(sent(pki030)), refusedFor(v1alpha1.ReasonRequestRefused, "PKI030"), nil, ""},
		"renewal: PKI080": {
			renewal(sent(pki080)),
			outcome{Phase: pending, Reason: v1alpha1.ReasonWaitingForWindow, Again: time.Hour, Code: "PKI080"},
			[]string{"every hour"}, ""},
		"renewal: PKI099": {renewal(sent(pki099)), technical, says, ""},
		"renewal: PKI020, which Renew does not have": {renewal(sent(pki020)), technical.but(code("PKI020")), says, ""},
		"renewal: PKI020 in doubt speaks of no transfer Secret": {
			renewal(sent(errNoResponse), sent(pki020)),
			technical.but(inDoubt, code("PKI020"), again(20*time.Second)), nil, "Secret tls"},
	})
}

// TestOutcomeThatIsRecordedTwice: the API server took the first write, and its response did not come back.
func TestOutcomeThatIsRecordedTwice(t *testing.T) {
	for _, err := range []error{errUnreachable, pki099, pki020} {
		order := signNew(sent(now, err))
		call := ended(order, now.Add(time.Minute))
		unchangedBy(t, order, func(o *v1alpha1.VeroOrder) { orderstate.RecordSubmission(o, "", err, call) })
	}
	order := signNew(sent(now, nil))
	call := ended(order, now.Add(time.Minute))
	unchangedBy(t, order, func(o *v1alpha1.VeroOrder) { orderstate.RecordSubmission(o, retrievalID, nil, call) })
}

// TestLateResponses: a controller that was frozen in its call records the outcome after another one has gone on.
func TestLateResponses(t *testing.T) {
	leaf := leafUntil(t, "ours", now.AddDate(2, 0, 0))
	first := signNew(intended(now.Add(-time.Minute)))
	call := ended(first, now)
	late := func(id string, err error) edit {
		return func(o *v1alpha1.VeroOrder) { orderstate.RecordSubmission(o, id, err, call) }
	}
	retried := intended(now.Add(-time.Second))
	build := func(edits ...edit) *v1alpha1.VeroOrder {
		order := first.DeepCopy()
		for _, edit := range edits {
			edit(order)
		}
		return order
	}
	refused := sent(now, pki020)
	unverified := sent(now, unverifiedWith("x"))
	kept := accepted.but(inDoubt, withID("late"))
	untrusted := kept.but(withProblem(v1alpha1.ReasonUntrustedResponse), code("UntrustedResponse"))
	check(t, map[string]recorded{
		"a RetrievalId counts while the next try is on its way": {build(retried, late("late", nil)), kept, nil, ""},
		"it revives an order that was lost": {
			build(retried, refused, late("late", nil)), kept.but(code("PKI020")), nil, ""},
		"it revives an order that was withdrawn": {
			build(abandoned(v1alpha1.ReasonWithdrawn), late("late", nil)), accepted.but(withID("late")), nil, ""},
		"also unverified": {build(retried, refused, late("", unverifiedWith("late"))), untrusted, nil, ""},
		"it replaces one that is not verified": {
			build(retried, unverified, late("late", nil)), kept.but(code("UntrustedResponse")), nil, ""},
		"it does not replace a verified one, and is noted": {
			build(retried, sent(now, nil), late("late", nil)), kept.but(withID(retrievalID), code("LateResponse")), nil, ""},
		"an unverified one does not replace a verified one": {
			build(retried, sent(now, nil), late("", unverifiedWith("late"))),
			kept.but(withID(retrievalID), code("LateResponse")), nil, ""},
		"an unverified one does not replace one that is being tried": {
			build(retried, unverified, late("", unverifiedWith("late"))),
			untrusted.but(withID("x"), code("LateResponse")), nil, ""},
		"but one that has led to nothing": {
			build(retried, unverified, disowned(pki020), late("", unverifiedWith("late"))),
			untrusted, nil, ""},
		"the same RetrievalId again changes nothing": {
			build(retried, sent(now, nil), late(retrievalID, nil)), kept.but(withID(retrievalID)), nil, ""},
	})
	noted := build(sent(now, nil), late("late", nil)).Status.LastError
	if !strings.Contains(noted.Message, "RetrievalId late") {
		t.Errorf("the second RetrievalId is not noted: %+v", noted)
	}
	revived := build(retried, refused, late("late", nil))
	if revived.Status.CompletionTime != nil {
		t.Error("a revived order has an end")
	}
	for claim, order := range map[string]*v1alpha1.VeroOrder{
		"an error of an older intent is ignored while the next try is on its way": build(retried),
		"an error is ignored when the order was accepted":                         build(retried, sent(now, nil)),
		"an error is ignored when the order has failed":                           build(retried, refused),
		"an error is ignored when the next try has ended without a response": build(retried, func(o *v1alpha1.VeroOrder) {
			orderstate.RecordSubmission(o, "", errNoResponse, ended(o, now))
		}),
	} {
		for _, err := range []error{errUnreachable, errNoResponse, pki020, errUnverified} {
			t.Run(fmt.Sprintf("%s: %T", claim, err), func(t *testing.T) { unchangedBy(t, order, late("", err)) })
		}
	}
	t.Run("an issued order stays issued", func(t *testing.T) {
		order := signNew(bore(leaf))
		for _, err := range []error{nil, unverifiedWith("late"), pki020} {
			late("late", err)(order)
			if order.Status.State != v1alpha1.VeroOrderIssued || order.Status.RetrievalID != retrievalID {
				t.Fatalf("after %v it is %s with RetrievalId %s", err, order.Status.State, order.Status.RetrievalID)
			}
		}
	})
}

func TestIntent(t *testing.T) {
	order := signNew(intended(now))
	if order.Status.Uncertain || order.Status.Submissions != 1 || order.Status.PasswordFingerprint != password {
		t.Errorf("the first intent: %+v", order.Status)
	}
	intended(now.Add(time.Second))(order)
	if !order.Status.Uncertain || order.Status.Submissions != 2 {
		t.Errorf("an intent that follows one without an outcome is uncertain: %+v", order.Status)
	}
	calm := signNew(sent(now, errUnreachable), intended(now.Add(time.Minute)))
	if calm.Status.Uncertain || calm.Status.NextSubmitTime != nil {
		t.Errorf("an intent that follows a known outcome is certain: %+v", calm.Status)
	}
}
