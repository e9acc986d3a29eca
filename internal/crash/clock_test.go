package crash_test

import (
	"sync/atomic"
	"time"

	"k8s.io/utils/clock"
	clocktesting "k8s.io/utils/clock/testing"
)

// passing is the time of a stage. It passes where somebody waits, and at once.
type passing struct{ *clocktesting.FakeClock }

// NewTimer makes a timer that has run down.
func (p passing) NewTimer(duration time.Duration) clock.Timer {
	timer := p.FakeClock.NewTimer(duration)
	p.Step(duration)
	return timer
}

// watch is what a controller takes for the time: it may be wrong.
type watch struct {
	passing

	ahead atomic.Int64
}

// Now is the time, as the watch shows it.
func (w *watch) Now() time.Time { return w.passing.Now().Add(time.Duration(w.ahead.Load())) }

// Since is how long ago a time was.
func (w *watch) Since(moment time.Time) time.Duration { return w.Now().Sub(moment) }

// jump puts the watch forward, or back.
func (w *watch) jump(distance time.Duration) { w.ahead.Add(int64(distance)) }
