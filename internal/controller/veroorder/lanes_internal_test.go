package veroorder

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/types"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
)

// street is lanes, who was woken, and how those leave who are in one.
type street struct {
	*testing.T
	*Lanes

	woken []string
	leave map[string]func()
}

func newStreet(t *testing.T, lanes int) *street {
	t.Helper()
	s := &street{T: t, Lanes: NewLanes(lanes), leave: map[string]func(){}}
	s.onTurn(func(name types.NamespacedName) { s.woken = append(s.woken, name.Name) })
	return s
}

// enters is whether an order gets a lane.
func (s *street) enters(name, kind, namespace, issuer string) bool {
	s.Helper()
	order := &v1alpha1.VeroOrder{}
	order.Namespace, order.Name = namespace, name
	order.Spec.IssuerRef = v1alpha1.OrderIssuerReference{Kind: kind, Name: issuer}
	leave, free := s.enter(order)
	if free {
		s.leave[name] = leave
	}
	return free
}

func (s *street) ours(name string) bool {
	s.Helper()
	return s.enters(name, v1alpha1.KindVeroIssuer, "tax", "vero")
}

func TestAnIssuerHasSoManyLanesAndNoMore(t *testing.T) {
	s := newStreet(t, 2)
	if !s.ours("a") || !s.ours("b") {
		t.Error("it has not two lanes")
	}
	if s.ours("c") {
		t.Error("it has a third lane")
	}
	for claim, other := range map[string][3]string{
		"of another name":      {v1alpha1.KindVeroIssuer, "tax", "another"},
		"in another namespace": {v1alpha1.KindVeroIssuer, "another", "vero"},
		"of another kind":      {v1alpha1.KindVeroClusterIssuer, "tax", "vero"},
	} {
		if !s.enters("d", other[0], other[1], other[2]) {
			t.Errorf("an issuer %s has no lane of its own", claim)
		}
	}
	if !s.enters("e", v1alpha1.KindVeroClusterIssuer, "another", "vero") {
		t.Error("the cluster issuer has not two lanes")
	}
	if s.enters("f", v1alpha1.KindVeroClusterIssuer, "third", "vero") {
		t.Error("a cluster issuer has lanes for each namespace")
	}
}

func TestWhoComesFirstIsServedFirst(t *testing.T) {
	s := newStreet(t, 1)
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
	s.leave["a"]()
	if s.ours("late") || s.ours(line[1]) {
		t.Fatal("the lane is for the first who waits")
	}
	line = append(line, "late")
	for _, name := range line {
		if s.woken[len(s.woken)-1] != name || !s.ours(name) {
			t.Fatalf("it is the turn of %s, and woken was %s", name, s.woken[len(s.woken)-1])
		}
		s.leave[name]()
	}
	if !slices.Equal(s.woken, line) {
		t.Errorf("woken were %s, want %s", s.woken, line)
	}
	if !s.ours("a") || len(s.waiting)+len(s.given) > 0 {
		t.Errorf("something is left: %v, %v", s.waiting, s.given)
	}
}

func TestWhoNeedsNoLaneAnyMoreHandsItOn(t *testing.T) {
	s := newStreet(t, 1)
	s.ours("a")
	s.ours("gone")
	s.ours("next")
	s.leave["a"]()
	s.forget(types.NamespacedName{Namespace: "tax", Name: "gone"})
	s.forget(types.NamespacedName{Namespace: "tax", Name: "never heard of"})
	if !slices.Equal(s.woken, []string{"gone", "next"}) || !s.ours("next") {
		t.Errorf("woken were %s", s.woken)
	}
	s.leave["next"]()
	if len(s.busy) > 0 {
		t.Errorf("lanes are taken for ever: %v", s.busy)
	}
}

func TestALostLeaseWaitsForThoseWhoAreInALane(t *testing.T) {
	s := newStreet(t, 2)
	s.Drain(t.Context())
	s.ours("a")
	s.ours("b")
	s.ours("waiting")
	drained := make(chan struct{})
	go func() { s.Drain(t.Context()); close(drained) }()
	s.leave["a"]()
	select {
	case <-drained:
		t.Fatal("it has not waited for the other lane")
	default:
	}
	s.leave["b"]()
	<-drained
	s.ours("waiting")
	hurried, cancel := context.WithCancel(t.Context())
	cancel()
	s.Drain(hurried)
}
