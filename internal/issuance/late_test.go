package issuance_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/issuance"
	"github.com/varmenne/varmenne-issuer/internal/vero"
)

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
	refused := sent(now, pki020)
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
			build(retried, unverified, polled(now, pki020), late("", unverifiedWith("late"))),
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
		for _, err := range []error{errUnreachable, errNoAnswer, pki020, errUnverified} {
			t.Run(fmt.Sprintf("%s: %T", claim, err), func(t *testing.T) { unchangedBy(t, order, late("", err)) })
		}
	}
	t.Run("an issued order stays issued", func(t *testing.T) {
		order := signNew(bore(leaf))
		for _, err := range []error{nil, unverifiedWith("late"), pki020} {
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
				if len([]rune(text)) > 2001 || !strings.Contains(text, "ä…") {
					t.Errorf("a text of %d characters", len([]rune(text)))
				}
			}
		})
	}
}
