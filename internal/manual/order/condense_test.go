package order_test

import (
	"testing"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/manual/order"
)

// TestCondensedInstructionsShowAChange, and condensing them twice changes nothing more.
func TestCondensedInstructionsShowAChange(t *testing.T) {
	condensed := func(steps string) v1alpha1.OrderInstructions {
		o := &v1alpha1.ManualOrder{}
		o.Status.Instructions = []v1alpha1.OrderInstructions{{Language: "en", Steps: steps}}
		order.Condense(o)
		return o.Status.Instructions[0]
	}
	once := condensed("Ask Maija.")
	if once == condensed("Ask Pekka.") || len(once.Steps) > 100 || once != condensed(once.Steps) {
		t.Errorf("%q becomes %q", once, condensed(once.Steps))
	}
}
