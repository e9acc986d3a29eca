package order

import (
	"sync"

	"k8s.io/utils/lru"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
)

// mostWritten bounds of how many orders it is known which version was written.
const mostWritten = 4096

// written knows the versions of orders that this process has written last: what a watch tells of them is no news. One
// that somebody else has written is, also a controller that was frozen meanwhile. The zero value is ready to use.
type written struct {
	begin    sync.Once
	versions *lru.Cache
}

func (w *written) cache() *lru.Cache {
	w.begin.Do(func() { w.versions = lru.New(mostWritten) })
	return w.versions
}

func (w *written) note(object client.Object) {
	w.cache().Add(object.GetUID(), object.GetResourceVersion())
}

// byOthers lets through what others have written.
func (w *written) byOthers() predicate.Predicate {
	return predicate.Funcs{UpdateFunc: func(update event.UpdateEvent) bool {
		ours, known := w.cache().Get(update.ObjectNew.GetUID())
		return !known || ours != update.ObjectNew.GetResourceVersion()
	}}
}
