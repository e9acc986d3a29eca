package outline_test

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/kube/outline"
)

// TestAnIssuedOrderIsHandedOverOnce, in the version that the cache knows, and only whole.
func TestAnIssuedOrderIsHandedOverOnce(t *testing.T) {
	order := func(version string, state v1alpha1.VeroOrderState, request string) *v1alpha1.VeroOrder {
		return &v1alpha1.VeroOrder{
			ObjectMeta: metav1.ObjectMeta{UID: "order-1", ResourceVersion: version},
			Spec:       v1alpha1.VeroOrderSpec{Request: []byte(request)},
			Status:     v1alpha1.VeroOrderStatus{State: state, Certificate: []byte("leaf intermediate"), CA: []byte("root")},
		}
	}
	cached := order("2", v1alpha1.VeroOrderIssued, "")
	cached.Status.Certificate = []byte("leaf ")
	for claim, c := range map[string]struct {
		kept *v1alpha1.VeroOrder
		want bool
	}{
		"the same version": {order("2", v1alpha1.VeroOrderIssued, "csr"), true},
		"an older one":     {order("1", v1alpha1.VeroOrderIssued, "csr"), false},
		"one on its way":   {order("2", v1alpha1.VeroOrderSubmitted, "csr"), false},
		"a large one":      {order("2", v1alpha1.VeroOrderIssued, strings.Repeat("csr", 11<<10)), false},
	} {
		t.Run(claim, func(t *testing.T) {
			issued := outline.NewIssued()
			issued.Keep(c.kept)
			if found := issued.Take(cached); (found != nil) != c.want || found != nil && string(found.Status.CA) != "root" {
				t.Errorf("one is found: %t", found != nil)
			}
			if issued.Take(cached) != nil {
				t.Error("it is handed over twice")
			}
		})
	}
	expected, issued := order("1", v1alpha1.VeroOrderIssued, "csr"), outline.NewIssued()
	issued.Expect(expected)
	if issued.Take(cached) == nil {
		t.Error("one that is being written is not handed over")
	}
	expected.Status.Certificate = []byte("another")
	if issued.Expect(expected); issued.Take(cached) != nil {
		t.Error("one with another leaf is handed over")
	}
}
