package status

import (
	"context"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
)

// ReportInterval is how long an error that was reported stays reported, even if it sounds different the next time. A
// text with an address or a time in it would else be written at every try; and every write brings the object back.
const ReportInterval = 10 * time.Minute

// ErrorReporter knows when objects were last made to tell what the cluster has refused to the controller, and since
// when they have met with what should have passed. Its zero value is ready to use, from several goroutines.
type ErrorReporter struct{ reported, since sync.Map }

// Persists is Lasts for an error that an object has met with; and one that should pass persists, too, when it, or
// another one like it, has been met with for ReportInterval, and nothing else has.
func (r *ErrorReporter) Persists(ctx context.Context, name types.NamespacedName, err error, now time.Time) bool {
	if Lasts(ctx, err) {
		return true
	}
	if err == nil || ctx.Err() != nil || apierrors.IsConflict(err) || apierrors.IsNotFound(err) {
		return false
	}
	began, _ := r.since.LoadOrStore(name, now)
	moment, isTime := began.(time.Time)
	return isTime && now.Sub(moment) >= ReportInterval
}

// Passed is called when an object has met with no error: the next one that passes has only begun.
func (r *ErrorReporter) Passed(name types.NamespacedName) {
	r.since.Delete(name)
}

// Due reports whether the object is to tell an error: it has told none within ReportInterval.
func (r *ErrorReporter) Due(name types.NamespacedName, now time.Time) bool {
	reported, known := r.reported.Load(name)
	last, isTime := reported.(time.Time)
	return !known || !isTime || now.Sub(last) >= ReportInterval
}

// Reported is called when an error that was Due has been written.
func (r *ErrorReporter) Reported(name types.NamespacedName, now time.Time) {
	r.reported.Store(name, now)
}

// Forget the object: it needs nothing any more, or is gone.
func (r *ErrorReporter) Forget(name types.NamespacedName) {
	r.reported.Delete(name)
	r.since.Delete(name)
}
