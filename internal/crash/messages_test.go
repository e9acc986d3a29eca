package crash_test

import (
	"flag"
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

// full is for what takes too long for every change: every fault at every call together with a crash at every step, and
// every pair of crashes.
var full = flag.Bool("full", false, "take all histories of a password rotation, for half an hour")

// What a controller does for a rotation that was demanded.
var (
	messagesFirstSight = []string{"MessagesPassword Idle", callToken, "MessagesPassword Idle"}
	messagesProof      = []string{"MessagesPassword Idle", callToken, callEvents, "MessagesPassword Idle"}
	messagesStaging    = []string{
		"MessagesPassword annotated", "Secret messages update tried", "create Secret messages-rotation",
		"MessagesPassword Prepared", "event RotationPrepared",
	}
	messagesSending = []string{
		"MessagesPassword Sent", "event RotationSent", callToken, callChange, "MessagesPassword Sent",
	}
	messagesNewProof = []string{"MessagesPassword Sent", callToken, callEvents, "MessagesPassword Sent"}
	messagesCommit   = []string{
		"Secret messages updated", "MessagesPassword Idle", "event Rotated",
		"MessagesPassword annotated",      // without the finalizer
		"delete Secret messages-rotation", // an hour later
	}
	messagesSteps = slices.Concat(
		messagesFirstSight, messagesProof, messagesStaging, messagesSending, messagesNewProof, messagesCommit)
)

// messagesCalls are how often each call is made in a rotation that nothing disturbs.
var messagesCalls = map[admin.MessagesOperation]int{
	admin.MessagesToken: 4, admin.MessagesChange: 1, admin.MessagesEvents: 2,
}

// messagesFaults are all faults of the service, each at each of its calls.
func messagesFaults() map[string]messagesFault {
	all := map[string]messagesFault{}
	for operation, calls := range messagesCalls {
		for _, kind := range admin.MessagesFaultKinds() {
			fault := admin.MessagesFault{Operation: operation, Kind: kind, Count: 1}
			switch kind { //nolint:exhaustive // the others need nothing more
			case admin.MessagesTimeoutBefore, admin.MessagesTimeoutAfter:
				fault.Hold = admin.Duration(40 * time.Second)
			case admin.MessagesSlow:
				fault.Interval = admin.Duration(100 * time.Millisecond)
			case admin.MessagesChanged:
				fault.Password = broughtPassword
			}
			for nth := 1; nth <= calls && fault.Validate() == nil; nth++ {
				all[fmt.Sprintf("%s at %s %d", kind, operation, nth)] = messagesFault{nth, fault}
			}
		}
	}
	return all
}

// rotations is how many new passwords are sent in a rotation that a fault strikes: a second one where the service has
// refused the first for days, or where a person has brought another password after it was sent.
func (e *messagesEnvironment) rotations() int {
	changedLate := e.fault.Kind == admin.MessagesChanged &&
		(e.fault.Operation == admin.MessagesChange || e.sentBefore > 0)
	if e.fault.Kind == admin.MessagesPolicy || changedLate {
		return 2
	}
	return 1
}

// rotate lets controllers follow one another until the rotation is done: one for each interceptor, and then one to
// which nothing happens.
func (e *messagesEnvironment) rotate(interceptors ...interceptor) (first *messagesController) {
	e.Helper()
	for _, intercept := range append(interceptors, passThrough) {
		w := e.startController(intercept)
		if first == nil {
			first = w
		}
		if w.work() {
			break
		}
	}
	return first
}

// TestARotationSurvivesACrashAtEveryStep: the controller ends after a step, which leaves the same as ending before the
// next one. After every other step the one that follows it ends, too, with the first thing that it does.
func TestARotationSurvivesACrashAtEveryStep(t *testing.T) {
	everyStep(t, "a crash", messagesSteps, func(t *testing.T, number int) (*process, bool) {
		t.Helper()
		e := messagesScenario{}.environment(t)
		interceptors := []interceptor{endsAfter(number)}
		if number%2 == 0 {
			interceptors = append(interceptors, endsAfter(1))
		}
		first := e.rotate(interceptors...)
		if number == 0 && !slices.Equal(first.steps, messagesSteps) {
			t.Errorf("it has done %q, want no more than %q", first.steps, messagesSteps)
		}
		e.verify(1)
		return first.process, first.stepCount() == number
	})
}

// endsAfter has a controller end after a step.
func endsAfter(number int) interceptor {
	return (&crash{number: number, when: after}).intercept
}

// TestARotationSurvivesASecondCrash: the controller that follows the first one ends, too, at each of its steps. The
// first one has ended where the most is at stake; with -full, at each of its steps before the new password is
// published.
func TestARotationSurvivesASecondCrash(t *testing.T) {
	firsts := map[string]int{
		"the intent was written":        slices.Index(messagesSteps, "MessagesPassword Sent") + 1,
		"the service has answered":      slices.Index(messagesSteps, callChange) + 1,
		"the new password is published": slices.Index(messagesSteps, "Secret messages updated") + 1,
	}
	for number := 1; *full && number < firsts["the new password is published"]; number++ {
		firsts[fmt.Sprintf("step %02d", number)] = number
	}
	for claim, first := range firsts {
		everyStep(t, claim, messagesCommit[1:], func(t *testing.T, number int) (*process, bool) {
			t.Helper()
			e := messagesScenario{}.environment(t)
			e.rotate(endsAfter(first), endsAfter(number))
			e.verify(1)
			return e.processes[1], e.processes[1].stepCount() == number
		})
	}
}

// TestARotationSurvivesEveryFault at each call, and that of a change together with the end of the controller that waits
// for its response; with -full, together with its end at any step, and twice in a row.
func TestARotationSurvivesEveryFault(t *testing.T) {
	for claim, fault := range messagesFaults() {
		if *full {
			everyStep(t, claim, nil, func(t *testing.T, number int) (*process, bool) {
				t.Helper()
				e := messagesScenario{fault: fault}.environment(t)
				first := e.rotate(endsAfter(number))
				e.verify(e.rotations())
				return first.process, first.stepCount() == number
			})
			if fault.Count = 2; fault.Kind != admin.MessagesChanged {
				t.Run(claim+", twice in a row", fault.alone)
			}
			continue
		}
		t.Run(claim, fault.alone)
		if fault.Operation == admin.MessagesChange {
			t.Run(claim+", and a crash", func(t *testing.T) {
				t.Parallel()
				e := messagesScenario{fault: fault}.environment(t)
				e.rotate(e.endsWhenStruck)
				e.verify(e.rotations())
			})
		}
	}
}

// alone is a rotation that the fault strikes, and nothing else.
func (f messagesFault) alone(t *testing.T) {
	t.Parallel()
	e := messagesScenario{fault: f}.environment(t)
	e.rotate()
	e.verify(e.rotations())
}

// endsWhenStruck ends a controller with the call that the fault strikes.
func (e *messagesEnvironment) endsWhenStruck(s step, act func() error) error {
	err := act()
	if s.isCall() && e.struck {
		runtime.Goexit()
	}
	return err
}
