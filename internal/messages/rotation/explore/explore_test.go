package explore_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/explore"
	"github.com/varmenne/varmenne-issuer/internal/messages/rotation"
	"github.com/varmenne/varmenne-issuer/internal/must"
)

var full = flag.Bool("full", false, "search the further scenarios, for minutes")

// Key tells states apart.
func (e *explorer) Key(w *world) explore.Key { return keyOf(w) }

// Steps are all that can happen next.
func (e *explorer) Steps(w *world) []explore.Step[*world] {
	steps := e.successors(w)
	if err := e.failure(); err != nil {
		steps = append(steps, explore.Step[*world]{Err: err})
	}
	return steps
}

// Check holds a state to the invariants.
func (e *explorer) Check(w *world) error {
	e.check(w)
	return e.failure()
}

func (e *explorer) failure() error {
	if e.broken == "" {
		return nil
	}
	return errors.New(e.broken)
}

// search visits all states up to a depth. What ends how is remembered, so that one worker does everything.
func (e *explorer) search(b budget, depth int) explore.Result {
	e.ends = map[explore.Key]bool{}
	return explore.Search[*world](e, newWorld(b), depth, 1)
}

// check holds a state to the invariants.
func (e *explorer) check(w *world) {
	if !w.elsewhere && !w.deleted && !w.holds(w.service.password) {
		e.failf("the service's password is lost")
	}
	if w.gone {
		return
	}
	e.end(w, "what is late comes never", func(n *world) { n.service.late = nil })
	if len(w.service.late) > 0 {
		e.end(w, "what is late comes now", func(n *world) {
			for _, c := range n.service.late {
				n.apply(c)
			}
			n.service.late = nil
		})
	}
}

// end has the service behave from now on, and one controller start anew: in the end the Secret is right, or a person is
// asked for who alone can put it right. A way that leads to where another one has led ends as that one does.
func (e *explorer) end(w *world, how string, begin func(*world)) {
	n := w.clone()
	n.replicas, n.budget = [2]replica{}, budget{replicas: 1}
	n.service.locked = false
	begin(n)
	const steps, longest = 2000, 60 * 24 * time.Hour
	until := n.elapsed + longest
	var way []explore.Key
	for range steps {
		if n.replicas[0].step == look {
			place := keyOfPlace(n)
			if e.ends[place] || settled(n) {
				for _, passed := range append(way, place) {
					e.ends[passed] = true
				}
				return
			}
			way = append(way, place)
		}
		next := e.step(n, 0)
		if e.broken != "" {
			e.broken += " (" + how + ")"
			return
		}
		if len(next) == 0 || n.elapsed > until {
			break
		}
		n = next[0].State
	}
	e.failf("it comes to no end (%s): %s", how, describe(n))
}

// settled reports whether the Secret is right, and nothing is in flight; or a person is asked for what is lost.
func settled(w *world) bool {
	if w.gone {
		return w.secret.value == w.service.password || w.elsewhere || w.deleted
	}
	person := meta.IsStatusConditionTrue(w.object.Status.Conditions, v1alpha1.ConditionNeedsPerson)
	idle := w.object.Status.State == v1alpha1.MessagesPasswordIdle
	if person && (!w.holds(w.service.password) || idle && w.mistyped) {
		return true
	}
	return idle && w.staging.uid == 0 &&
		w.secret.value == w.service.password && w.object.DeletionTimestamp == nil
}

func describe(w *world) string {
	return fmt.Sprintf("Secret %d, staging %+v, service %d, status %+v, rotation %+v", w.secret.value, w.staging,
		w.service.password, w.object.Status, w.object.Status.Rotation)
}

// scenario is what may go wrong in some histories, and how far they are followed.
type scenario struct {
	budget budget
	depth  int
}

// scenarios that take seconds.
var scenarios = map[string]scenario{
	"one controller that crashes": {budget{replicas: 1, faults: 2, crashes: 2, refusals: 1}, 22},
	"two controllers":             {budget{replicas: 2, faults: 1, persons: 1}, 18},
	"people":                      {budget{replicas: 1, faults: 1, persons: 2, crashes: 1}, 20},
	"a locked account":            {budget{replicas: 1, lockouts: 1, persons: 2}, 24},
	"refusals by policy":          {budget{replicas: 1, faults: 1, refusals: 10}, 60},
	"a clock that jumps":          {budget{replicas: 1, faults: 1, jumps: 2}, 20},
	"a deletion":                  {budget{replicas: 1, faults: 1, deletes: true, refusals: 1, demands: 1}, 20},
	"an object made anew":         {budget{replicas: 2, faults: 1, recreations: 1}, 16},
}

