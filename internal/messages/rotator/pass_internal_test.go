package rotator

import (
	"testing"
	"time"
	"unsafe"

	clocktesting "k8s.io/utils/clock/testing"

	"github.com/varmenne/varmenne-issuer/internal/messages/rotation"
)

// later is a time by both clocks: so much later by the one on the wall, and so much by the one of the process.
func later(than time.Time, wall, process time.Duration) time.Time {
	moved := than.Add(wall)
	// The second word of a time is the clock of the process, as package time says: nothing else can set both.
	(*[2]int64)(unsafe.Pointer(&moved))[1] += int64(process - wall)
	return moved
}

// TestTheClockThatSaysMoreDecidesWhetherAPassIsLate: the one on the wall is set, the one of the process stands still
// while a machine sleeps.
func TestTheClockThatSaysMoreDecidesWhetherAPassIsLate(t *testing.T) {
	const within = rotation.BeginWithin
	for claim, c := range map[string]struct {
		wall, process time.Duration
		late          bool
	}{
		"in time":                          {within, within, false},
		"too late":                         {within + 1, within + 1, true},
		"a machine that has slept":         {time.Hour, time.Second, true},
		"a clock that was set forward":     {time.Hour, within, true},
		"a clock that was set back":        {-time.Hour, within, false},
		"a clock that was set back, later": {-time.Hour, within + 1, true},
	} {
		began := time.Now()
		now := later(began, c.wall, c.process)
		p := &pass{Reconciler: New(Options{Clock: clocktesting.NewFakeClock(now)}), began: began}
		if got := p.elapsed(); got != max(c.wall, c.process) || p.mayCall(within) == c.late {
			t.Errorf("%s: %s have passed, and a call may be made: %v", claim, got, p.mayCall(within))
		}
		ctx, end := p.callContext(t.Context())
		end()
		deadline, _ := ctx.Deadline()
		if left := rotation.CallTimeout - max(c.wall, c.process); time.Until(deadline) > left {
			t.Errorf("%s: a call may take until %s", claim, deadline)
		}
	}
}
