package crash_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
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
			everyStep(t, fmt.Sprintf("%s, %s", claim, when), scenario.course(), func(t *testing.T, number int) (*world, bool) {
				t.Helper()
				return crashes(t, scenario, &crash{number: number, when: when})
			})
		}
	}
}

// TestAnIssuanceSurvivesASecondCrash: the controller that follows the first one ends, too, at each of its steps. The
// first one has ended where the most is at stake.
func TestAnIssuanceSurvivesASecondCrash(t *testing.T) {
	anew := scenario{}.course()
	for claim, place := range map[string]struct {
		when moment
		name string
		// course is what is left to do.
		course []string
	}{
		"the intent was written":      {after, writeSubmitting, append([]string{signNew, writeSubmitted}, delivery...)},
		"the service has answered":    {after, signNew, append([]string{signNew, "VeroOrder Failed"}, anew...)},
		"the acceptance was recorded": {after, writeSubmitted, delivery},
	} {
		everyStep(t, claim, place.course, func(t *testing.T, number int) (*world, bool) {
			t.Helper()
			s := set(t, scenario{})
			earlier := &crash{name: place.name, when: place.when, stage: s}
			if s.start(earlier.intercept).play() {
				t.Fatalf("there was no step %q", place.name)
			}
			later := &crash{number: number, when: after, stage: s}
			next := s.start(later.intercept)
			alive := next.play()
			if !alive {
				s.start(open).play()
			}
			s.judge(false, cost{lost: earlier.losses() + later.losses()})
			return next, !alive
		})
	}
}

// trial runs an issuance in which something happens at the step of a number, or nowhere if that is 0. It returns the
// world that it happens to, and whether it has happened.
type trial func(t *testing.T, number int) (w *world, happened bool)

// everyStep runs an issuance to whose steps nothing happens, and then once for each of them, side by side. The course
// is what has to be among the steps, in that order: a world that does nothing proves nothing.
func everyStep(t *testing.T, claim string, course []string, run trial) {
	t.Helper()
	t.Run(claim, func(t *testing.T) {
		t.Parallel()
		var steps []string
		t.Run("undisturbed", func(t *testing.T) {
			world, _ := run(t, 0)
			steps = world.steps
			if !goesBy(steps, course) {
				t.Errorf("the steps are %q, want among them %q", steps, course)
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

// goesBy reports whether the steps of a course are among others, in that order.
func goesBy(steps, course []string) bool {
	for _, name := range course {
		found := slices.Index(steps, name)
		if found < 0 {
			return false
		}
		steps = steps[found+1:]
	}
	return true
}

// crashes runs an issuance whose controller ends at a step, and tells whether it has ended there.
func crashes(t *testing.T, scenario scenario, crash *crash) (ended *world, happened bool) {
	t.Helper()
	s := set(t, scenario)
	crash.stage = s
	allowed := cost{lost: scenario.lost}
	first := s.start(crash.intercept)
	first.eventful = true
	alive := first.play()
	if !alive {
		allowed.lost += crash.losses()
		next := s.start(open)
		if crash.when == after {
			next.stale = append([]v1alpha1.VeroOrder{}, crash.orders...)
		}
		next.play()
	}
	s.judge(scenario.renewal, allowed)
	return first, !alive
}
