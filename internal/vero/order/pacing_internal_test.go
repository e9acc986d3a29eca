package order

import (
	"fmt"
	"slices"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/vero/orderstate"
)

var start = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func pending(number int) v1alpha1.VeroOrder {
	return v1alpha1.VeroOrder{ObjectMeta: metav1.ObjectMeta{Namespace: "hostile", Name: fmt.Sprintf("order-%03d", number)}}
}

func accepted(number int) v1alpha1.VeroOrder {
	order := pending(number)
	orderstate.RecordIntent(&order, "", 0, start)
	orderstate.RecordSubmission(&order, "r", nil, orderstate.Call{Ended: start})
	return order
}

// made says by its creation that it is being sent.
func made(number int) v1alpha1.VeroOrder {
	order := pending(number)
	order.CreationTimestamp, order.Spec.IntentID = metav1.NewTime(start), "another controller's"
	return order
}

// calls is what a controller does with orders each of whose calls ends it: it makes as many of those that are due first
// as run at once, and tells when it has ended.
func calls(p *pacing, orders []v1alpha1.VeroOrder, now time.Time) time.Time {
	p.begin(orders, now)
	dues := make([]time.Time, len(orders))
	for i := range orders {
		orderstate.Recall(&orders[i], false)
		dues[i] = p.until(&orders[i], now)
	}
	moment, atOnce := slices.MinFunc(dues, time.Time.Compare), 8
	for i := range orders {
		if !dues[i].Equal(moment) || atOnce == 0 {
			continue
		}
		atOnce--
		if order := &orders[i]; order.Status.State != v1alpha1.VeroOrderSubmitted {
			orderstate.RecordIntent(order, "", p.interruptions(order, moment), moment)
		} else if p.needsIntent(order, moment) {
			orderstate.RecordPollIntent(order, p.interruptions(order, moment), moment)
		}
	}
	return moment
}

// TestOrdersThatEndEveryControllerLeaveTimeForOthers, however many they are, and whatever ends it.
func TestOrdersThatEndEveryControllerLeaveTimeForOthers(t *testing.T) {
	for claim, c := range map[string]struct {
		order  func(int) v1alpha1.VeroOrder
		number int
	}{
		"one that is sent":       {pending, 1},
		"one that is polled":     {accepted, 1},
		"one that was only made": {made, 1},
		"many that are sent":     {pending, 300},
		"many that were made":    {made, 300},
		"many that are polled":   {accepted, 300},
		"nine, more than a slot": {accepted, 9},
	} {
		t.Run(claim, func(t *testing.T) {
			orders := make([]v1alpha1.VeroOrder, 0, c.number)
			for i := range c.number {
				orders = append(orders, c.order(i))
			}
			const most = 40
			now, ended := start.Add(time.Hour), 0
			for end := now.Add(24 * time.Hour); now.Before(end); ended++ {
				now = calls(&pacing{}, orders, now.Add(time.Second))
			}
			if ended > most {
				t.Errorf("%d controllers have ended within a day, want at most %d", ended, most)
			}
		})
	}
}

// TestInterruptedCallsThatWereHeldUpAreMadeOneASecondAllTheSame: their issuer was not ready when it was their turn.
func TestInterruptedCallsThatWereHeldUpAreMadeOneASecondAllTheSame(t *testing.T) {
	one, two := pending(1), pending(2)
	orderstate.RecordIntent(&one, "", 0, start)
	orderstate.RecordIntent(&two, "", 0, start)
	p := &pacing{}
	p.begin([]v1alpha1.VeroOrder{one, two}, start)
	now := start.Add(time.Hour)
	if until := p.until(&one, now); !until.Equal(now) {
		t.Errorf("the first one waits until %s", until)
	}
	if until := p.until(&two, now); !until.Equal(now.Add(time.Second)) {
		t.Errorf("the second one waits until %s", until)
	}
}

// TestOrdersThatWereOnlyMadeGoOnOneASecond, when the others of their namespace do: they raise no suspicion, and they do
// not share in that of their namespace, also after they have said that they wait.
func TestOrdersThatWereOnlyMadeGoOnOneASecond(t *testing.T) {
	ending := pending(0)
	orderstate.RecordIntent(&ending, "", 3, start)
	for _, c := range []struct {
		claim string
		said  bool
		among []v1alpha1.VeroOrder
		from  time.Duration
	}{
		{"alone", false, nil, time.Second},
		{"alone, and said that they wait", true, nil, time.Second},
		{"beside one that has ended controllers", false, []v1alpha1.VeroOrder{ending}, 81 * time.Second},
		{"beside it, and said that they wait", true, []v1alpha1.VeroOrder{ending}, 81 * time.Second},
	} {
		orders := append([]v1alpha1.VeroOrder{made(1), made(2), made(3)}, c.among...)
		for i := range orders {
			if c.said {
				orderstate.Recall(&orders[i], false)
			}
		}
		p := &pacing{}
		p.begin(orders, start)
		for i := range 2 {
			orderstate.Recall(&orders[i], false)
			if got, want := p.until(&orders[i], start).Sub(start), c.from+time.Duration(i)*time.Second; got != want {
				t.Errorf("%s: number %d goes on after %s, want %s", c.claim, i, got, want)
			}
			if got := p.interruptions(&orders[i], start); len(c.among) == 0 && got != 0 {
				t.Errorf("%s: it is said to have ended %d controllers", c.claim, got)
			}
		}
	}
}

// TestOthersOfASuspectedNamespaceCallOneASecond, until what was interrupted has its outcome.
func TestOthersOfASuspectedNamespaceCallOneASecond(t *testing.T) {
	interrupted := []v1alpha1.VeroOrder{pending(1), pending(2)}
	for i := range interrupted {
		orderstate.RecordIntent(&interrupted[i], "", 0, start)
	}
	third, fourth, elsewhere, crowd := pending(3), pending(4), pending(5), make([]v1alpha1.VeroOrder, 100)
	elsewhere.Namespace = "friendly"
	p := &pacing{}
	p.begin(interrupted, start)
	for i, want := range []time.Duration{time.Second, 2 * time.Second, 0} {
		order := []*v1alpha1.VeroOrder{&third, &fourth, &elsewhere}[i]
		if until := p.until(order, start); until.Sub(start) != want {
			t.Errorf("%s of %s calls after %s, want %s", order.Name, order.Namespace, until.Sub(start), want)
		}
	}
	const over = 13 * time.Second // one a second, the last one after 10 s more, and a second
	for i := range crowd {
		crowd[i] = pending(100 + i)
		if until := p.until(&crowd[i], start); until.Sub(start) > over {
			t.Fatalf("%s waits for %s; all of it is over after %s", crowd[i].Name, until.Sub(start), over)
		}
	}
	if got := p.until(&fourth, start.Add(time.Second)); got.Sub(start) != 2*time.Second {
		t.Errorf("its turn has changed to %s", got)
	}
	orderstate.RecordSubmission(&interrupted[0], "r", nil, orderstate.Call{Ended: start})
	p.until(&interrupted[0], start.Add(time.Second))
	if got := p.until(&fourth, start.Add(time.Second)); got.After(start.Add(time.Second)) {
		t.Errorf("with a single interrupted order left it waits until %s", got)
	}
}
