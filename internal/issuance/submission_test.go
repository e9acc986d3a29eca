package issuance_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/issuance"
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
		"SOAP Fault":            {signNew(sent(&vero.FaultError{Code: "Client", Text: "invalid"})), retrying, says, ""},
		"HTTP 404":              {signNew(sent(&vero.HTTPError{Status: 404})), retrying, says, ""},
		"a field breaks a rule": {signNew(sent(&vero.FieldError{Field: "CustomerName"})), retrying, says, ""},
		"no connection in doubt": {
			signNew(sent(errNoAnswer), sent(errUnreachable)), retrying.but(inDoubt, again(20*time.Second)), nil, never},
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
			accepted.but(withID("x"), blaming(v1alpha1.ReasonUntrustedAnswer), code("UntrustedAnswer")),
			[]string{"spec.trust.responses", "RetrievalId x is kept"}, ""},
	})
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
			if warns := issuance.Warns(outcomeOf(order, now).Reason); warns != (i >= 4) {
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
