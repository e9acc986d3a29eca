package issuance_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/issuance"
	"github.com/varmenne/varmenne-issuer/internal/vero"
)

// outcome is what matters of an order after something was recorded.
type outcome struct {
	Phase     v1alpha1.OrderPhase
	Reason    string
	ID        string
	Uncertain bool
	// Again is the time to the next submission or poll, 0 if none is planned.
	Again time.Duration
	// Blamed is the reason of the problem that is reported of the issuer.
	Blamed string
	// Code is that of the last error.
	Code string
}

// but is the outcome with some of it different.
func (o outcome) but(differences ...func(*outcome)) outcome {
	for _, differ := range differences {
		differ(&o)
	}
	return o
}

func inDoubt(o *outcome) { o.Uncertain = true }

func code(code string) func(*outcome) { return func(o *outcome) { o.Code = code } }

func again(after time.Duration) func(*outcome) { return func(o *outcome) { o.Again = after } }

func withID(id string) func(*outcome) { return func(o *outcome) { o.ID = id } }

func blaming(reason string) func(*outcome) {
	return func(o *outcome) { o.Reason, o.Blamed = reason, reason }
}

// outcomeOf reads an order, to which something happened at a moment.
func outcomeOf(order *v1alpha1.VeroOrder, moment time.Time) outcome {
	status := &order.Status
	got := outcome{Phase: status.Phase, ID: status.RetrievalID, Uncertain: status.Uncertain}
	if condition := meta.FindStatusCondition(status.Conditions, v1alpha1.ConditionReady); condition != nil {
		got.Reason = condition.Reason
	}
	switch {
	case status.NextSubmitTime != nil:
		got.Again = status.NextSubmitTime.Sub(moment)
	case status.NextPollTime != nil:
		got.Again = status.NextPollTime.Sub(moment)
	}
	if status.IssuerProblem != nil {
		got.Blamed = status.IssuerProblem.Reason
	}
	if status.LastError != nil {
		got.Code = status.LastError.Code
	}
	return got
}

func message(order *v1alpha1.VeroOrder) string {
	condition := meta.FindStatusCondition(order.Status.Conditions, v1alpha1.ConditionReady)
	if condition == nil {
		return ""
	}
	return condition.Message
}

// recorded is an order and what it must have become; says is what its message must contain, never what it must not.
type recorded struct {
	order *v1alpha1.VeroOrder
	want  outcome
	says  []string
	never string
}

func check(t *testing.T, cases map[string]recorded) {
	t.Helper()
	for claim, c := range cases {
		t.Run(claim, func(t *testing.T) {
			if difference := cmp.Diff(c.want, outcomeOf(c.order, now)); difference != "" {
				t.Errorf("the outcome differs (-want +got):\n%s", difference)
			}
			for _, text := range c.says {
				if !strings.Contains(message(c.order), text) {
					t.Errorf("the message does not say %q: %s", text, message(c.order))
				}
			}
			if c.never != "" && strings.Contains(message(c.order), c.never) {
				t.Errorf("the message says %q: %s", c.never, message(c.order))
			}
		})
	}
}

const (
	pending    = v1alpha1.PhasePending
	submitting = v1alpha1.PhaseSubmitting
	submitted  = v1alpha1.PhaseSubmitted
	failed     = v1alpha1.PhaseFailed
)

// retrying is an order that was certainly not accepted, accepted one that certainly was.
var (
	retrying = outcome{
		Phase: pending, Reason: v1alpha1.ReasonRetryingSubmission, Again: 10 * time.Second, Code: "NoAnswer",
	}
	accepted = outcome{
		Phase: submitted, Reason: v1alpha1.ReasonAwaitingCertificate, ID: retrievalID, Again: 10 * time.Second,
	}
)

func refusedFor(reason, code string) outcome {
	return outcome{Phase: failed, Reason: reason, Code: code}
}

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

