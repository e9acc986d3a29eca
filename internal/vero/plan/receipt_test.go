package plan_test

import (
	"strings"
	"testing"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/vero/plan"
)

// receipt lets the request carry what the service has accepted, paid for with other credentials than there are now.
func receipt(s *plan.Snapshot) {
	s.Request.Receipt = plan.Receipt{RetrievalID: retrievalID, PaidWith: "earlier"}
}

// paid is receipt for the credentials that there are now.
func paid(s *plan.Snapshot) {
	receipt(s)
	s.Request.Receipt.PaidWith = v1alpha1.LabelValue(transferID)
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
	const adopted = gone + ": the new one asks for the certificate with it"
	adopting := refused.DeepCopy()
	adopting.Annotations = map[string]string{v1alpha1.AnnotationAdoptRetrievalID: retrievalID}
	held := refused.DeepCopy()
	held.Status.RetrievalID = retrievalID
	for claim, c := range map[string]struct {
		snapshot plan.Snapshot
		verb     plan.Verb
		says     string
		not      string
	}{
		"where another order takes its place":   {requested(credentials, receipt), plan.Create, gone, "new one"},
		"where another renewal takes its place": {requested(open, paid), plan.Create, gone, "new one"},
		"where the same order is made again":    {requested(credentials, paid), plan.Create, adopted, "annotate"},
		"also where another request has tried the credentials": {
			requested(credentials, paid, with(signNew(forAnotherKey, sent(now, pki020)))), plan.Create, adopted, "annotate"},
		"or an order for this one that knew nothing of it": {
			requested(credentials, paid, with(signNew(sent(now, pki020)))), plan.Create, adopted, "annotate"},
		"but not while such an order is about to be sent": {
			requested(credentials, paid, with(signNew(forAnotherKey))), plan.Wait, gone, "annotate"},
		"where the request waits": {requested(receipt), plan.Wait, gone, "annotate"},
		"with an order into which it can be put": {requested(receipt, with(refused)), plan.Wait,
			"kubectl annotate veroorder sign-2 varmenne.dev/adopt-retrieval-id=RETRIEVAL-ID", "status."},
		"not where an order is about to take it over": {
			requested(receipt, with(adopting)), plan.Wait, "Secret vero-transfer", "deleted"},
		"not where an order holds it": {requested(receipt, with(held)), plan.Wait, "Secret vero-transfer", "deleted"},
		"not without one":             {requested(), plan.Wait, "Secret vero-transfer", "deleted"},
	} {
		t.Run(claim, func(t *testing.T) {
			got := plan.Decide(c.snapshot)
			if got.Verb != c.verb || !strings.Contains(got.Message, c.says) || strings.Contains(got.Message, c.not) {
				t.Errorf("the decision is %s: %q, want %s with %q and without %q", got.Verb, got.Message, c.verb, c.says, c.not)
			}
		})
	}
}

// TestReceiptOf reads what Annotations have written, and nothing else that somebody may have written there.
func TestReceiptOf(t *testing.T) {
	bought := &v1alpha1.VeroOrder{}
	if got := plan.Annotations(bought); got != nil {
		t.Errorf("an order that was not accepted has %v", got)
	}
	bought.Labels = map[string]string{v1alpha1.LabelTransferID: transferID}
	bought.Status.RetrievalID = retrievalID
	renewed := bought.DeepCopy()
	renewed.Labels = map[string]string{v1alpha1.LabelRenews: "abc"}
	for claim, c := range map[string]struct {
		annotations map[string]string
		want        plan.Receipt
	}{
		"of what was bought":     {plan.Annotations(bought), plan.Receipt{RetrievalID: retrievalID, PaidWith: transferID}},
		"of what was renewed":    {plan.Annotations(renewed), plan.Receipt{RetrievalID: retrievalID}},
		"none without any":       {nil, plan.Receipt{}},
		"none of what is not so": {map[string]string{v1alpha1.AnnotationRetrievalID: "a b"}, plan.Receipt{}},
	} {
		if got := plan.ReceiptOf(c.annotations); got != c.want {
			t.Errorf("%s: %+v, want %+v", claim, got, c.want)
		}
	}
}
