package crash_test

import (
	"fmt"
	"testing"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

const (
	first       = "a first certificate"
	renewal     = "a renewal"
	refusedOnce = "a first certificate that the service does not take at once"
	answerLost  = "a first certificate whose answer is lost on the way"
)

// scenarios are the issuances that are taken apart.
var scenarios = map[string]scenario{
	first:       {},
	renewal:     {renewal: true},
	refusedOnce: {faults: []admin.Fault{{Operation: signNew, Kind: admin.ResultFail, Code: "PKI099"}}},
	answerLost:  {faults: []admin.Fault{{Operation: signNew, Kind: admin.ResetMidAnswer}}, lost: 1},
}

// TestAnIssuanceSurvivesACrashAtEveryStep: the controller ends before a step, or after it, and another one starts. What
// is there after a step is the same as before the next one; so in those runs the new controller also has a cache that
// lags behind, and decides first from the orders as they were before the last step of the old one.
func TestAnIssuanceSurvivesACrashAtEveryStep(t *testing.T) {
	for claim, scenario := range scenarios {
		for _, when := range []moment{before, after} {
			everyStep(t, fmt.Sprintf("%s, %s", claim, when), func(t *testing.T, number int) bool {
				t.Helper()
				return crashes(t, scenario, &crash{number: number, when: when})
			})
		}
	}
}

// TestAnIssuanceSurvivesASecondCrash: the controller that follows the first one ends, too, at each of its steps. The
// first one has ended where the most is at stake.
func TestAnIssuanceSurvivesASecondCrash(t *testing.T) {
	for claim, place := range map[string]struct {
		when moment
		name string
	}{
		"the intent was written":      {after, writeSubmitting},
		"the service has answered":    {after, signNew},
		"the acceptance was recorded": {after, writeSubmitted},
	} {
		everyStep(t, claim, func(t *testing.T, number int) bool {
			t.Helper()
			s := set(t, scenario{})
			earlier := &crash{name: place.name, when: place.when, stage: s}
			if s.start(earlier.gate).play() {
				t.Fatalf("there was no step %q", place.name)
			}
			later := &crash{number: number, when: after, stage: s}
			alive := s.start(later.gate).play()
			if !alive {
				t.Logf("%s %s, then %s %s", earlier.when, earlier.at.name, later.when, later.at.name)
				s.start(open).play()
			}
			s.judge(false, cost{lost: earlier.losses() + later.losses()})
			return !alive
		})
	}
}

// everyStep runs an issuance for every step that it has: run tells whether there was such a step.
func everyStep(t *testing.T, claim string, run func(t *testing.T, number int) bool) {
	t.Helper()
	t.Run(claim, func(t *testing.T) {
		t.Parallel()
		number, more := 0, true
		for more {
			number++
			t.Run(fmt.Sprintf("step %02d", number), func(t *testing.T) { more = run(t, number) })
			more = more && !t.Failed()
		}
		t.Logf("%d steps", number-1)
	})
}

// crashes runs an issuance whose controller ends at a step, and tells whether there was such a step.
func crashes(t *testing.T, scenario scenario, crash *crash) bool {
	t.Helper()
	s := set(t, scenario)
	crash.stage = s
	allowed := cost{lost: scenario.lost}
	first := s.start(crash.gate)
	first.eventful = true
	alive := first.play()
	if !alive {
		t.Logf("%s %s", crash.when, crash.at.name)
		allowed.lost += crash.losses()
		next := s.start(open)
		if crash.when == after {
			next.stale = append([]v1alpha1.VeroOrder{}, crash.orders...)
		}
		next.play()
	}
	s.judge(scenario.renewal, allowed)
	return !alive
}
