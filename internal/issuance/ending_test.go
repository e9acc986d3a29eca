package issuance_test

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/issuance"
)

func TestOrderThatHasEnded(t *testing.T) {
	leaf := leafUntil(t, "ours", now.AddDate(2, 0, 0))
	run(t, map[string]decision{
		"rests when it is issued":     {ordered(signNew(bore(leaf)), unwanted, issuerMissing), rest},
		"rests when it has failed":    {ordered(signNew(sent(now, pki020))), rest},
		"rests when it was withdrawn": {ordered(signNew(abandoned(v1alpha1.ReasonWithdrawn))), rest},
		"a failed one with a RetrievalId rests, too": {
			ordered(signNew(sent(now, nil), polled(now, pki020))), rest},
	})
}

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
		if got := outcomeOf(order, now); got.Reason != v1alpha1.ReasonIssuerNotReady || message(order) != "held up" {
			t.Errorf("it says %+v: %s", got, message(order))
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
		if order.Status.Phase != v1alpha1.PhaseFailed || order.Status.EndedAt == nil || order.Status.NextSubmitTime != nil {
			t.Errorf("it has not ended: %+v", order.Status)
		}
	})
}

// TestNoSecretInMessages: what a decision says can name Secrets, and show nothing that is in them.
func TestNoSecretInMessages(t *testing.T) {
	orders := []*v1alpha1.VeroOrder{
		signNew(), signNew(lost), signNew(sent(now, pki020)), renewal(),
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
	problem := &v1alpha1.IssuerProblem{IssuerUID: "x", IssuerGeneration: 1, TrustDigest: "a", Time: metav1.Time{Time: now}}
	for claim, obsolete := range map[string]bool{
		"same":            issuance.Obsolete(problem, "x", 1, "a"),
		"other issuer":    !issuance.Obsolete(problem, "y", 1, "a"),
		"other spec":      !issuance.Obsolete(problem, "x", 2, "a"),
		"other bundles":   !issuance.Obsolete(problem, "x", 1, "b"),
		"bundles missing": !issuance.Obsolete(problem, "x", 1, ""),
	} {
		if obsolete {
			t.Errorf("%s: wrong", claim)
		}
	}
}
