package status

import (
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// HindranceInterval is how long what the cluster has refused stays told, even if it sounds different the next time. A
// text with an address or a time in it would else be written at every try; and every write brings the object back.
const HindranceInterval = 10 * time.Minute

// Hindrances is when objects were last made to tell what the cluster has refused to the controller. Its zero value is
// ready to use, from several goroutines.
type Hindrances struct{ told sync.Map }

// Due is whether the object is to tell a hindrance: it has told none within HindranceInterval.
func (h *Hindrances) Due(name types.NamespacedName, now time.Time) bool {
	told, known := h.told.Load(name)
	last, isTime := told.(time.Time)
	return !known || !isTime || now.Sub(last) >= HindranceInterval
}

// Told is called when a hindrance that was Due has been written.
func (h *Hindrances) Told(name types.NamespacedName, now time.Time) {
	h.told.Store(name, now)
}

// Over forgets the object: the cluster hinders nothing any more, or the object is gone.
func (h *Hindrances) Over(name types.NamespacedName) {
	h.told.Delete(name)
}
