package issuance_test

import (
	"fmt"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/issuance"
	"github.com/varmenne/varmenne-issuer/internal/pki"
	"github.com/varmenne/varmenne-issuer/internal/reasons"
	"github.com/varmenne/varmenne-issuer/internal/vero"
)

// TestSubmission: every way in which a submission can end without an answer, or with one that cannot be relied on.
func TestSubmission(t *testing.T) {
	sent := func(err error) edit { return sent(now, err) }
	doubtful := outcome{
		Phase: submitting, Reason: v1alpha1.ReasonUncertain, Uncertain: true, Again: 10 * time.Second, Code: "NoAnswer",
	}
	says := []string{"tried again; nothing was spent"}
	const never = "nothing was spent"
	check(t, map[string]recorded{
		"accepted": {signNew(sent(nil)), accepted, []string{retrievalID}, ""},
		"no connection": {
			signNew(sent(errUnreachable)), retrying, []string{"connection refused; it is", "tried again; nothing"}, ""},
		"untrusted endpoint": {
			signNew(sent(&vero.UntrustedServerError{Host: "h", Err: errUnknown})), retrying, says, ""},
		"forbidden endpoint": {
			signNew(sent(&vero.ForbiddenEndpointError{Host: "h", Err: errUnknown})), retrying, says, ""},
		"SOAP Fault":            {signNew(sent(&vero.FaultError{Code: "Client", Text: "invalid"})), retrying, says, ""},
		"HTTP 404":              {signNew(sent(&vero.HTTPError{Status: 404})), retrying, says, ""},
		"a field breaks a rule": {signNew(sent(&vero.FieldError{Field: "CustomerName"})), retrying, says, ""},
		"no connection in doubt": {
			signNew(sent(errNoAnswer), sent(errUnreachable)), retrying.but(inDoubt, again(20*time.Second)), nil, never},
		"HTTP 408": {
			signNew(sent(&vero.HTTPError{Status: 408})), doubtful, []string{"sent again"}, never,
		},
		"a redirection": {
			signNew(sent(&vero.HTTPError{Status: 307})), doubtful, []string{"sent again"}, never,
		},
		"half a request": {
			signNew(sent(&vero.InterruptedError{Unsent: true, Err: errUnknown})), retrying, says, "",
		},
		"HTTP 502": {
			signNew(sent(&vero.HTTPError{Status: 502})), doubtful, []string{"sent again"}, never,
		},
		"timeout":                         {signNew(sent(errNoAnswer)), doubtful, []string{"may have processed"}, never},
		"oversize answer":                 {signNew(sent(&vero.OversizeError{Limit: 9})), doubtful, nil, never},
		"not XML":                         {signNew(sent(&vero.NotXMLError{Err: errUnknown})), doubtful, nil, never},
		"another answer":                  {signNew(sent(&vero.AnswerError{Problem: "no Result"})), doubtful, nil, never},
		"wrapped errors are seen through": {signNew(sent(fmt.Errorf("call: %w", errNoAnswer))), doubtful, nil, never},
		"unverified without a RetrievalId": {
			signNew(sent(errUnverified)), doubtful.but(blaming(v1alpha1.ReasonUntrustedAnswer), code("UntrustedAnswer")),
			[]string{"spec.trust.responses"}, never},
		"unverified with a RetrievalId": {
			signNew(sent(unverifiedWith("x"))),
			accepted.but(inDoubt, withID("x"), blaming(v1alpha1.ReasonUntrustedAnswer), code("UntrustedAnswer")),
			[]string{"spec.trust.responses", "RetrievalId x is kept"}, ""},
	})
}

