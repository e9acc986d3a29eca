package crash_test

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

// full is for what takes too long for every change: every fault at every call together with a crash at every step, and
// every pair of crashes.
var full = flag.Bool("full", false, "take all histories of a password rotation, for a quarter of an hour")

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
		"Secret messages updated", "MessagesPassword Idle", "event Rotated", "delete Secret messages-rotation",
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
			switch kind {
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
func (f messagesFault) rotations() int {
	late := f.Operation == admin.MessagesChange || f.Operation == admin.MessagesToken && f.nth == 4 ||
		f.Operation == admin.MessagesEvents && f.nth == 2
	if f.Kind == admin.MessagesPolicy || f.Kind == admin.MessagesChanged && late {
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
		interceptors := []interceptor{ends(number, after)}
		if number%2 == 0 {
			interceptors = append(interceptors, ends(1, after))
		}
		first := e.rotate(interceptors...)
		if number == 0 && !slices.Equal(first.steps, messagesSteps) {
			t.Errorf("it has done %q, want no more than %q", first.steps, messagesSteps)
		}
		e.verify(1)
		return first.process, first.stepCount() == number
	})
}

// ends ends a controller at a step.
func ends(number int, when moment) interceptor {
	return (&crash{number: number, when: when}).intercept
}

// TestARotationSurvivesASecondCrash: the controller that follows the first one ends, too, at each of its steps. The
// first one has ended where the most is at stake; with -full, at each of its steps.
func TestARotationSurvivesASecondCrash(t *testing.T) {
	firsts := map[string]int{
		"the intent was written":        slices.Index(messagesSteps, "MessagesPassword Sent") + 1,
		"the service has answered":      slices.Index(messagesSteps, callChange) + 1,
		"the new password is published": slices.Index(messagesSteps, "Secret messages updated") + 1,
	}
	for number := range messagesSteps {
		if *full {
			firsts[fmt.Sprintf("step %02d", number+1)] = number + 1
		}
	}
	for claim, first := range firsts {
		everyStep(t, claim, messagesCommit[1:], func(t *testing.T, number int) (*process, bool) {
			t.Helper()
			e := messagesScenario{}.environment(t)
			e.rotate(ends(first, after), ends(number, after))
			e.verify(1)
			return e.processes[1], e.processes[1].stepCount() == number
		})
	}
}

// TestARotationSurvivesEveryFault at each call, where the controller ends when it strikes, and where it does not; with
// -full, where the controller ends at any step of such a rotation.
func TestARotationSurvivesEveryFault(t *testing.T) {
	for claim, fault := range messagesFaults() {
		if *full {
			everyStep(t, claim, nil, func(t *testing.T, number int) (*process, bool) {
				t.Helper()
				e := messagesScenario{fault: fault}.environment(t)
				first := e.rotate(ends(number, after))
				e.verify(fault.rotations())
				return first.process, first.stepCount() == number
			})
			continue
		}
		t.Run(claim, func(t *testing.T) {
			t.Parallel()
			e := messagesScenario{fault: fault}.environment(t)
			e.rotate()
			e.verify(fault.rotations())
		})
		if fault.Operation == admin.MessagesChange {
			t.Run(claim+", and a crash", func(t *testing.T) {
				t.Parallel()
				e := messagesScenario{fault: fault}.environment(t)
				e.rotate(e.endsWhenStruck)
				e.verify(fault.rotations())
			})
		}
	}
}

// endsWhenStruck ends a controller with the call that the fault strikes.
func (e *messagesEnvironment) endsWhenStruck(s step, act func() error) error {
	err := act()
	if s.isCall() && e.struck {
		runtime.Goexit()
	}
	return err
}

