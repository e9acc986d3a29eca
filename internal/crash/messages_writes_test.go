package crash_test

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

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

// eventsOf is how many different events of a reason were written, by whichever controller. The same one is written anew
// after something else was wrong.
func (e *messagesEnvironment) eventsOf(reason string) int {
	found := map[string]bool{}
	for _, process := range e.processes {
		for len(process.events.Events) > 0 {
			if event := <-process.events.Events; strings.HasPrefix(event, "Normal "+reason+" ") {
				found[event] = true
			}
		}
	}
	return len(found)
}

// messagesWrites are the ways in which a write fails.
var messagesWrites = map[string]func(*messagesEnvironment) interceptor{
	"before":              func(*messagesEnvironment) interceptor { return failing(before) },
	"after":               func(*messagesEnvironment) interceptor { return failing(after) },
	"conflict":            func(e *messagesEnvironment) interceptor { return newConflictingWriter(&e.base).intercept },
	"forbidden":           func(*messagesEnvironment) interceptor { return forbidden(1) },
	"forbidden for long":  func(*messagesEnvironment) interceptor { return forbidden(20) },
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

// forbidden refuses the first tries of each write.
func forbidden(tries int) interceptor {
	refused := map[string]int{}
	return func(s step, act func() error) error {
		if s.object == nil || refused[s.name] == tries {
			return act()
		}
		refused[s.name]++
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
