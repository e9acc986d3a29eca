package issuance_test

import (
	"strings"
	"testing"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/issuance"
)

// receipt lets the request show that the service has accepted it.
func receipt(s *issuance.Snapshot) {
	s.Request.Receipt = issuance.Receipt{RetrievalID: retrievalID, At: now}
}

// TestAReceiptThatNoOrderHoldsIsTold: nobody can tell an order that was deleted by mistake from one that was given up.
func TestAReceiptThatNoOrderHoldsIsTold(t *testing.T) {
	open := currentUntil(now.AddDate(0, 0, 30))
	const gone = "RetrievalId " + retrievalID + ", which was paid for, and the VeroOrder that held it was deleted"
	refused := &v1alpha1.VeroOrder{}
	refused.Name = "sign-2"
	refused.Spec.PublicKeyDigest = ourKey
	refused.Spec.IssuerRef.Kind, refused.Spec.IssuerRef.Name = v1alpha1.KindVeroIssuer, "vero"
	refused.Status.Phase = v1alpha1.PhaseFailed
	held := refused.DeepCopy()
	held.Status.RetrievalID = retrievalID
	for claim, c := range map[string]struct {
		snapshot issuance.Snapshot
		verb     issuance.Verb
		says     string
		not      string
	}{
		"where another order takes its place":   {requested(credentials, receipt), issuance.Create, gone, "status."},
		"where another renewal takes its place": {requested(open, receipt), issuance.Create, gone, "status."},
		"where the request waits":               {requested(receipt), issuance.Wait, gone, "status."},
		"with an order into which it can be put": {
			requested(receipt, with(refused)), issuance.Wait, "VeroOrder sign-2, with status.phase Submitted", "sign-3"},
		"not where an order holds it": {
			requested(receipt, with(held)), issuance.Wait, "Secret vero-transfer", "deleted"},
		"not without one": {requested(), issuance.Wait, "Secret vero-transfer", "deleted"},
	} {
		t.Run(claim, func(t *testing.T) {
			got := issuance.Decide(c.snapshot)
			if got.Verb != c.verb || !strings.Contains(got.Message, c.says) || strings.Contains(got.Message, c.not) {
				t.Errorf("the decision is %s: %q, want %s with %q and without %q", got.Verb, got.Message, c.verb, c.says, c.not)
			}
		})
	}
}
