package limiter

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"testing"

	"k8s.io/apimachinery/pkg/types"
)

// street is a limiter, who was woken, and how those leave who are in one.
type street struct {
	*testing.T
	*Limiter

	woken   []string
	release map[string]func()
}

// most is so many slots that only those of one issuer run out.
const most = 100

func newStreet(t *testing.T, most, perIssuer int) *street {
	t.Helper()
	s := &street{T: t, Limiter: New(most, perIssuer), release: map[string]func(){}}
	s.OnGrant(func(name types.NamespacedName) { s.woken = append(s.woken, name.Name) })
	return s
}

// enters reports whether an object of a namespace gets a slot of an issuer.
func (s *street) enters(name, namespace string, issuer Issuer) bool {
	s.Helper()
	release, free := s.Acquire(types.NamespacedName{Namespace: namespace, Name: name}, Slot{issuer, namespace})
	if free {
		s.release[name] = release
	}
	return free
}

// vero is an issuer of a namespace, shared one that all of them use.
func vero(namespace string) Issuer { return Issuer{"VeroIssuer", namespace, "vero"} }

var shared = Issuer{"VeroClusterIssuer", "", "vero"}

func (s *street) ours(name string) bool {
	s.Helper()
	return s.enters(name, "tax", vero("tax"))
}

// take enters for an issuer of its own each time, until there is no slot, and returns the names.
func (s *street) take(namespace string) (taken []string) {
	s.Helper()
	for i := range 2 * most {
		name := fmt.Sprintf("%s-%d", namespace, i)
		if !s.enters(name, namespace, Issuer{"VeroIssuer", namespace, name}) {
			break
		}
		taken = append(taken, name)
	}
	return taken
}

func TestAnIssuerHasSoManyLanesAndNoMore(t *testing.T) {
	s := newStreet(t, most, 2)
	if !s.ours("a") || !s.ours("b") {
		t.Error("it has not two slots")
	}
	if s.ours("c") {
		t.Error("it has a third slot")
	}
	for claim, other := range map[string]Issuer{
		"of another name":      {"VeroIssuer", "tax", "another"},
		"in another namespace": vero("another"),
		"of another kind":      shared,
	} {
		if !s.enters("d", "tax", other) {
			t.Errorf("an issuer %s has no slot of its own", claim)
		}
	}
	if !s.enters("e", "another", shared) {
		t.Error("the cluster issuer has not two slots")
	}
	if s.enters("f", "third", shared) {
		t.Error("a cluster issuer has slots for each namespace")
	}
}

func TestWhoComesFirstIsServedFirst(t *testing.T) {
	s := newStreet(t, most, 1)
	s.ours("a")
	line := make([]string, 0, 21)
	for i := range 20 {
		line = append(line, fmt.Sprintf("waiting-%02d", i))
		if s.ours(line[i]) {
			t.Fatalf("%s has overtaken", line[i])
		}
	}
	if s.ours(line[7]) {
		t.Fatal("whoever asks again overtakes")
	}
	s.release["a"]()
	if s.ours("late") || s.ours(line[1]) {
		t.Fatal("the slot is for the first who waits")
	}
	line = append(line, "late")
	for _, name := range line {
		if s.woken[len(s.woken)-1] != name || !s.ours(name) {
			t.Fatalf("it is the turn of %s, and woken was %s", name, s.woken[len(s.woken)-1])
		}
		s.release[name]()
	}
	if !slices.Equal(s.woken, line) {
		t.Errorf("woken were %s, want %s", s.woken, line)
	}
	if !s.ours("a") || len(s.waiting.namespaces)+len(s.waiting.known)+len(s.granted) > 0 {
		t.Errorf("something is left: %v, %v", s.waiting, s.granted)
	}
}

func TestWhoNeedsNoLaneAnyMoreHandsItOn(t *testing.T) {
	s := newStreet(t, most, 1)
	s.ours("a")
	s.ours("gone")
	s.ours("next")
	s.release["a"]()
	s.Forget(types.NamespacedName{Namespace: "tax", Name: "gone"})
	s.Forget(types.NamespacedName{Namespace: "tax", Name: "never heard of"})
	if !slices.Equal(s.woken, []string{"gone", "next"}) || !s.ours("next") {
		t.Errorf("woken were %s", s.woken)
	}
	s.release["next"]()
	if s.busy+len(s.ofIssuer)+len(s.ofNamespace) > 0 {
		t.Errorf("slots are taken for ever: %d, %v, %v", s.busy, s.ofIssuer, s.ofNamespace)
	}
}

func TestALostLeaseWaitsForThoseWhoAreInALane(t *testing.T) {
	s := newStreet(t, most, 2)
	s.Drain(t.Context())
	s.ours("a")
	s.ours("b")
	s.ours("waiting")
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
	s.ours("waiting")
	hurried, cancel := context.WithCancel(t.Context())
	cancel()
	s.Drain(hurried)
}

func TestANamespaceWithAnyNumberOfIssuersLeavesHalfOfTheLanesToOthers(t *testing.T) {
	s := newStreet(t, 32, 8)
	if taken := s.take("hostile"); len(taken) != 16 {
		t.Errorf("it has taken %d of 32 slots", len(taken))
	}
	for i := range 8 {
		if !s.ours(strconv.Itoa(i)) {
			t.Fatalf("another namespace has %d slots beside it, and not 8", i)
		}
	}
}

func TestManyNamespacesTogetherDoNotKeepAnotherOneWaiting(t *testing.T) {
	s := newStreet(t, 32, 8)
	for i := range 37 {
		if len(s.take(fmt.Sprintf("hostile-%d", i))) == 0 {
			t.Errorf("the %dth namespace has no slot", i)
		}
	}
	if !s.ours("a") {
		t.Errorf("there is no slot beside theirs")
	}
	if s.busy >= s.Workers() {
		t.Errorf("%d slots occupy all of %d workers", s.busy, s.Workers())
	}
	for i := range 100 {
		s.take(fmt.Sprintf("more-%d", i))
	}
	if s.busy != 64 {
		t.Errorf("%d slots are taken at once, want 64", s.busy)
	}
}

func TestNamespacesTakeTurnsOnASharedIssuer(t *testing.T) {
	s := newStreet(t, most, 1)
	s.enters("running", "crowd", shared)
	for i := range 5 {
		s.enters(fmt.Sprintf("crowd-%d", i), "crowd", shared)
	}
	s.enters("good-0", "good", shared)
	s.enters("good-1", "good", shared)
	s.release["running"]()
	for range 6 {
		last := s.woken[len(s.woken)-1]
		if !s.enters(last, last[:len(last)-2], shared) {
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
	s := newStreet(t, 4, 1)
	s.ours("slow")
	s.enters("quick", "tax", shared)
	s.ours("behind the slow one")
	s.enters("behind the quick one", "tax", shared)
	s.release["quick"]()
	if !slices.Equal(s.woken, []string{"behind the quick one"}) {
		t.Errorf("woken were %s", s.woken)
	}
}
