package crash_test

import (
	"sync/atomic"
	"time"

	"k8s.io/utils/clock"
	clocktesting "k8s.io/utils/clock/testing"
)

// steppingClock is the time of an environment. It passes where somebody waits, and at once.
type steppingClock struct{ *clocktesting.FakeClock }

// NewTimer makes a timer that has run down.
func (p steppingClock) NewTimer(duration time.Duration) clock.Timer {
	timer := p.FakeClock.NewTimer(duration)
	p.Step(duration)
	return timer
}

// controllerClock is what a controller takes for the time: it may be wrong.
type controllerClock struct {
	steppingClock

	ahead atomic.Int64
}

// Now is the time, as the controller takes it to be.
func (w *controllerClock) Now() time.Time {
	return w.steppingClock.Now().Add(time.Duration(w.ahead.Load()))
}

// Since is how long ago a time was.
func (w *controllerClock) Since(moment time.Time) time.Duration { return w.Now().Sub(moment) }

// jump puts the clock forward, or back.
func (w *controllerClock) jump(distance time.Duration) { w.ahead.Add(int64(distance)) }
