package crash_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
)

// manualScenario is a certificate that a person fetches.
type manualScenario struct {
	// inUse is how long the certificate in use lasts, zero for none.
	inUse time.Duration
	moves []move
	// steps are all that a controller does for it: while it waits it writes nothing.
	steps []string
}

var (
	applicationDue = inState(v1alpha1.ManualOrderAwaitingApplication, v1alpha1.ReasonApplicationDue)
	applied        = inState(v1alpha1.ManualOrderApplied, v1alpha1.ReasonAwaitingAuthority)
	rejected       = inState(v1alpha1.ManualOrderApplied, v1alpha1.ReasonCertificateRejected)
	stale          = inState(v1alpha1.ManualOrderStale, v1alpha1.ReasonApplicationStale)
	kept           = inState(v1alpha1.ManualOrderAwaitingValidity, v1alpha1.ReasonAwaitingValidity)
)

// What a controller does for what happens.
var (
	madeAnOrder = []string{"create ManualOrder", "CertificateRequest Pending"}
	saidDue     = said("AwaitingApplication", "ApplicationDue")
	saidApplied = said("Applied", "AwaitingAuthority")
	issued      = []string{"ManualOrder Issued", "event Issued", "CertificateRequest Issued"}
)

// said is that an order says something, and its request after it.
func said(state, reason string) []string {
	return []string{"ManualOrder " + state, "event " + reason, "CertificateRequest Pending", "event " + reason}
}

var manualScenarios = map[string]manualScenario{
	"text in the order": {
		moves: []move{{applicationDue, bringInline}},
		steps: slices.Concat(madeAnOrder, saidDue, issued),
	},
	"a file in a ConfigMap, after a wrong one": {moves: []move{
		{applicationDue, apply},
		{applied, func(e *manualEnvironment) { e.bring(e.issue(pkitest.Key("another"), -time.Hour)) }},
		{rejected, bringRight},
	}, steps: slices.Concat(madeAnOrder, saidDue, saidApplied, said("Applied", "CertificateRejected"), issued)},
	"a certificate that begins later": {moves: []move{
		{applicationDue, apply},
		{applied, func(e *manualEnvironment) { e.bring(e.issue(e.key, 14*day)) }},
		{kept, func(e *manualEnvironment) { e.clock.Step(14*day - time.Hour) }},
	}, steps: slices.Concat(madeAnOrder, saidDue, saidApplied, said("AwaitingValidity", "AwaitingValidity"), issued)},
	"another key": {moves: []move{
		{applicationDue, apply},
		{applied, func(e *manualEnvironment) { e.stage("staged anew"); e.replaceRequest() }},
		{applicationDue, bringRight},
	}, steps: slices.Concat(madeAnOrder, saidDue, saidApplied, madeAnOrder[:1],
		[]string{"ManualOrder Stale", "event ApplicationStale"}, madeAnOrder[1:], saidDue, issued)},
	"another request with the same key": {moves: []move{
		{applicationDue, apply},
		{applied, func(e *manualEnvironment) {
			request := e.request()
			e.must(server.Client.Delete(e.Context(), request))
			e.moves[0].do = func(e *manualEnvironment) { e.makeRequest(request) }
		}},
		{stale, nil}, // as the one before says
		{applied, bringRight},
	}, steps: slices.Concat(madeAnOrder, saidDue, saidApplied, []string{"ManualOrder Stale", "event ApplicationStale"},
		madeAnOrder[1:], saidApplied, issued)},
	"reminders": {inUse: 3*day + 2*time.Hour, moves: []move{
		{reminded(3), func(e *manualEnvironment) { e.clock.Step(2*day - 2*time.Hour) }},
		{reminded(1), bringInline},
	}, steps: slices.Concat(madeAnOrder, saidDue[:2], saidDue[1:], saidDue[:2], saidDue[:2], issued)},
}

// reminded is an order that has reminded somebody so many days before the end.
func reminded(days int32) func(*v1alpha1.ManualOrder) bool {
	return func(order *v1alpha1.ManualOrder) bool {
		return order.Status.RemindedDays != nil && *order.Status.RemindedDays == days
	}
}

func (s manualScenario) environment(t *testing.T) *manualEnvironment {
	t.Helper()
	return newManualEnvironment(t, s.inUse, slices.Clone(s.moves))
}

// TestAManualOrderSurvivesACrashAtEveryStep: the controller ends after a step, which leaves the same as ending before
// the next one, and the controller that follows has a cache that lags behind by that step. After every other step that
// one ends, too, with the first thing that it does.
func TestAManualOrderSurvivesACrashAtEveryStep(t *testing.T) {
	for claim, scenario := range manualScenarios {
		everyStep(t, claim, scenario.steps, func(t *testing.T, number int) (*process, bool) {
			t.Helper()
			e := scenario.environment(t)
			crashed := &crash{number: number, when: after, look: e.orderObjects}
			first := e.startController(crashed.intercept)
			alive := first.work()
			if alive && !slices.Equal(first.steps, scenario.steps) {
				t.Errorf("it has done %q, want no more than %q", first.steps, scenario.steps)
			}
			for again := number%2 == 0; !alive; again = false {
				next := e.startController(passThrough)
				if again {
					next.intercept = (&crash{number: 1, when: after, look: e.orderObjects}).intercept
				}
				next.stale = crashed.orders
				alive = next.work()
			}
			e.verify()
			return first.process, number > 0 && first.stepCount() == number
		})
	}
}

// TestAManualOrderSurvivesWritesThatFail, each of them once: before it has happened, after that, because somebody has
// changed the object, and because a second controller has done everything that was to be done.
func TestAManualOrderSurvivesWritesThatFail(t *testing.T) {
	for claim, scenario := range manualScenarios {
		for kind, faulty := range map[string]func(*manualEnvironment) interceptor{
			"before":              func(*manualEnvironment) interceptor { return failing(before) },
			"after":               func(*manualEnvironment) interceptor { return failing(after) },
			"conflict":            func(e *manualEnvironment) interceptor { return newConflictingWriter(&e.base).intercept },
			"a second controller": secondController,
		} {
			t.Run(claim+", "+kind, func(t *testing.T) {
				t.Parallel()
				e := scenario.environment(t)
				e.startController(faulty(e)).work()
				e.verify()
			})
		}
	}
}

// failing lets the first write of each name fail.
func failing(when moment) interceptor {
	failed := map[string]bool{}
	return func(s step, act func() error) error {
		if s.object == nil || failed[s.name] {
			return act()
		}
		failed[s.name] = true
		if when == after {
			_ = act() // nobody sees the response
		}
		return errors.New("connection reset by peer")
	}
}

// secondController does all that there is to do just before every write of the first one.
func secondController(e *manualEnvironment) interceptor {
	second := e.startController(passThrough)
	return func(s step, act func() error) error {
		if s.object != nil {
			for _, item := range second.due() {
				second.workOn(item)
			}
		}
		return act()
	}
}

// TestEveryReminderIsGivenOnce, with hours in between at which the order is looked at.
func TestEveryReminderIsGivenOnce(t *testing.T) {
	t.Parallel()
	e := manualScenarios["reminders"].environment(t)
	e.startController(passThrough).work()
	given := e.reminders()
	if len(given) != 3 || given["7 days"] != 1 || given["3 days"] != 1 || given["1 day"] != 1 {
		t.Errorf("the reminders are %v", given)
	}
}
