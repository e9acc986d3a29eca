package limiter

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"testing"

	"k8s.io/apimachinery/pkg/types"
)

// limiterUnderTest is a limiter, who was woken, and how those who have a slot release it.
type limiterUnderTest struct {
	*testing.T
	*Limiter

	woken   []string
	release map[string]func()
}

// most is so many slots that only those of one issuer run out.
const most = 100

func newLimiterUnderTest(t *testing.T, most, perIssuer int) *limiterUnderTest {
	t.Helper()
	s := &limiterUnderTest{T: t, Limiter: New(most, perIssuer), release: map[string]func(){}}
	s.OnGrant(func(name types.NamespacedName) { s.woken = append(s.woken, name.Name) })
	return s
}

// acquires reports whether an object of a namespace gets a slot of an issuer.
func (s *limiterUnderTest) acquires(name, namespace string, issuer Issuer) bool {
	s.Helper()
	taken, free := s.Acquire(types.NamespacedName{Namespace: namespace, Name: name}, Slot{issuer, namespace})
	if free {
		s.release[name] = taken.Release
	}
	return free
}

// vero is an issuer of a namespace, shared one that all of them use.
func vero(namespace string) Issuer { return Issuer{"VeroIssuer", namespace, "vero"} }

var shared = Issuer{"VeroClusterIssuer", "", "vero"}

func (s *limiterUnderTest) acquiresOurs(name string) bool {
	s.Helper()
	return s.acquires(name, "tax", vero("tax"))
}

// acquireAll acquires slots for an issuer of its own each time, until there is no slot, and returns the names.
func (s *limiterUnderTest) acquireAll(namespace string) (taken []string) {
	s.Helper()
	for i := range 2 * most {
		name := fmt.Sprintf("%s-%d", namespace, i)
		if !s.acquires(name, namespace, Issuer{"VeroIssuer", namespace, name}) {
			break
		}
		taken = append(taken, name)
	}
	return taken
}

func TestAnIssuerHasSoManySlotsAndNoMore(t *testing.T) {
	s := newLimiterUnderTest(t, most, 2)
	if !s.acquiresOurs("a") || !s.acquiresOurs("b") {
		t.Error("it has not two slots")
	}
	if s.acquiresOurs("c") {
		t.Error("it has a third slot")
	}
	for claim, other := range map[string]Issuer{
		"of another name":      {"VeroIssuer", "tax", "another"},
		"in another namespace": vero("another"),
		"of another kind":      shared,
	} {
		if !s.acquires("d", "tax", other) {
			t.Errorf("an issuer %s has no slot of its own", claim)
		}
	}
	if !s.acquires("e", "another", shared) {
		t.Error("the cluster issuer has not two slots")
	}
	if s.acquires("f", "third", shared) {
		t.Error("a cluster issuer has slots for each namespace")
	}
}

func TestWhoComesFirstIsServedFirst(t *testing.T) {
	s := newLimiterUnderTest(t, most, 1)
	s.acquiresOurs("a")
	waiting := make([]string, 0, 21)
	for i := range 20 {
		waiting = append(waiting, fmt.Sprintf("waiting-%02d", i))
		if s.acquiresOurs(waiting[i]) {
			t.Fatalf("%s has overtaken", waiting[i])
		}
	}
	if s.acquiresOurs(waiting[7]) {
		t.Fatal("whoever asks again overtakes")
	}
	s.release["a"]()
	if s.acquiresOurs("late") || s.acquiresOurs(waiting[1]) {
		t.Fatal("the slot is for the first who waits")
	}
	waiting = append(waiting, "late")
	for _, name := range waiting {
		if s.woken[len(s.woken)-1] != name || !s.acquiresOurs(name) {
			t.Fatalf("it is the turn of %s, and woken was %s", name, s.woken[len(s.woken)-1])
		}
		s.release[name]()
	}
	if !slices.Equal(s.woken, waiting) {
		t.Errorf("woken were %s, want %s", s.woken, waiting)
	}
	if !s.acquiresOurs("a") || len(s.waiting.namespaces)+len(s.waiting.known)+len(s.granted) > 0 {
		t.Errorf("something is left: %v, %v", s.waiting, s.granted)
	}
}

func TestWhoNeedsNoLaneAnyMoreHandsItOn(t *testing.T) {
	s := newLimiterUnderTest(t, most, 1)
	s.acquiresOurs("a")
	s.acquiresOurs("left")
	s.acquiresOurs("gone")
	s.acquiresOurs("next")
	s.Forget(types.NamespacedName{Namespace: "tax", Name: "left"})
	s.release["a"]()
	s.Forget(types.NamespacedName{Namespace: "tax", Name: "gone"})
	s.Forget(types.NamespacedName{Namespace: "tax", Name: "never heard of"})
	if !slices.Equal(s.woken, []string{"gone", "next"}) || !s.acquiresOurs("next") {
		t.Errorf("woken were %s", s.woken)
	}
	s.release["next"]()
	if s.busy+len(s.ofIssuer)+len(s.ofNamespace) > 0 {
		t.Errorf("slots are taken for ever: %d, %v, %v", s.busy, s.ofIssuer, s.ofNamespace)
	}
}

