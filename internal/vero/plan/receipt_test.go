package plan_test

import (
	"strings"
	"testing"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/vero/plan"
)

// receipt lets the request show that the service has accepted it.
func receipt(s *plan.Snapshot) {
	s.Request.Receipt = plan.Receipt{RetrievalID: retrievalID, At: now}
}

// TestAReceiptThatNoOrderHoldsIsTold: nobody can tell an order that was deleted by mistake from one that was given up.
func TestAReceiptThatNoOrderHoldsIsTold(t *testing.T) {
	open := currentUntil(now.AddDate(0, 0, 30))
	const gone = "RetrievalId " + retrievalID + ", which was paid for, and the VeroOrder that held it was deleted"
	refused := &v1alpha1.VeroOrder{}
	refused.Name = "sign-2"
	refused.Spec.PublicKeyDigest = ourKey
	refused.Spec.IssuerRef.Kind, refused.Spec.IssuerRef.Name = v1alpha1.KindVeroIssuer, "vero"
	refused.Status.State = v1alpha1.VeroOrderFailed
	held := refused.DeepCopy()
	held.Status.RetrievalID = retrievalID
	for claim, c := range map[string]struct {
		snapshot plan.Snapshot
		verb     plan.Verb
		says     string
		not      string
	}{
		"where another order takes its place":   {requested(credentials, receipt), plan.Create, gone, "status."},
		"where another renewal takes its place": {requested(open, receipt), plan.Create, gone, "status."},
		"where the request waits":               {requested(receipt), plan.Wait, gone, "status."},
		"with an order into which it can be put": {
			requested(receipt, with(refused)), plan.Wait, "VeroOrder sign-2, with status.state Submitted", "sign-3"},
		"not where an order holds it": {
			requested(receipt, with(held)), plan.Wait, "Secret vero-transfer", "deleted"},
		"not without one": {requested(), plan.Wait, "Secret vero-transfer", "deleted"},
	} {
		t.Run(claim, func(t *testing.T) {
			got := plan.Decide(c.snapshot)
			if got.Verb != c.verb || !strings.Contains(got.Message, c.says) || strings.Contains(got.Message, c.not) {
				t.Errorf("the decision is %s: %q, want %s with %q and without %q", got.Verb, got.Message, c.verb, c.says, c.not)
			}
		})
	}
}
