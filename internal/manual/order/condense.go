package order

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
)

// condensed is what the steps of an order begin with where only their digest is kept.
const condensed = "sha256:"

// Condense leaves of an order's instructions what shows whether they are still the same. They are long, nobody in the
// program reads them, and thousands of orders may wait.
func Condense(order *v1alpha1.ManualOrder) {
	instructions := slices.Clone(order.Status.Instructions)
	for i := range instructions {
		if steps := instructions[i].Steps; !strings.HasPrefix(steps, condensed) {
			digest := sha256.Sum256([]byte(steps))
			instructions[i].Steps = condensed + hex.EncodeToString(digest[:])
		}
	}
	order.Status.Instructions = instructions
}

// isSame reports whether two orders say the same. Those of the cache have their instructions condensed.
func isSame(one, other *v1alpha1.ManualOrder) bool {
	one, other = one.DeepCopy(), other.DeepCopy()
	Condense(one)
	Condense(other)
	return equality.Semantic.DeepEqual(one.Status, other.Status)
}
