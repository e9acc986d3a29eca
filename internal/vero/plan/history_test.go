package plan_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/vero/orderstate"
	"github.com/varmenne/varmenne-issuer/internal/vero/orderstate/ordertest"
)

// FuzzHistory lets anything happen in any order, and checks after every step what no step may break (checkStep,
// refusal, poll); then it repairs everything, and checks that every request comes to an end: that no history leads to
// a state in which something waits for ever.
func FuzzHistory(f *testing.F) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		f.Add(history(random, 60))
	}
	f.Fuzz(func(t *testing.T, events []byte) {
		const longest = 400
		live(t, events[:min(len(events), longest)])
	})
}

// TestHistories lives through more of them than the seeds of FuzzHistory, always the same.
func TestHistories(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 800 {
		events := history(random, 20+random.IntN(200))
		if !t.Run("", func(t *testing.T) { live(t, events) }) {
			t.Fatalf("the history was %#v", events)
		}
	}
}

func history(random *rand.Rand, length int) []byte {
	events := make([]byte, length)
	for i := range events {
		events[i] = byte(random.IntN(256))
	}
	return events
}

func live(t *testing.T, events []byte) {
	t.Helper()
	w := newModel(t)
	for len(events) > 1 {
		w.happen(events[0], events[1])
		events = events[2:]
	}
	w.repair()
	w.settle()
}

// happen is one event; most of them are steps of the controllers.
func (w *model) happen(event, detail byte) {
	number := int(detail)
	switch {
	case event < 70 && len(w.requests) > 0:
		w.stepRequest(w.requests[number%len(w.requests)], event < 15)
	case event < 150 && len(w.orders) > 0:
		w.stepOrder(w.orders[number%len(w.orders)], fault(number/16)%faults)
	case event < 190:
		w.elapsed += []time.Duration{time.Millisecond, time.Second, 5 * time.Second, 10 * time.Second, time.Minute,
			time.Hour, 30 * time.Hour, 20 * 24 * time.Hour}[number%8]
	case event < 195:
		w.offset -= []time.Duration{time.Second, time.Minute, 2 * time.Hour, 400 * 24 * time.Hour}[number%4]
	case event < 203:
		w.stale = w.list()
	case event < 205:
		w.retire()
	case event < 215 && len(w.frozen) > 0:
		i := number % len(w.frozen)
		record := w.frozen[i]
		w.frozen = append(w.frozen[:i], w.frozen[i+1:]...)
		record()
	case event < 235:
		w.changeRequests(number)
	case event < 245:
		w.changeSecrets(number)
	default:
		w.changeIssuer(number)
	}
}

// retire removes what has ended, but not while the Secret holds what it has spent.
func (w *model) retire() {
	w.orders = slices.DeleteFunc(w.orders, func(o *v1alpha1.VeroOrder) bool {
		held := o.Spec.Transfer != nil && w.transfer != nil && o.Spec.Transfer.TransferIDDigest == w.transfer.id
		return o.Status.CompletionTime != nil && !held
	})
}

func (w *model) changeRequests(number int) {
	switch number % 4 {
	case 0: // deleted
		if len(w.requests) > 0 {
			w.requests = w.requests[:len(w.requests)-1]
		}
	case 1: // deleted, and made again with the same key
		if len(w.requests) > 0 {
			key := w.requests[0].key
			w.requests = w.requests[1:]
			w.ask(key)
		}
	default:
		const most = 6
		if len(w.requests) < most {
			w.ask(number / 4 % len(worldKeys))
		}
	}
}

func (w *model) changeSecrets(number int) {
	switch number % 6 {
	case 0:
		w.transfer = nil
	case 1:
		w.mint(false)
	case 2:
		if w.transfer != nil {
			w.transfer = &transfer{id: w.transfer.id, right: true, named: w.transfer.named}
		}
	case 3:
		w.current = nil
	default:
		w.mint(true)
	}
}

func (w *model) changeIssuer(number int) {
	w.issuer.Generation++
	switch number % 7 {
	case 0:
		w.trusting = !w.trusting
		w.issuer.TrustDigest += "'"
	case 1:
		w.issuer.Ready = !w.issuer.Ready
	case 2:
		w.issuer.Exists = !w.issuer.Exists
	case 3:
		w.issuer.CustomerID = "7654321-0"
	case 4:
		w.issuer.Environment = v1alpha1.VeroEnvironmentProduction
	case 5:
		w.issuer.TrustDigest = ""
	default:
		w.repairIssuer()
	}
}

func (w *model) repairIssuer() {
	generation := w.issuer.Generation + 1
	w.issuer = ordertest.Issuer()
	w.issuer.Generation, w.trusting = generation, true
}

// repair mends everything that a person can mend. That includes to give up what was accepted for another customer or in
// another environment, by deleting the order, as its message says.
func (w *model) repair() {
	w.repairIssuer()
	for _, record := range w.frozen {
		record()
	}
	w.frozen = nil
	w.mint(true)
	w.orders = slices.DeleteFunc(w.orders, func(o *v1alpha1.VeroOrder) bool {
		accepted := o.Status.State == v1alpha1.VeroOrderSubmitted
		return accepted && (o.Spec.CustomerID != w.issuer.CustomerID || o.Spec.Environment != w.issuer.Environment)
	})
}

// settle lets the controllers work without faults, with new credentials whenever somebody waits for some, until every
// request has ended.
func (w *model) settle() {
	const rounds = 400
	for range rounds {
		next := w.now().Add(time.Hour)
		starving, open := false, false
		for _, r := range w.requests {
			action := w.stepRequest(r, false)
			open = open || r.ended == ""
			starving = starving || action.Reason == v1alpha1.ReasonWaitingForCredentials ||
				action.Reason == v1alpha1.ReasonWaitingForWindow
		}
		if !open {
			return
		}
		busy := false
		for _, order := range w.orders {
			action := w.stepOrder(order, none)
			busy = busy || action.Verb != orderstate.Done
			if action.Verb == orderstate.Wait && !action.At.IsZero() && action.At.Before(next) {
				next = action.At
			}
		}
		if starving && !busy {
			w.bought()
		}
		w.elapsed += max(next.Sub(w.now()), time.Second)
	}
	for _, r := range w.requests {
		w.t.Logf("request %+v: %+v", *r, w.stepRequest(r, false))
	}
	for _, order := range w.orders {
		w.t.Logf("order %s: %s %s", order.Name, order.Status.State, orderstate.Message(order))
	}
	w.t.Fatal("something waits for ever")
}
