package order

import (
	"slices"
	"time"

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

// versions are the resourceVersion that was written last, when, and those that were replaced before it.
type versions struct {
	last     string
	at       time.Time
	replaced []string
}

func newWritten() written { return written{lru.New[types.UID, versions](mostWritten)} }

// note an order that was just written, and had another resourceVersion before.
func (w written) note(object client.Object, before string, now time.Time) {
	const enough = 3 // what one step writes
	known, _ := w.versions.Get(object.GetUID())
	replaced := append(slices.Clone(known.replaced), before)
	w.versions.Add(object.GetUID(), versions{
		last: object.GetResourceVersion(), at: now, replaced: replaced[max(len(replaced)-enough, 0):],
	})
}

// longestLag is how long a cache may lag behind what was written. One that still has an earlier version then may be
// right: an etcd that was restored from a backup has it, too.
const longestLag = 10 * time.Second

// outdated reports whether an order is as it was before this process wrote it: the cache lags behind.
func (w written) outdated(object client.Object, now time.Time) bool {
	known, _ := w.versions.Get(object.GetUID())
	age := now.Sub(known.at)
	return age >= 0 && age <= longestLag && slices.Contains(known.replaced, object.GetResourceVersion())
}

// byOthers lets through what others have written.
func (w written) byOthers() predicate.Predicate {
	return predicate.Funcs{UpdateFunc: func(update event.UpdateEvent) bool {
		ours, known := w.versions.Get(update.ObjectNew.GetUID())
		return !known || ours.last != update.ObjectNew.GetResourceVersion()
	}}
}