// TestReceipt: a RetrievalId that stood in an answer which cannot be relied on is tried, and leads back to where the
// order would have been without it when a verified answer says that it is not the order's.
func TestReceipt(t *testing.T) {
	damaged := func(err error) edit { return sent(now, &vero.UnverifiedError{RetrievalID: retrievalID, Err: err}) }
	notXML, notFound := &vero.NotXMLError{Err: errUnknown}, &vero.HTTPError{Status: 404}
	polled := func(err error) edit { return polled(now, err) }
	kept := accepted.but(inDoubt, code("NoAnswer"))
	back := outcome{
		Phase: submitting, Reason: v1alpha1.ReasonUncertain, Uncertain: true, Again: 10 * time.Second, Code: "PKI020",
	}
	says := []string{retrievalID, "leads to nothing", "PKI020", "sent again with the same authorisation"}
	unread := retrying.but(code("PKI020"))
	wrong := back.but(code("WrongCertificate"))
	const never = "has accepted"
	check(t, map[string]recorded{
		"a damaged answer": {signNew(damaged(notXML)), kept, []string{retrievalID, "is kept", "asked for with it"}, never},
		"HTTP 404":         {signNew(damaged(notFound)), accepted.but(code("NoAnswer")), nil, never},
		"PKI099":           {signNew(damaged(notXML), polled(pki099)), kept.but(code("PKI099")), []string{"is kept"}, never},
		"no connection":    {signNew(damaged(notXML), polled(errUnreachable)), kept, []string{"is kept"}, never},
		"PKI020":           {signNew(damaged(notXML), polled(pki020)), back, says, "nothing was spent"},
		"PKI020 after a signature that did not verify": {
			signNew(sent(now, unverifiedWith(retrievalID)), polled(pki020)), back, says, "spec.trust"},
		"PKI020 after HTTP 404": {
			signNew(damaged(notFound), polled(pki020)), unread, []string{"leads to nothing", "nothing was spent"}, ""},
		"PKI020 of a renewal": {renewal(damaged(notXML), polled(pki020)), back, says, ""},
		"another's certificate": {
			signNew(damaged(notXML), polled(wrongCertificate(pki.IssuedOtherPublicKey))), wrong, nil, ""},
		"another customer's certificate": {
			signNew(damaged(notXML), polled(wrongCertificate(pki.IssuedOtherCommonName))), wrong, nil, ""},
		"an expired certificate is the order's": {
			signNew(damaged(notXML), polled(wrongCertificate(pki.IssuedExpired))),
			kept.but(code("WrongCertificate"), func(o *outcome) { o.Reason = v1alpha1.ReasonWrongCertificate }), nil, ""},
		"the same once more": {
			signNew(damaged(notXML), polled(pki020), damaged(errNoAnswer)),
			back.but(again(20*time.Second), code("NoAnswer")), nil, "is kept"},
		"another one": {
			signNew(sent(now, unverifiedWith("x")), polled(pki020), damaged(notXML)), kept, []string{"is kept"}, ""},
		"accepted afterwards": {
			signNew(damaged(notXML), polled(pki020), sent(now, nil)), accepted.but(inDoubt, code("PKI020")), nil, ""},
		"PKI020 for the request, too": {
			signNew(damaged(notXML), polled(pki020), sent(now, pki020)),
			refusedFor(v1alpha1.ReasonAnswerLost, "PKI020").but(inDoubt), nil, ""},
	})
	order := signNew(damaged(notXML), polled(pki020))
	if order.Status.RefusedRetrievalID != retrievalID || order.Status.AcceptedAt != nil {
		t.Errorf("what was tried is not remembered: %+v", order.Status)
	}
}

// TestRetryAfter: the endpoint's wish counts where it is longer than our distance, up to an hour, and never beyond what
// a renewal has left.
func TestRetryAfter(t *testing.T) {
	for claim, c := range map[string]struct {
		wish, left, submit, poll time.Duration
	}{
		"none":                 {0, 0, 10 * time.Second, 10 * time.Second},
		"less than ours":       {time.Second, 0, 10 * time.Second, 10 * time.Second},
		"two minutes":          {2 * time.Minute, 0, 2 * time.Minute, 2 * time.Minute},
		"a day":                {24 * time.Hour, 0, time.Hour, time.Hour},
		"a renewal with time":  {30 * time.Minute, 1000 * time.Hour, 30 * time.Minute, 30 * time.Minute},
		"one near its end":     {30 * time.Minute, time.Hour, 15 * time.Minute, 15 * time.Minute},
		"one with two minutes": {30 * time.Minute, 2 * time.Minute, 30 * time.Second, 30 * time.Second},
	} {
		t.Run(claim, func(t *testing.T) {
			for _, status := range []int{429, 503} {
				err := &vero.HTTPError{Status: status, RetryAfter: c.wish}
				order := func(edits ...edit) *v1alpha1.VeroOrder {
					if c.left == 0 {
						return signNew(edits...)
					}
					ending := func(o *v1alpha1.VeroOrder) { o.Spec.Renewal.NotAfter = metav1.Time{Time: now.Add(c.left)} }
					return renewal(append([]edit{ending}, edits...)...)
				}
				if got := outcomeOf(order(sent(now, err)), now).Again; got != c.submit {
					t.Errorf("HTTP %d: it is sent again after %s, want %s", status, got, c.submit)
				}
				if got := outcomeOf(order(sent(now, nil), polled(now, err)), now).Again; got != c.poll {
					t.Errorf("HTTP %d: it is asked for after %s, want %s", status, got, c.poll)
				}
			}
		})
	}
}

