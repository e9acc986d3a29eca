package limiter

import (
	"slices"
	"strconv"
	"testing"

	"k8s.io/apimachinery/pkg/types"
)

// TestATurnGoesFromARequestToItsOrder, and to the next request when either needs it no longer.
func TestATurnGoesFromARequestToItsOrder(t *testing.T) {
	named := func(name string) types.NamespacedName { return types.NamespacedName{Namespace: "tax", Name: name} }
	slot := Slot{vero("tax"), "tax"}
	for claim, c := range map[string]struct {
		then  func(*Turns)
		woken bool
	}{
		"a request that needs no order": {func(turns *Turns) { turns.End(named("request-0")) }, true},
		"one that goes on":              {func(*Turns) {}, false},
		"its order": {func(turns *Turns) {
			turns.Pass(named("request-0"), named("order-0"))
			turns.End(named("request-0"))
		}, false},
		"its order that was sent": {func(turns *Turns) {
			turns.Pass(named("request-0"), named("order-0"))
			turns.Leave(named("order-0"))
		}, true},
		"another order that was sent": {func(turns *Turns) {
			turns.Pass(named("request-0"), named("order-0"))
			turns.Leave(named("order-1"))
		}, false},
		"its order that is gone, unseen": {func(turns *Turns) {
			turns.Pass(named("request-0"), named("order-0"))
			turns.Abandon(named("request-0"))
		}, true},
		"an order of another request": {func(turns *Turns) {
			turns.Pass(named("request-0"), named("order-0"))
			turns.Abandon(named("request-1"))
		}, false},
		"two requests with one order": {func(turns *Turns) {
			turns.Pass(named("request-0"), named("order-0"))
			turns.Pass(named("request-1"), named("order-0"))
		}, true},
	} {
		t.Run(claim, func(t *testing.T) {
			turns := NewTurns(1, 1)
			var woken []string
			turns.OnGrant(func(name types.NamespacedName) { woken = append(woken, name.Name) })
			for _, request := range []string{"request-0", "request-1"} { // half of a namespace's share is left to others
				if !turns.Begin(named(request), slot) {
					t.Fatalf("%s has to wait", request)
				}
			}
			if turns.Begin(named("next"), slot) {
				t.Fatal("there is no end of turns")
			}
			c.then(turns)
			if slices.Contains(woken, "next") != c.woken {
				t.Errorf("woken are %q", woken)
			}
		})
	}
}

// TestANamespaceDoesNotKeepTheTurnsOfASharedIssuer from others: its orders wait for long where those for other issuers
// have its share of the slots.
func TestANamespaceDoesNotKeepTheTurnsOfASharedIssuer(t *testing.T) {
	named := func(namespace string, i int) types.NamespacedName {
		return types.NamespacedName{Namespace: namespace, Name: strconv.Itoa(i)}
	}
	turns, kept := NewTurns(8, 1), 0
	for ; turns.Begin(named("crowd", kept), Slot{shared, "crowd"}); kept++ {
		turns.Pass(named("crowd", kept), named("crowd", kept))
	}
	if !turns.Begin(named("good", 0), Slot{shared, "good"}) {
		t.Errorf("the orders of another namespace keep all of the %d turns", kept)
	}
}
