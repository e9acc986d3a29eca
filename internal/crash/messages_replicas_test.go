package crash_test

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
)

// freeze is a leader that stands still at a step, while another controller takes over.
type freeze struct {
	when moment
	// duration is for how long it is frozen before the other takes over; zero for two controllers at once, of which the
	// other does what there is to be done at that moment.
	duration time.Duration
	// asleep reports whether its timers stand still, too.
	asleep bool
	// alone reports whether no other controller takes over.
	alone bool
	// again reports whether the other makes one more rotation, while the leader is frozen.
	again bool
	// tokensSurvive is what tokens do when the password is changed.
	tokensSurvive bool
}

// freezes are how leaders are frozen; with -full in all ways.
func freezes() map[string]freeze {
	all := map[string]freeze{
		"alone, for 40 s":        {when: after, duration: 40 * time.Second, alone: true},
		"an hour, asleep, again": {when: before, duration: time.Hour, asleep: true, again: true},
	}
	if *full {
		all["two at once"] = freeze{when: before}
	}
	for i := 0; *full && i < 1<<4; i++ {
		f := freeze{when: before, duration: time.Hour, asleep: i&1 > 0, again: i&2 > 0, tokensSurvive: i&4 > 0}
		if i&8 > 0 {
			f.when = after
		}
		all[fmt.Sprintf("%+v", f)] = f
	}
	return all
}

// TestALeaderThatIsFrozenAtAnyStepDoesNoHarm when it wakes after another controller has taken over and has finished.
func TestALeaderThatIsFrozenAtAnyStepDoesNoHarm(t *testing.T) {
	for claim, freeze := range freezes() {
		everyStep(t, claim, messagesSteps, func(t *testing.T, number int) (*process, bool) {
			t.Helper()
			e := messagesScenario{tokensSurvive: freeze.tokensSurvive}.environment(t)
			leader, happened := e.freeze(number, freeze)
			rotations := 1
			if happened && freeze.again {
				rotations = 2
			}
			e.verify(rotations)
			if counted := e.objects()[0].Status.FailedLogins; freeze.alone && len(counted) > 0 {
				t.Errorf("calls that were not made count as failed log-ins: %v", counted)
			}
			return leader.process, happened
		})
	}
}

// freeze freezes a leader at a step, and lets both controllers work on when it is thawed.
func (e *messagesEnvironment) freeze(number int, how freeze) (leader *messagesController, happened bool) {
	e.Helper()
	other, frozenIn := e.startController(passThrough), 0
	leader = e.startController(func(s step, act func() error) (err error) {
		if frozenIn == leader.looks && how.duration > 0 {
			e.verifyHeldUp(s)
		}
		if s.number != number {
			return act()
		}
		happened, frozenIn = true, leader.looks
		if how.when == after {
			err = act()
		}
		e.takeOver(other, how)
		if how.when == before {
			err = act()
		}
		return err
	})
	leader.asleep = how.asleep
	leader.work()
	other.work()
	return leader, happened
}

// takeOver lets another controller do the work.
func (e *messagesEnvironment) takeOver(other *messagesController, how freeze) {
	if how.duration == 0 {
		other.workNow()
		return
	}
	e.clock.Step(how.duration)
	if how.alone {
		return
	}
	other.work()
	if how.again {
		if err := e.demand("once more"); err != nil {
			e.Error(err)
		}
		other.work()
	}
}

// verifyHeldUp: a leader does nothing any more of what it had decided before it was frozen, but for writing down what
// came of its calls.
func (e *messagesEnvironment) verifyHeldUp(s step) {
	if s.isCall() || s.object != nil && !strings.HasPrefix(s.name, v1alpha1.KindMessagesPassword) {
		e.note(&e.problems, fmt.Sprintf("after it was frozen, the leader goes on with %q", s.name))
	}
}

