package orderstate_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/types"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/vero/orderstate"
)

// interrupted has the intent of a call and no outcome; so many controllers had ended in calls of its namespace before.
func interrupted(ago time.Duration, before int32) edit {
	return func(o *v1alpha1.VeroOrder) { orderstate.RecordIntent(o, password, before, now.Add(-ago)) }
}

// interruptedPoll was accepted and is in the middle of a poll.
func interruptedPoll(ago time.Duration, before int32) edit {
	return func(o *v1alpha1.VeroOrder) {
		sent(now.Add(-time.Hour), nil)(o)
		orderstate.RecordPollIntent(o, before, now.Add(-ago))
	}
}

func in(namespace, name string) edit {
	return func(o *v1alpha1.VeroOrder) { o.Namespace, o.Name = namespace, name }
}

func TestInterruptedCallsAreMadeAgainOneByOne(t *testing.T) {
	for claim, c := range map[string]struct {
		orders []*v1alpha1.VeroOrder
		want   map[string]time.Duration // after the start, by namespace/name
	}{
		"without any there is nothing to plan": {
			[]*v1alpha1.VeroOrder{signNew(), signNew(sent(now, nil)), signNew(lost)}, map[string]time.Duration{}},
		"a single one after a pause": {
			[]*v1alpha1.VeroOrder{signNew(in("a", "1"), interrupted(time.Hour, 0))},
			map[string]time.Duration{"a/1": 11 * time.Second}},
		"one a second, in the order in which they were begun, the last one after a pause": {
			[]*v1alpha1.VeroOrder{
				signNew(in("a", "last"), interrupted(time.Second, 0)), signNew(in("b", "2"), interrupted(2*time.Second, 0)),
				renewal(in("a", "1"), interrupted(3*time.Second, 0)), signNew(in("c", "0"), interruptedPoll(4*time.Second, 0)),
			},
			map[string]time.Duration{
				"c/0": time.Second, "a/1": 2 * time.Second, "b/2": 3 * time.Second, "a/last": 14 * time.Second}},
		"what has ended two controllers waits for longer, and keeps nobody of another namespace waiting": {
			[]*v1alpha1.VeroOrder{
				signNew(in("a", "1"), interrupted(5*time.Second, 1)), signNew(in("b", "1"), interrupted(time.Second, 0)),
			},
			map[string]time.Duration{"a/1": 15 * time.Second, "b/1": 12 * time.Second}},
		"the pause doubles": {
			[]*v1alpha1.VeroOrder{signNew(in("a", "1"), interruptedPoll(5*time.Second, 4))},
			map[string]time.Duration{"a/1": 155 * time.Second}},
		"up to an hour": {
			[]*v1alpha1.VeroOrder{signNew(in("a", "1"), interrupted(0, 40))},
			map[string]time.Duration{"a/1": time.Hour}},
		"a pause that is over is not waited for again": {
			[]*v1alpha1.VeroOrder{
				signNew(in("a", "1"), interrupted(2*time.Hour, 40)), signNew(in("b", "1"), interrupted(time.Hour, 0)),
			},
			map[string]time.Duration{"a/1": time.Second, "b/1": 12 * time.Second}},
		"many of one namespace make its pause longer, whichever of them ends the controller": {
			[]*v1alpha1.VeroOrder{
				signNew(in("a", "1"), interrupted(20*time.Second, 0)), signNew(in("a", "2"), interrupted(0, 2)),
				signNew(in("a", "3"), interrupted(10*time.Second, 0)),
			},
			map[string]time.Duration{"a/1": 40 * time.Second, "a/3": 80 * time.Second, "a/2": 120 * time.Second}},
		"a clock that was ahead makes no pause longer": {
			[]*v1alpha1.VeroOrder{signNew(in("a", "1"), interrupted(-24*time.Hour, 1))},
			map[string]time.Duration{"a/1": 20 * time.Second}},
	} {
		t.Run(claim, func(t *testing.T) {
			plan := orderstate.PlanResumptions(values(c.orders), now)
			got := map[string]time.Duration{}
			for name, moment := range plan.At {
				got[name.String()] = moment.Sub(now)
			}
			if difference := cmp.Diff(c.want, got); difference != "" {
				t.Errorf("the plan differs (-want +got):\n%s", difference)
			}
		})
	}
}

func values(orders []*v1alpha1.VeroOrder) []v1alpha1.VeroOrder {
	all := make([]v1alpha1.VeroOrder, 0, len(orders))
	for _, order := range orders {
		all = append(all, *order)
	}
	return all
}

func TestANamespaceWithInterruptedOrdersIsSuspected(t *testing.T) {
	plan := orderstate.PlanResumptions(values([]*v1alpha1.VeroOrder{
		signNew(in("a", "1"), interrupted(5*time.Second, 3)), signNew(in("a", "2"), interrupted(15*time.Second, 0)),
		signNew(in("a", "3"), sent(now, nil)), signNew(in("b", "1"), sent(now, nil)),
	}), now)
	want := map[string]orderstate.Suspicion{"a": {
		Interrupted:   []types.NamespacedName{{Namespace: "a", Name: "1"}, {Namespace: "a", Name: "2"}},
		Interruptions: 4, From: now.Add(75 * time.Second), Until: now.Add(156 * time.Second),
	}}
	if difference := cmp.Diff(want, plan.Namespaces); difference != "" {
		t.Errorf("the suspicion differs (-want +got):\n%s", difference)
	}
}

// TestACallWithAnOutcomeIsNotInterrupted, whatever the outcome is.
func TestACallWithAnOutcomeIsNotInterrupted(t *testing.T) {
	for claim, outcome := range map[string]edit{
		"accepted":                  sent(now, nil),
		"accepted, unverified":      sent(now, unverifiedWith(retrievalID)),
		"refused for now":           sent(now, pki099),
		"refused for good":          sent(now, pki020),
		"unreachable":               sent(now, errUnreachable),
		"without a response":        sent(now, errNoResponse),
		"given up":                  abandoned(v1alpha1.ReasonWithdrawn),
		"a poll refused":            func(o *v1alpha1.VeroOrder) { interruptedPoll(0, 0)(o); polled(now, pki099)(o) },
		"a poll without a response": func(o *v1alpha1.VeroOrder) { interruptedPoll(0, 0)(o); polled(now, errNoResponse)(o) },
	} {
		order := signNew(interrupted(time.Minute, 7), outcome)
		if orderstate.Interrupted(order) || order.Status.Interruptions != 0 {
			t.Errorf("%s: interrupted: %t, interruptions %d", claim, orderstate.Interrupted(order), order.Status.Interruptions)
		}
	}
}

// TestOnlyAPollThatWasDueBeforeTheStartIsAnnounced: a write for each poll would be too many.
func TestOnlyAPollThatWasDueBeforeTheStartIsAnnounced(t *testing.T) {
	accepted := signNew(sent(now, nil)) // to be polled after 10 s
	broughtBack := signNew(func(o *v1alpha1.VeroOrder) { o.Status.RetrievalID = retrievalID })
	for claim, c := range map[string]struct {
		order   *v1alpha1.VeroOrder
		started time.Time
		want    bool
	}{
		"due before":                 {accepted, now.Add(11 * time.Second), true},
		"due later":                  {accepted, now.Add(9 * time.Second), false},
		"brought back, without plan": {broughtBack, now, true},
	} {
		if got := orderstate.PollOverdue(c.order, c.started); got != c.want {
			t.Errorf("%s: %t", claim, got)
		}
	}
}
