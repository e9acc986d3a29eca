package issuer

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
)

// TestOneResponseIsNotTheIssuer: what another order has not met since says nothing of the issuer.
func TestOneResponseIsNotTheIssuer(t *testing.T) {
	moment := time.Date(2026, time.June, 1, 12, 0, 0, 0, time.UTC)
	issuer := &v1alpha1.VeroIssuer{ObjectMeta: metav1.ObjectMeta{Name: "vero"}}
	order := func(name string, status v1alpha1.VeroOrderStatus) v1alpha1.VeroOrder {
		return v1alpha1.VeroOrder{
			Spec:   v1alpha1.VeroOrderSpec{IssuerRef: v1alpha1.OrderIssuerReference{Kind: v1alpha1.KindVeroIssuer, Name: name}},
			Status: status,
		}
	}
	accepted := func(after time.Duration, unverified bool) v1alpha1.VeroOrderStatus {
		return v1alpha1.VeroOrderStatus{
			State: v1alpha1.VeroOrderSubmitted, AcceptanceTime: &metav1.MicroTime{Time: moment.Add(after)},
			RetrievalIDUnverified: unverified,
		}
	}
	issued := v1alpha1.VeroOrderStatus{
		State: v1alpha1.VeroOrderIssued, CompletionTime: &metav1.Time{Time: moment.Add(time.Second)},
	}
	for claim, c := range map[string]struct {
		reason  string
		other   v1alpha1.VeroOrder
		refuted bool
	}{
		"an acceptance after an untrusted response": {
			v1alpha1.ReasonUntrustedResponse, order("vero", accepted(time.Second, false)), true},
		"an acceptance before it": {v1alpha1.ReasonUntrustedResponse, order("vero", accepted(-time.Second, false)), false},
		"an acceptance that did not verify either": {
			v1alpha1.ReasonUntrustedResponse, order("vero", accepted(time.Second, true)), false},
		"an acceptance of another issuer": {
			v1alpha1.ReasonUntrustedResponse, order("other", accepted(time.Second, false)), false},
		"an acceptance after a wrong environment": {
			v1alpha1.ReasonWrongEnvironment, order("vero", accepted(time.Second, false)), true},
		"a certificate after an untrusted response": {v1alpha1.ReasonUntrustedResponse, order("vero", issued), true},
		"a certificate after an untrusted one":      {v1alpha1.ReasonUntrustedCertificate, order("vero", issued), true},
		"an acceptance after an untrusted one": {
			v1alpha1.ReasonUntrustedCertificate, order("vero", accepted(time.Second, false)), false},
	} {
		t.Run(claim, func(t *testing.T) {
			problem := &v1alpha1.VeroIssuerProblem{Reason: c.reason, Time: metav1.Time{Time: moment}}
			if got := lastSuccessOf([]v1alpha1.VeroOrder{c.other}, issuer).outdates(problem); got != c.refuted {
				t.Errorf("it refutes the problem: %t", got)
			}
		})
	}
}