// TestWithoutTheResourceVersionOfTheSecretALeaderThatWakesLosesThePassword: it is the resourceVersion that protects,
// and the tests would see it.
func TestWithoutTheResourceVersionOfTheSecretALeaderThatWakesLosesThePassword(t *testing.T) {
	t.Parallel()
	e := messagesScenario{}.environment(t)
	other := e.startController(passThrough)
	leader := e.startController(func(s step, act func() error) error {
		if s.name == "Secret messages updated" {
			e.takeOver(other, freeze{duration: time.Hour, again: true})
			s.object.SetResourceVersion("")
			_ = act()
			runtime.Goexit()
		}
		return act()
	})
	lost := func(problem string) bool { return strings.HasPrefix(problem, "no Secret has the service's password") }
	if leader.work() || !slices.ContainsFunc(e.judge(2), lost) {
		t.Errorf("nobody has seen it\n%s", e.describe())
	}
}

// TestOfTwoControllersThatHaveBothDecidedOneActs, at every step: both have read and decided before either of them does
// anything.
func TestOfTwoControllersThatHaveBothDecidedOneActs(t *testing.T) {
	everyStep(t, "together", messagesSteps, func(t *testing.T, number int) (*process, bool) {
		t.Helper()
		e := messagesScenario{}.environment(t)
		one, happened := e.together(number)
		e.verify(1)
		return one.process, happened
	})
}

// together lets two controllers come to the same step, and then first the one and then the other go on.
func (e *messagesEnvironment) together(number int) (one *messagesController, happened bool) {
	e.Helper()
	met, released, ended := make(chan struct{}), make(chan struct{}), make(chan struct{})
	var name string
	waits := false
	two := e.startController(func(s step, act func() error) error {
		if s.name == name && !waits {
			waits = true
			close(met)
			<-released
		}
		return act()
	})
	one = e.startController(func(s step, act func() error) error {
		if s.number == number {
			happened, name = true, s.name
			go func() {
				defer close(ended)
				two.workNow()
			}()
			select {
			case <-met:
			case <-ended:
			}
		}
		return act()
	})
	one.looked = func() {
		if happened {
			close(released)
			<-ended
			one.looked = func() {}
		}
	}
	one.work()
	two.work()
	return one, happened
}

// rivals are where a second MessagesPassword for the same account is, and its Secret.
var rivals = map[string]func(*messagesEnvironment) (namespace, secret string){
	"for the same Secret":  func(e *messagesEnvironment) (_, _ string) { return e.namespace, messagesName },
	"for another Secret":   func(e *messagesEnvironment) (_, _ string) { return e.namespace, "others" },
	"in another namespace": func(e *messagesEnvironment) (_, _ string) { return server.Namespace(e.T), messagesName },
}

// TestOfTwoMessagesPasswordsForOneAccountOneIsServed, whose Secret gets the new password; with -full, also if the
// controller ends at any step, and another one follows.
func TestOfTwoMessagesPasswordsForOneAccountOneIsServed(t *testing.T) {
	for claim, where := range rivals {
		run := func(t *testing.T, number int) (*process, bool) {
			t.Helper()
			e := messagesScenario{}.environment(t)
			e.makeRival(where(e))
			first := e.rotate(endsAfter(number))
			e.verify(1)
			e.verifyShared(number > 0)
			return first.process, first.stepCount() == number
		}
		if *full {
			everyStep(t, claim, messagesFirstSight, run)
			continue
		}
		t.Run(claim, func(t *testing.T) {
			t.Parallel()
			run(t, 0)
		})
	}
}

// makeRival makes a second MessagesPassword. The older one is served; of two that were made within a second, either.
func (e *messagesEnvironment) makeRival(namespace, secret string) {
	e.Helper()
	first := e.objects()[0]
	rival := e.makeMessagesPassword(namespace, "rival", secret)
	if namespace != e.namespace {
		e.namespaces = append(e.namespaces, namespace)
	}
	if rival.CreationTimestamp.Equal(&first.CreationTimestamp) && rival.UID < first.UID {
		e.namespace, e.secretName = namespace, secret
	}
}

// verifyShared: one of two does nothing, and says so. A log-in fails at most where a crash has left open whether the
// new password was sent.
func (e *messagesEnvironment) verifyShared(crashed bool) {
	e.Helper()
	shared := 0
	for _, object := range e.objects() {
		if needsPerson(&object, v1alpha1.ReasonSecretShared) {
			shared++
		}
	}
	if ledger := e.ledger(); shared != 1 || ledger.Applied != 1 || ledger.Failed > 0 && !crashed {
		e.Errorf("%d of two do nothing, and %d log-ins have failed\n%s", shared, ledger.Failed, e.describe())
	}
}