// TestRefusedSubmission: the rows of the code table (protocol.md, Error codes).
func TestRefusedSubmission(t *testing.T) {
	sent := func(err error) edit { return sent(now, err) }
	technical := retrying.but(code("PKI099"))
	wrongEnvironment := technical.but(blaming(v1alpha1.ReasonWrongEnvironment), code("PKI005"))
	answerLost := refusedFor(v1alpha1.ReasonAnswerLost, "PKI020").but(inDoubt)
	says := []string{"tried again; nothing was spent"}
	const never = "nothing was spent"
	check(t, map[string]recorded{
		"PKI005": {
			signNew(sent(vero.WrongEnvironment())), wrongEnvironment,
			[]string{"environment TEST (PKI005)", "spec.url", "nothing was spent"}, ""},
		"PKI005 in doubt": {
			signNew(sent(errNoAnswer), sent(vero.WrongEnvironment())),
			wrongEnvironment.but(inDoubt, again(20*time.Second)), nil, never},
		"PKI020": {
			signNew(sent(vero.CredentialsRefused())), refusedFor(v1alpha1.ReasonCredentialsRefused, "PKI020"),
			[]string{"correct the transfer Secret"}, ""},
		"PKI020 in doubt": {
			signNew(sent(errNoAnswer), sent(vero.CredentialsRefused())), answerLost,
			[]string{"sent 2 times", "an earlier answer was lost", "put them into Secret vero-transfer"}, ""},
		"PKI020 after a crash": {signNew(intended(now), sent(vero.CredentialsRefused())), answerLost, nil, ""},
		"PKI030": {
			signNew(sent(vero.RequestRefused())), refusedFor(v1alpha1.ReasonRequestRefused, "PKI030"),
			[]string{"a new request is needed"}, ""},
		"PKI099": {signNew(sent(vero.TechnicalError())), technical, says, ""},
		"PKI099 in doubt": {
			signNew(sent(errNoAnswer), sent(vero.TechnicalError())), technical.but(inDoubt, again(20*time.Second)), nil, never},
		"an unknown code":              {signNew(sent(errUnknownCode)), technical.but(code("PKI777")), says, ""},
		"PKI010, which only Renew has": {signNew(sent(vero.SignatureRefused())), technical.but(code("PKI010")), says, ""},
		"PKI015, which only Renew has": {signNew(sent(vero.CertificateRefused())), technical.but(code("PKI015")), says, ""},
		"PKI080, which only Renew has": {signNew(sent(vero.RenewalTooEarly())), technical.but(code("PKI080")), says, ""},
		"renewal: accepted":            {renewal(sent(nil)), accepted, nil, ""},
		"renewal: PKI010": {
			renewal(sent(vero.SignatureRefused())), refusedFor(v1alpha1.ReasonSignatureRefused, "PKI010"),
			[]string{"Secret of the Certificate"}, ""},
		"renewal: PKI015": {
			renewal(sent(vero.CertificateRefused())), refusedFor(v1alpha1.ReasonRenewalRefused, "PKI015"),
			[]string{"transfer credentials"}, ""},
		"renewal: PKI030": {
			renewal(sent(vero.RequestRefused())), refusedFor(v1alpha1.ReasonRequestRefused, "PKI030"), nil, ""},
		"renewal: PKI080": {
			renewal(sent(vero.RenewalTooEarly())),
			outcome{Phase: pending, Reason: v1alpha1.ReasonWaitingForWindow, Again: time.Hour, Code: "PKI080"},
			[]string{"every hour"}, ""},
		"renewal: PKI099": {renewal(sent(vero.TechnicalError())), technical, says, ""},
		"renewal: PKI020, which Renew does not have": {
			renewal(sent(vero.CredentialsRefused())), technical.but(code("PKI020")), says, ""},
		"renewal: PKI020 in doubt speaks of no transfer Secret": {
			renewal(sent(errNoAnswer), sent(vero.CredentialsRefused())),
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
		"PKI099":        {vero.TechnicalError(), []int{10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600}},
		"PKI005":        {vero.WrongEnvironment(), []int{10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600}},
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
			sent(now, vero.TechnicalError())(order)
			if warns := issuance.Warns(outcomeOf(order, now).Reason); warns != (i >= 4) {
				t.Errorf("submission %d warns: %t", i+1, warns)
			}
		}
	})
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
	sent(now, vero.TechnicalError())(order)
	if order.Status.IssuerProblem != nil {
		t.Error("a verified refusal has not removed the problem")
	}
	sent(now, errUnverified)(order)
	sent(now, nil)(order)
	if order.Status.IssuerProblem != nil {
		t.Error("the acceptance has not removed the problem")
	}
}

