package order

import (
	"slices"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"github.com/varmenne/varmenne-issuer/internal/lru"
)

// mostWritten bounds of how many orders it is known which version was written.
const mostWritten = 4096

// written knows the versions of orders that this process has written last: what a watch tells of them is no news. One
// that somebody else has written is, also a controller that was frozen meanwhile.
type written struct {
	versions *lru.Cache[types.UID, versions]
}

// versions are the resourceVersion that was written last, and those that were replaced before it.
type versions struct {
	last     string
	replaced []string
}

func newWritten() written { return written{lru.New[types.UID, versions](mostWritten)} }

// note an order that was just written, and had another resourceVersion before.
func (w written) note(object client.Object, before string) {
	const enough = 3 // what one step writes
	known, _ := w.versions.Get(object.GetUID())
	replaced := append(slices.Clone(known.replaced), before)
	w.versions.Add(object.GetUID(), versions{
		last: object.GetResourceVersion(), replaced: replaced[max(len(replaced)-enough, 0):],
	})
}

// outdated reports whether an order is as it was before this process wrote it: the cache lags behind.
func (w written) outdated(object client.Object) bool {
	known, _ := w.versions.Get(object.GetUID())
	return slices.Contains(known.replaced, object.GetResourceVersion())
}

// byOthers lets through what others have written.
func (w written) byOthers() predicate.Predicate {
	return predicate.Funcs{UpdateFunc: func(update event.UpdateEvent) bool {
		ours, known := w.versions.Get(update.ObjectNew.GetUID())
		return !known || ours.last != update.ObjectNew.GetResourceVersion()
	}}
}
