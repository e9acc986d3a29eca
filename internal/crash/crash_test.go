package crash_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

const (
	first        = "a first certificate"
	renewal      = "a renewal"
	refusedOnce  = "a first certificate that the service does not take at once"
	responseLost = "a first certificate whose response is lost on the way"
)

// scenarios are the issuances that are taken apart.
var scenarios = map[string]scenario{
	first:       {},
	renewal:     {renewal: true},
	refusedOnce: {faults: []admin.Fault{{Operation: signNew, Kind: admin.ResultFail, Code: "PKI099"}}},
	responseLost: {lost: 1, faults: []admin.Fault{
		{Operation: signNew, Kind: admin.HTTPStatus, Status: 408, AfterProcessing: true},
	}},
}

// TestAnIssuanceSurvivesACrashAtEveryStep: the controller ends before a step, or after it, and another one starts. What
// is there after a step is the same as before the next one; so in those runs the new controller also has a cache that
// lags behind, and decides first from the orders as they were before the last step of the old one.
func TestAnIssuanceSurvivesACrashAtEveryStep(t *testing.T) {
	for claim, scenario := range scenarios {
		for _, when := range []moment{before, after} {
			name, want := fmt.Sprintf("%s, %s", claim, when), scenario.expectedSteps()
			everyStep(t, name, want, func(t *testing.T, number int) (*process, bool) {
				t.Helper()
				return crashes(t, scenario, &crash{number: number, when: when})
			})
		}
	}
}

// TestAnIssuanceSurvivesASecondCrash: the controller that follows the first one ends, too, at each of its steps. The
// first one has ended where the most is at stake.
func TestAnIssuanceSurvivesASecondCrash(t *testing.T) {
	anew := scenario{}.expectedSteps()
	for claim, place := range map[string]struct {
		when moment
		name string
		// expectedSteps is what is left to do.
		expectedSteps []string
	}{
		"the order was made":          {after, createOrder, append([]string{writeSubmitting}, anew[1:]...)},
		"the service has answered":    {after, signNew, append([]string{signNew, "VeroOrder Failed"}, anew...)},
		"the acceptance was recorded": {after, writeSubmitted, delivery},
	} {
		everyStep(t, claim, place.expectedSteps, func(t *testing.T, number int) (*process, bool) {
			t.Helper()
			s := newEnvironment(t, scenario{})
			earlier := &crash{name: place.name, when: place.when, look: s.orderObjects}
			if s.startController(earlier.intercept).work() {
				t.Fatalf("there was no step %q", place.name)
			}
			later := &crash{number: number, when: after, look: s.orderObjects}
			next := s.startController(later.intercept)
			alive := next.work()
			if !alive {
				s.startController(passThrough).work()
			}
			s.verify(false, cost{lost: earlier.losses() + later.losses()})
			return next.process, !alive
		})
	}
}

// trial runs an issuance in which something happens at the step of a number, or nowhere if that is 0. It returns the
// controller that it happens to, and whether it has happened.
type trial func(t *testing.T, number int) (w *process, happened bool)

// everyStep runs an issuance to whose steps nothing happens, and then once for each of them, side by side. The expected
// steps have to be among them, in that order: a controller that does nothing proves nothing.
func everyStep(t *testing.T, claim string, expectedSteps []string, run trial) {
	t.Helper()
	t.Run(claim, func(t *testing.T) {
		t.Parallel()
		var steps []string
		t.Run("undisturbed", func(t *testing.T) {
			undisturbed, _ := run(t, 0)
			steps = undisturbed.steps
			if !containsInOrder(steps, expectedSteps) {
				t.Errorf("the steps are %q, want among them %q", steps, expectedSteps)
			}
		})
		for i, name := range steps {
			t.Run(fmt.Sprintf("step %02d, %s", i+1, name), func(t *testing.T) {
				t.Parallel()
				if _, happened := run(t, i+1); !happened {
					t.Error("nothing has happened at this step")
				}
			})
		}
	})
}

// containsInOrder reports whether all of some steps are among others, in that order.
func containsInOrder(steps, expectedSteps []string) bool {
	for _, name := range expectedSteps {
		found := slices.Index(steps, name)
		if found < 0 {
			return false
		}
		steps = steps[found+1:]
	}
	return true
}

// crashes runs an issuance whose controller ends at a step, and tells whether it has ended there.
func crashes(t *testing.T, scenario scenario, crash *crash) (ended *process, happened bool) {
	t.Helper()
	s := newEnvironment(t, scenario)
	crash.look = s.orderObjects
	allowed := cost{lost: scenario.lost}
	first := s.startController(crash.intercept)
	first.eventful = true
	alive := first.work()
	if !alive {
		allowed.lost += crash.losses()
		next := s.startController(passThrough)
		if crash.when == after {
			next.stale = crash.orders
		}
		next.work()
	}
	s.verify(scenario.renewal, allowed)
	return first.process, !alive
}