// TestLateAnswers: a controller that was frozen in its call records the outcome after another one has gone on.
func TestLateAnswers(t *testing.T) {
	leaf := leafUntil(t, "ours", now.AddDate(2, 0, 0))
	first := signNew(intended(now.Add(-time.Minute)))
	call := ended(first, now)
	late := func(id string, err error) edit {
		return func(o *v1alpha1.VeroOrder) { issuance.RecordSubmission(o, id, err, call) }
	}
	retried := intended(now.Add(-time.Second))
	build := func(edits ...edit) *v1alpha1.VeroOrder {
		order := first.DeepCopy()
		for _, edit := range edits {
			edit(order)
		}
		return order
	}
	refused := sent(now, vero.CredentialsRefused())
	unverified := sent(now, unverifiedWith("x"))
	kept := accepted.but(inDoubt, withID("late"))
	untrusted := kept.but(blaming(v1alpha1.ReasonUntrustedAnswer), code("UntrustedAnswer"))
	check(t, map[string]recorded{
		"a RetrievalId counts while the next try is on its way": {build(retried, late("late", nil)), kept, nil, ""},
		"it revives an order that was lost": {
			build(retried, refused, late("late", nil)), kept.but(code("PKI020")), nil, ""},
		"it revives an order that was withdrawn": {
			build(abandoned(v1alpha1.ReasonWithdrawn), late("late", nil)), accepted.but(withID("late")), nil, ""},
		"also unverified": {build(retried, refused, late("", unverifiedWith("late"))), untrusted, nil, ""},
		"it replaces one that is not verified": {
			build(retried, unverified, late("late", nil)), kept.but(code("UntrustedAnswer")), nil, ""},
		"it does not replace a verified one, and is noted": {
			build(retried, sent(now, nil), late("late", nil)), kept.but(withID(retrievalID), code("LateAnswer")), nil, ""},
		"an unverified one does not replace a verified one": {
			build(retried, sent(now, nil), late("", unverifiedWith("late"))),
			kept.but(withID(retrievalID), code("LateAnswer")), nil, ""},
		"an unverified one does not replace one that is being tried": {
			build(retried, unverified, late("", unverifiedWith("late"))),
			untrusted.but(withID("x"), code("LateAnswer")), nil, ""},
		"but one that was tried in vain": {
			build(retried, unverified, polled(now, vero.CredentialsRefused()), late("", unverifiedWith("late"))),
			untrusted, nil, ""},
		"the same RetrievalId again changes nothing": {
			build(retried, sent(now, nil), late(retrievalID, nil)), kept.but(withID(retrievalID)), nil, ""},
	})
	noted := build(sent(now, nil), late("late", nil)).Status.LastError
	if !strings.Contains(noted.Message, "RetrievalId late") {
		t.Errorf("the second RetrievalId is not noted: %+v", noted)
	}
	revived := build(retried, refused, late("late", nil))
	if revived.Status.EndedAt != nil {
		t.Error("a revived order has an end")
	}
	for claim, order := range map[string]*v1alpha1.VeroOrder{
		"an error of an older intent is ignored while the next try is on its way": build(retried),
		"an error is ignored when the order was accepted":                         build(retried, sent(now, nil)),
		"an error is ignored when the order has failed":                           build(retried, refused),
		"an error is ignored when the next try has ended without an answer": build(retried, func(o *v1alpha1.VeroOrder) {
			issuance.RecordSubmission(o, "", errNoAnswer, ended(o, now))
		}),
	} {
		for _, err := range []error{errUnreachable, errNoAnswer, vero.CredentialsRefused(), errUnverified} {
			t.Run(fmt.Sprintf("%s: %T", claim, err), func(t *testing.T) { unchangedBy(t, order, late("", err)) })
		}
	}
	t.Run("an issued order stays issued", func(t *testing.T) {
		order := signNew(bore(leaf))
		for _, err := range []error{nil, unverifiedWith("late"), vero.CredentialsRefused()} {
			late("late", err)(order)
			if order.Status.Phase != v1alpha1.PhaseIssued || order.Status.RetrievalID != retrievalID {
				t.Fatalf("after %v it is %s with RetrievalId %s", err, order.Status.Phase, order.Status.RetrievalID)
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

// TestLongTexts: what others say must never be a reason for the API server to refuse the outcome.
func TestLongTexts(t *testing.T) {
	long := errors.New(strings.Repeat("ä", 100_000))
	for claim, order := range map[string]*v1alpha1.VeroOrder{
		"no answer":  signNew(sent(now, &vero.InterruptedError{Err: long})),
		"unverified": signNew(sent(now, &vero.UnverifiedError{RetrievalID: "x", Err: long})),
	} {
		t.Run(claim, func(t *testing.T) {
			texts := []string{message(order), order.Status.LastError.Message}
			if order.Status.IssuerProblem != nil {
				texts = append(texts, order.Status.IssuerProblem.Message)
			}
			for _, text := range texts {
				if len([]rune(text)) > 2001 || !strings.HasSuffix(text, "ä…") {
					t.Errorf("a text of %d characters", len([]rune(text)))
				}
			}
		})
	}
}
