package backend

import (
	"testing"

	"k8s.io/apimachinery/pkg/types"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
)

// TestARequestWithAnEarlierKeyWaitsForItsTurn like any other: with rotationPolicy Never, each renewal has orders.
func TestARequestWithAnEarlierKeyWaitsForItsTurn(t *testing.T) {
	known := func(state v1alpha1.VeroOrderState, key string) []v1alpha1.VeroOrder {
		order := v1alpha1.VeroOrder{Status: v1alpha1.VeroOrderStatus{State: state}}
		order.Spec.PublicKeyDigest, order.Spec.RequestUID = key, "earlier"
		return []v1alpha1.VeroOrder{order}
	}
	for claim, c := range map[string]struct {
		request string
		orders  []v1alpha1.VeroOrder
		want    bool
	}{
		"without an order":                      {"this", nil, true},
		"after one that was issued":             {"this", known(v1alpha1.VeroOrderIssued, "key"), true},
		"after one that has failed":             {"this", known(v1alpha1.VeroOrderFailed, "key"), true},
		"beside one of another key":             {"this", known(v1alpha1.VeroOrderSubmitted, "another"), true},
		"not with one that is on its way":       {"this", known(v1alpha1.VeroOrderSubmitted, "key"), false},
		"not with one that is about to be":      {"this", known("", "key"), false},
		"not to say that its own has failed":    {"earlier", known(v1alpha1.VeroOrderFailed, "key"), false},
		"not to get the certificate of its own": {"earlier", known(v1alpha1.VeroOrderIssued, "key"), false},
	} {
		t.Run(claim, func(t *testing.T) {
			if got := queues(types.UID(c.request), "key", c.orders); got != c.want {
				t.Errorf("it waits: %t", got)
			}
		})
	}
}