func TestALostLeaseWaitsForThoseWhoAreInALane(t *testing.T) {
	s := newLimiterUnderTest(t, most, 2)
	s.Drain(t.Context())
	s.acquiresOurs("a")
	s.acquiresOurs("b")
	s.acquiresOurs("waiting")
	drained := make(chan struct{})
	go func() { s.Drain(t.Context()); close(drained) }()
	s.release["a"]()
	select {
	case <-drained:
		t.Fatal("it has not waited for the other slot")
	default:
	}
	s.release["b"]()
	<-drained
	s.acquiresOurs("waiting")
	hurried, cancel := context.WithCancel(t.Context())
	cancel()
	s.Drain(hurried)
}

func TestANamespaceWithAnyNumberOfIssuersLeavesHalfOfTheLanesToOthers(t *testing.T) {
	s := newLimiterUnderTest(t, 32, 8)
	if taken := s.acquireAll("hostile"); len(taken) != 16 {
		t.Errorf("it has taken %d of 32 slots", len(taken))
	}
	for i := range 8 {
		if !s.acquiresOurs(strconv.Itoa(i)) {
			t.Fatalf("another namespace has %d slots beside it, and not 8", i)
		}
	}
}

func TestManyNamespacesTogetherDoNotKeepAnotherOneWaiting(t *testing.T) {
	s := newLimiterUnderTest(t, 32, 8)
	for i := range 37 {
		if len(s.acquireAll(fmt.Sprintf("hostile-%d", i))) == 0 {
			t.Errorf("the %dth namespace has no slot", i)
		}
	}
	if !s.acquiresOurs("a") {
		t.Errorf("there is no slot beside theirs")
	}
	if s.busy >= s.Workers() {
		t.Errorf("%d slots occupy all of %d workers", s.busy, s.Workers())
	}
	for i := range 100 {
		s.acquireAll(fmt.Sprintf("more-%d", i))
	}
	if s.busy != 64 {
		t.Errorf("%d slots are taken at once, want 64", s.busy)
	}
}

func TestNamespacesTakeTurnsOnASharedIssuer(t *testing.T) {
	s := newLimiterUnderTest(t, most, 1)
	s.acquires("running", "crowd", shared)
	for i := range 5 {
		s.acquires(fmt.Sprintf("crowd-%d", i), "crowd", shared)
	}
	s.acquires("good-0", "good", shared)
	s.acquires("good-1", "good", shared)
	s.release["running"]()
	for range 6 {
		last := s.woken[len(s.woken)-1]
		if !s.acquires(last, last[:len(last)-2], shared) {
			t.Fatalf("it is not the turn of %s, who was woken", last)
		}
		s.release[last]()
	}
	want := []string{"crowd-0", "good-0", "crowd-1", "good-1", "crowd-2", "crowd-3", "crowd-4"}
	if !slices.Equal(s.woken, want) {
		t.Errorf("woken were %s, want %s", s.woken, want)
	}
}

func TestAnIssuerWhoseLanesAreTakenDoesNotKeepItsNamespaceWaiting(t *testing.T) {
	s := newLimiterUnderTest(t, 4, 1)
	s.acquiresOurs("slow")
	s.acquires("quick", "tax", shared)
	s.acquiresOurs("behind the slow one")
	s.acquires("behind the quick one", "tax", shared)
	s.release["quick"]()
	if !slices.Equal(s.woken, []string{"behind the quick one"}) {
		t.Errorf("woken were %s", s.woken)
	}
}

// TestWhoIsMadeAnewForAnotherIssuerDoesNotWaitForTheFirst: a Certificate that is corrected gets a request of the same
// name.
func TestWhoIsMadeAnewForAnotherIssuerDoesNotWaitForTheFirst(t *testing.T) {
	s := newLimiterUnderTest(t, most, 1)
	s.acquiresOurs("slow")
	s.acquires("quick", "tax", shared)
	s.acquiresOurs("made anew")
	if s.acquires("made anew", "tax", shared) {
		t.Error("it has overtaken")
	}
	s.release["quick"]()
	if !slices.Equal(s.woken, []string{"made anew"}) || !s.acquires("made anew", "tax", shared) {
		t.Errorf("woken were %s", s.woken)
	}
	s.release["slow"]()
	if s.release["made anew"](); s.busy+len(s.waiting.namespaces)+len(s.waiting.known)+len(s.granted) > 0 {
		t.Errorf("something is left: %v, %v", s.waiting, s.granted)
	}
}