// TestAnAPIServerThatIsAwayCostsNoCall: what came of a call is written when it is there again. With -full, it goes away
// at any step, and the rotation comes to its end.
func TestAnAPIServerThatIsAwayCostsNoCall(t *testing.T) {
	for number, name := range messagesSteps {
		if !strings.HasPrefix(name, callPrefix) && name != "Secret messages updated" {
			continue
		}
		t.Run(fmt.Sprintf("step %02d, %s", number+1, name), func(t *testing.T) {
			t.Parallel()
			e := messagesScenario{}.environment(t)
			e.withoutServer(number+1, after)
			e.verify(1)
			if rotated := e.eventsOf("Rotated"); !maps.Equal(e.calls, messagesCalls) || rotated != 1 {
				t.Errorf("it has made the calls %v, and has said %d times that it has rotated", e.calls, rotated)
			}
		})
	}
	for _, when := range []moment{before, after} {
		if *full {
			everyStep(t, string(when), messagesSteps, func(t *testing.T, number int) (*process, bool) {
				t.Helper()
				e := messagesScenario{}.environment(t)
				w, begun := e.withoutServer(number, when)
				e.verify(1)
				return w.process, begun
			})
		}
	}
}

// withoutServer lets the API server go away at a step.
func (e *messagesEnvironment) withoutServer(number int, when moment) (w *messagesController, begun bool) {
	e.Helper()
	outage := &outage{number: number, when: when}
	w = e.startController(outage.intercept)
	w.beforeRead = outage.beforeRead
	w.work()
	return w, outage.begun
}

// eventsOf is how many events of a reason were written, by whichever controller.
func (e *messagesEnvironment) eventsOf(reason string) (count int) {
	for _, process := range e.processes {
		for len(process.events.Events) > 0 {
			if strings.HasPrefix(<-process.events.Events, "Normal "+reason+" ") {
				count++
			}
		}
	}
	return count
}

// messagesWrites are the ways in which a write fails.
var messagesWrites = map[string]func(*messagesEnvironment) interceptor{
	"before":              func(*messagesEnvironment) interceptor { return failing(before) },
	"after":               func(*messagesEnvironment) interceptor { return failing(after) },
	"conflict":            func(e *messagesEnvironment) interceptor { return newConflictingWriter(&e.base).intercept },
	"forbidden":           func(*messagesEnvironment) interceptor { return forbidden() },
	"a second controller": (*messagesEnvironment).secondController,
}

// TestARotationSurvivesWritesThatFail, each of them once: before it has happened, after that, because somebody has
// changed the object, because a right is missing, and because a second controller has done everything that was to be
// done. With -full, each of them alone, too.
func TestARotationSurvivesWritesThatFail(t *testing.T) {
	for claim, faulty := range messagesWrites {
		t.Run(claim, func(t *testing.T) {
			t.Parallel()
			e := messagesScenario{}.environment(t)
			e.rotate(faulty(e))
			e.verify(1)
			if rotated := e.eventsOf("Rotated"); rotated != 1 {
				t.Errorf("it was said %d times that the password was rotated", rotated)
			}
		})
		if !*full {
			continue
		}
		everyStep(t, claim, messagesSteps[:1], func(t *testing.T, number int) (*process, bool) {
			t.Helper()
			e := messagesScenario{}.environment(t)
			fails := faulty(e)
			first := e.rotate(func(s step, act func() error) error {
				if s.number == number {
					return fails(s, act)
				}
				return act()
			})
			e.verify(1)
			return first.process, first.stepCount() >= number
		})
	}
}

// forbidden refuses the first write of each name.
func forbidden() interceptor {
	refused := map[string]bool{}
	return func(s step, act func() error) error {
		if s.object == nil || refused[s.name] {
			return act()
		}
		refused[s.name] = true
		return apierrors.NewForbidden(schema.GroupResource{Resource: "all"}, s.object.GetName(), errors.New("for a test"))
	}
}

// secondController does all that there is to do just before every write of the first one.
func (e *messagesEnvironment) secondController() interceptor {
	second := e.startController(passThrough)
	return func(s step, act func() error) error {
		if s.object != nil {
			second.workNow()
		}
		return act()
	}
}
