package status

import (
	"context"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
)

// HindranceInterval is how long what the cluster has refused stays told, even if it sounds different the next time. A
// text with an address or a time in it would else be written at every try; and every write brings the object back.
const HindranceInterval = 10 * time.Minute

// Hindrances is when objects were last made to tell what the cluster has refused to the controller, and since when they
// have met with what should have passed. Its zero value is ready to use, from several goroutines.
type Hindrances struct{ told, since sync.Map }

// Last is Lasts for an error that an object has met with; and one that should pass lasts, too, when it, or another one
// like it, has been met with for HindranceInterval, and nothing else has.
func (h *Hindrances) Last(ctx context.Context, name types.NamespacedName, err error, now time.Time) bool {
	if Lasts(ctx, err) {
		return true
	}
	if err == nil || ctx.Err() != nil || apierrors.IsConflict(err) || apierrors.IsNotFound(err) {
		return false
	}
	began, _ := h.since.LoadOrStore(name, now)
	moment, isTime := began.(time.Time)
	return isTime && now.Sub(moment) >= HindranceInterval
}

// Passed is called when an object has met with no error: the next one that passes has only begun.
func (h *Hindrances) Passed(name types.NamespacedName) {
	h.since.Delete(name)
}

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

// Over forgets the object: it needs nothing any more, or is gone.
func (h *Hindrances) Over(name types.NamespacedName) {
	h.told.Delete(name)
	h.since.Delete(name)
}