// TestRefusedSubmission: the rows of the code table (docs/protocol.md, Error codes).
func TestRefusedSubmission(t *testing.T) {
	sent := func(err error) edit { return sent(now, err) }
	technical := retrying.but(code("PKI099"))
	wrongEnvironment := technical.but(blaming(v1alpha1.ReasonWrongEnvironment), code("PKI005"))
	answerLost := refusedFor(v1alpha1.ReasonAnswerLost, "PKI020").but(inDoubt)
	says := []string{"tried again; nothing was spent"}
	const never = "nothing was spent"
	check(t, map[string]recorded{
		"PKI005": {
			signNew(sent(pki005)), wrongEnvironment,
			[]string{"environment TEST (PKI005)", "spec.url", "nothing was spent"}, ""},
		"PKI005 in doubt": {
			signNew(sent(errNoAnswer), sent(pki005)),
			wrongEnvironment.but(inDoubt, again(20*time.Second)), nil, never},
		"PKI020": {
			signNew(sent(pki020)), refusedFor(v1alpha1.ReasonCredentialsRefused, "PKI020"),
			[]string{"correct the transfer Secret"}, ""},
		"PKI020 in doubt": {
			signNew(sent(errNoAnswer), sent(pki020)), answerLost,
			[]string{"sent 2 times", "an earlier answer was lost", "put them into Secret vero-transfer"}, ""},
		"PKI020 after a crash": {signNew(intended(now), sent(pki020)), answerLost, nil, ""},
		"PKI030": {
			signNew(sent(pki030)), refusedFor(v1alpha1.ReasonRequestRefused, "PKI030"),
			[]string{"a new request is needed"}, ""},
		"PKI099": {signNew(sent(pki099)), technical, says, ""},
		"PKI099 in doubt": {
			signNew(sent(errNoAnswer), sent(pki099)), technical.but(inDoubt, again(20*time.Second)), nil, never},
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
		"renewal: PKI030": {
			renewal(sent(pki030)), refusedFor(v1alpha1.ReasonRequestRefused, "PKI030"), nil, ""},
		"renewal: PKI080": {
			renewal(sent(pki080)),
			outcome{Phase: pending, Reason: v1alpha1.ReasonWaitingForWindow, Again: time.Hour, Code: "PKI080"},
			[]string{"every hour"}, ""},
		"renewal: PKI099": {renewal(sent(pki099)), technical, says, ""},
		"renewal: PKI020, which Renew does not have": {
			renewal(sent(pki020)), technical.but(code("PKI020")), says, ""},
		"renewal: PKI020 in doubt speaks of no transfer Secret": {
			renewal(sent(errNoAnswer), sent(pki020)),
			technical.but(inDoubt, code("PKI020"), again(20*time.Second)), nil, "Secret tls"},
	})
}

// TestRetryDistance: it doubles, up to 5 minutes where the way failed and an hour where the service refused.
func TestRetryDistance(t *testing.T) {
	for claim, c := range map[string]struct {
		err     error
		seconds []int
	}{
		"no connection": {errUnreachable, []int{10, 20, 40, 80, 160, 300, 300, 300}},
		"no answer":     {errNoAnswer, []int{10, 20, 40, 80, 160, 300, 300}},
		"PKI099":        {pki099, []int{10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600}},
		"PKI005":        {pki005, []int{10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600}},
	} {
		t.Run(claim, func(t *testing.T) {
			order := signNew()
			for i, seconds := range c.seconds {
				sent(now, c.err)(order)
				if got := outcomeOf(order, now).Again.Seconds(); got != float64(seconds) {
					t.Errorf("after submission %d it waits %v s, want %d s", i+1, got, seconds)
				}
			}
		})
	}
	t.Run("a Warning from the fifth on", func(t *testing.T) {
		order := signNew()
		for i := range 6 {
			sent(now, pki099)(order)
			if warns := !reasons.Of(outcomeOf(order, now).Reason).Quiet; warns != (i >= 4) {
				t.Errorf("submission %d warns: %t", i+1, warns)
			}
		}
	})
}

// TestOutcomeThatIsRecordedTwice: the API server took the first write, and its answer did not come back.
func TestOutcomeThatIsRecordedTwice(t *testing.T) {
	for _, err := range []error{errUnreachable, pki099, pki020} {
		order := signNew(sent(now, err))
		call := ended(order, now.Add(time.Minute))
		unchangedBy(t, order, func(o *v1alpha1.VeroOrder) { issuance.RecordSubmission(o, "", err, call) })
	}
	order := signNew(sent(now, nil))
	call := ended(order, now.Add(time.Minute))
	unchangedBy(t, order, func(o *v1alpha1.VeroOrder) { issuance.RecordSubmission(o, retrievalID, nil, call) })
}

// TestProblemWithTheIssuer: it is reported of exactly what was used, and goes away with a verified answer.
func TestProblemWithTheIssuer(t *testing.T) {
	order := signNew(sent(now, errUnverified))
	problem := order.Status.IssuerProblem
	if problem.IssuerGeneration != generation || problem.TrustDigest != trustDigest || !problem.Time.Time.Equal(now) {
		t.Errorf("the problem is of another issuer: %+v", problem)
	}
	retryWith := func(order *v1alpha1.VeroOrder, generation int64, err error) {
		intended(now)(order)
		call := ended(order, now)
		call.IssuerGeneration = generation
		issuance.RecordSubmission(order, "", err, call)
	}
	retryWith(order, generation, errUnreachable)
	if order.Status.IssuerProblem == nil {
		t.Error("a call without an answer has removed the problem")
	}
	retryWith(order, generation+1, errUnreachable)
	if order.Status.IssuerProblem != nil {
		t.Error("the problem of another spec stays, and every call is made at once because of it")
	}
	sent(now, errUnverified)(order)
	sent(now, pki099)(order)
	if order.Status.IssuerProblem != nil {
		t.Error("a verified refusal has not removed the problem")
	}
	sent(now, errUnverified)(order)
	sent(now, nil)(order)
	if order.Status.IssuerProblem != nil {
		t.Error("the acceptance has not removed the problem")
	}
}
