package plan_test

import (
	"strings"
	"testing"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/vero/facts"
	"github.com/varmenne/varmenne-issuer/internal/vero/plan"
)

func TestNewOrder(t *testing.T) {
	key := strings.Repeat("ab", 32)
	complete := func(s *plan.Snapshot) {
		s.Request.Namespace, s.Request.Name, s.Request.CertificateName = "tax", "tls-1", "tls"
		s.Request.CSR, s.Request.PublicKeyDigest = []byte("CSR"), key
	}
	order := func(name string) *v1alpha1.VeroOrder {
		return &v1alpha1.VeroOrder{
			ObjectMeta: metav1.ObjectMeta{
				Namespace: "tax", Name: name, Labels: map[string]string{v1alpha1.LabelPublicKey: v1alpha1.LabelValue(key)},
				Annotations: map[string]string{v1alpha1.AnnotationRequestName: "tls-1", cmapi.CertificateNameKey: "tls",
					"velero.io/restore-status": "true"},
			},
			Spec: v1alpha1.VeroOrderSpec{
				IssuerRef:   v1alpha1.OrderIssuerReference{Kind: v1alpha1.KindVeroIssuer, Name: "vero"},
				Environment: v1alpha1.VeroEnvironmentTest, CustomerID: customer,
				Request: []byte("CSR"), RequestUID: ourRequest, PublicKeyDigest: key, Attempt: 1,
			},
		}
	}
	bought, renewed := order("sign-05a5d9cc64de5e59de28"), order("renew-46d7c83e70a50a2a967a")
	bought.Spec.Operation, renewed.Spec.Operation = v1alpha1.VeroOperationSignNew, v1alpha1.VeroOperationRenew
	bought.Spec.Transfer = &v1alpha1.TransferAuthorization{SecretName: "vero-transfer", TransferIDDigest: transferID}
	bought.Labels[v1alpha1.LabelTransferID] = transferID
	bought.Annotations[v1alpha1.AnnotationGivenUp] = retrievalID
	again := bought.DeepCopy()
	delete(again.Annotations, v1alpha1.AnnotationGivenUp)
	again.Annotations[v1alpha1.AnnotationAdoptRetrievalID] = retrievalID
	ends := now.AddDate(0, 0, 30)
	renewed.Spec.Renewal = &v1alpha1.RenewalAuthorization{
		SecretName: "tls", SerialNumber: "abc", NotAfter: metav1.Time{Time: ends}}
	renewed.Labels[v1alpha1.LabelRenews] = "abc"
	for claim, c := range map[string]struct {
		snapshot plan.Snapshot
		want     *v1alpha1.VeroOrder
	}{
		"draws on the transfer credentials, and tells what was given up": {requested(complete, credentials, receipt), bought},
		"takes over what the same transfer credentials have paid for":    {requested(complete, credentials, paid), again},
		"renews the current certificate":                                 {requested(complete, currentUntil(ends)), renewed},
	} {
		t.Run(claim, func(t *testing.T) {
			got := plan.NewOrder(c.snapshot, plan.Decide(c.snapshot))
			if difference := cmp.Diff(c.want, got); difference != "" {
				t.Errorf("the order differs (-want +got):\n%s", difference)
			}
		})
	}
}

// TestTheNameOfAnOrderIsWhatItSpends: the API server refuses a second order that would spend the same.
func TestTheNameOfAnOrderIsWhatItSpends(t *testing.T) {
	name := func(operation v1alpha1.VeroOperation, attempt int32, changes ...change) string {
		s := requested(append([]change{credentials, currentUntil(now)}, changes...)...)
		return plan.NewOrder(s, plan.Action{Operation: operation, Attempt: attempt}).Name
	}
	anotherKey := func(s *plan.Snapshot) {
		s.Request = plan.Request{UID: otherRequest, PublicKeyDigest: digestOf("another's")}
	}
	anotherRequest := func(s *plan.Snapshot) { s.Request.UID = otherRequest }
	another := func(s *plan.Snapshot) { s.Current = facts.Current{SerialNumber: "def"} }
	const buys, renews = v1alpha1.VeroOperationSignNew, v1alpha1.VeroOperationRenew
	bought, renewed := name(buys, 1), name(renews, 1)
	for claim, same := range map[string]bool{
		"a TransferId, for whatever key":           name(buys, 1, anotherKey) == bought,
		"whichever issuer is asked":                name(buys, 1, otherCustomer) == bought,
		"but not another TransferId":               name(buys, 1, newCredentials) != bought,
		"nor one that may be used again":           name(buys, 2) != bought,
		"a renewal of a certificate, whoever asks": name(renews, 1, anotherRequest) == renewed,
		"but not with another key":                 name(renews, 1, anotherKey) != renewed,
		"nor of another certificate":               name(renews, 1, another) != renewed,
		"nor after one that has failed":            name(renews, 2) != renewed,
	} {
		if !same {
			t.Errorf("it is not the name of %s", claim)
		}
	}
}