// further scenarios, for which there is time once in a while.
var further = map[string]scenario{
	"one controller":     {budget{replicas: 1, faults: 3, crashes: 1, persons: 1, lockouts: 1, refusals: 1}, 30},
	"two controllers":    {budget{replicas: 2, faults: 2, persons: 1, refusals: 1}, 24},
	"everything at once": {budget{replicas: 2, faults: 1, crashes: 1, persons: 1, jumps: 1, lockouts: 1, refusals: 1}, 17},
}

func TestEveryHistory(t *testing.T) {
	searched := scenarios
	if *full {
		searched = further
	}
	seen := map[rotation.Verb]bool{}
	page := string(must.Get(os.ReadFile("../../../../docs/reliability.md"))(t))
	for claim, c := range searched {
		t.Run(claim, func(t *testing.T) {
			e := &explorer{seen: seen}
			began := time.Now()
			found := e.search(c.budget, c.depth)
			if found.Err != nil {
				t.Errorf("%v, after\n%s", found.Err, strings.Join(found.History, "\n"))
			}
			t.Logf("%d states up to depth %d in %s", found.States, c.depth, time.Since(began).Round(time.Millisecond))
			row := fmt.Sprintf("| %d | %d,%03d |", c.depth, found.States/1000, found.States%1000)
			if !*full && !strings.Contains(page, row) {
				t.Errorf("docs/reliability.md has no row that ends with %s", row)
			}
		})
	}
	for _, verb := range []rotation.Verb{
		rotation.Wait, rotation.LogIn, rotation.Stage, rotation.Prepare, rotation.Send, rotation.Commit, rotation.Adopt,
		rotation.Retire, rotation.Unstage, rotation.RemoveFinalizer,
	} {
		if !seen[verb] && !*full {
			t.Errorf("no history comes to %s", verb)
		}
	}
}

// TestSeededFaultsAreFound: a controller that is lied to makes the mistakes that the exploration is there to find.
func TestSeededFaultsAreFound(t *testing.T) {
	for claim, c := range map[string]struct {
		lie    func(*rotation.Snapshot, *v1alpha1.MessagesPasswordStatus)
		budget budget
		says   string
	}{
		"a third password": {func(_ *rotation.Snapshot, s *v1alpha1.MessagesPasswordStatus) {
			if r := s.Rotation; r != nil && r.CurrentPassword == v1alpha1.PasswordAccepted {
				r.Change, r.UnclearSends, r.RefusalTimes = v1alpha1.PasswordRefused, nil, make([]metav1.Time, 5)
			}
		}, budget{replicas: 1, faults: 1}, "is lost"},
		"a probe too many": {func(_ *rotation.Snapshot, s *v1alpha1.MessagesPasswordStatus) {
			s.FailedLogins, s.NextProbeTime = nil, nil
		}, budget{replicas: 1, lockouts: 1}, "5 failed log-ins in an hour"},
		"a commit before the proof": {func(_ *rotation.Snapshot, s *v1alpha1.MessagesPasswordStatus) {
			if s.State == v1alpha1.MessagesPasswordSettling {
				s.Rotation.NewPassword = v1alpha1.PasswordAccepted
			}
		}, budget{replicas: 1, faults: 1}, "was published and never proved"},
		"a sending that is forgotten": {func(_ *rotation.Snapshot, s *v1alpha1.MessagesPasswordStatus) {
			if s.Rotation != nil {
				s.State = v1alpha1.MessagesPasswordPrepared
			}
		}, budget{replicas: 1, faults: 1}, "comes to no end"},
		"a person who is not noticed": {func(w *rotation.Snapshot, s *v1alpha1.MessagesPasswordStatus) {
			if w.Secret.Version != "v1" {
				s.RefusedSecretVersion, s.NextProbeTime = w.Secret.Version, &metav1.MicroTime{Time: w.Now.Add(time.Hour)}
			}
		}, budget{replicas: 1, persons: 2}, "comes to no end"},
	} {
		t.Run(claim, func(t *testing.T) {
			t.Parallel()
			e := &explorer{lie: func(s *rotation.Snapshot) { c.lie(s, &s.Object.Status) }}
			found := e.search(c.budget, 40)
			if !strings.Contains(e.broken, c.says) {
				t.Errorf("in %d states it finds %q", found.States, e.broken)
			}
			t.Logf("%v, after %d states and\n%s", found.Err, found.States, strings.Join(found.History, "\n"))
		})
	}
}
