package orderstate_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/pki"
	"github.com/varmenne/varmenne-issuer/internal/vero/orderstate"
	"github.com/varmenne/varmenne-issuer/internal/vero/protocol"
)

func TestHoldUp(t *testing.T) {
	leaf := leafUntil(t, "ours", now.AddDate(2, 0, 0))
	for claim, order := range map[string]*v1alpha1.VeroOrder{
		"leaves an issued order as it is": signNew(bore(leaf)),
		"leaves a failed order as it is":  signNew(sent(now, pki020)),
	} {
		t.Run(claim, func(t *testing.T) { unchangedBy(t, order, heldUp(v1alpha1.ReasonIssuerNotReady)) })
	}
	t.Run("says what an order waits for", func(t *testing.T) {
		order := signNew(heldUp(v1alpha1.ReasonIssuerNotReady))
		if orderstate.Reason(order) != v1alpha1.ReasonIssuerNotReady || orderstate.Message(order) != "held up" {
			t.Errorf("it says %s: %s", orderstate.Reason(order), orderstate.Message(order))
		}
	})
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
		"leaves a failed order as it is":    signNew(sent(now, pki030)),
		"leaves one with a RetrievalId as it is": signNew(intended(now), func(o *v1alpha1.VeroOrder) {
			o.Status.RetrievalID = "by hand"
		}),
	} {
		t.Run(claim, func(t *testing.T) { unchangedBy(t, order, abandoned(v1alpha1.ReasonWithdrawn)) })
	}
	t.Run("ends an order in doubt", func(t *testing.T) {
		order := signNew(lost, abandoned(v1alpha1.ReasonWithdrawn))
		status := &order.Status
		if status.State != v1alpha1.VeroOrderFailed || status.CompletionTime == nil || status.NextSubmitTime != nil {
			t.Errorf("it has not ended: %+v", order.Status)
		}
	})
}

// TestProblemWithTheIssuer: it is reported of exactly what was used, and goes away with a verified response.
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
		orderstate.RecordSubmission(order, "", err, call)
	}
	retryWith(order, generation, errUnreachable)
	if order.Status.IssuerProblem == nil {
		t.Error("a call without a response has removed the problem")
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

// TestStoredTimes: no time gets earlier by being stored, and an intent is recognized by its time afterwards.
func TestStoredTimes(t *testing.T) {
	for _, odd := range []time.Duration{0, 1, 499, 500, 999, 1000, 1001, time.Microsecond - 1, time.Second - 1} {
		moment := now.Add(odd).In(time.FixedZone("EET", 2*60*60))
		order := signNew(intended(moment), func(o *v1alpha1.VeroOrder) {
			orderstate.RecordSubmission(o, retrievalID, nil, ended(o, moment))
		})
		data := must.Get(json.Marshal(order))(t)
		read := &v1alpha1.VeroOrder{}
		must.Do(t, json.Unmarshal(data, read))
		if !read.Status.SubmissionTime.Equal(order.Status.SubmissionTime) {
			t.Errorf("+%s: the intent was of %s, and is of %s", odd, order.Status.SubmissionTime, read.Status.SubmissionTime)
		}
		if read.Status.AcceptanceTime.Time.Before(moment) || read.Status.AcceptanceTime.Sub(moment) >= time.Microsecond {
			t.Errorf("+%s: accepted at %s is stored as %s", odd, moment, read.Status.AcceptanceTime)
		}
		early := at(moment.Add(orderstate.FirstPoll - 1))
		if orderstate.Decide(ordered(read, early)).Verb == orderstate.Poll {
			t.Errorf("+%s: it is polled before the 10 s are over", odd)
		}
	}
}

// TestLongTexts: what others say must never be a reason for the API server to refuse the outcome.
func TestLongTexts(t *testing.T) {
	long := errors.New(strings.Repeat("ä", 100_000))
	for claim, order := range map[string]*v1alpha1.VeroOrder{
		"no response": signNew(sent(now, &protocol.InterruptedError{Err: long})),
		"unverified":  signNew(sent(now, &protocol.UnverifiedError{RetrievalID: "x", Err: long})),
	} {
		t.Run(claim, func(t *testing.T) {
			texts := []string{orderstate.Message(order), order.Status.LastError.Message}
			if order.Status.IssuerProblem != nil {
				texts = append(texts, order.Status.IssuerProblem.Message)
			}
			for _, text := range texts {
				if len([]rune(text)) > 2001 || !strings.Contains(text, "ä…") {
					t.Errorf("a text of %d characters", len([]rune(text)))
				}
			}
		})
	}
}
