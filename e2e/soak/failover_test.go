package soak

import (
	"fmt"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/e2e/testkit"
	"github.com/varmenne/varmenne-issuer/e2e/world"
	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

// longResponse is how long the responses take in whose middle the leader is frozen: long enough to freeze it in two.
const longResponse = 15 * time.Second

// afterlife is longer than a leader goes on working that has lost its lease without knowing.
const afterlife = 15 * time.Second

// A first issue and a renewal have reached the service when the leader is frozen, and the responses come while it is.
// The other replica takes over and finds both orders interrupted. Then the old leader is thawed, with the responses at
// hand.
func TestALeaderThatIsFrozenInTheMiddleOfACallLosesNoResponse(t *testing.T) {
	t.Parallel()
	s := startEnvironment(t, world.Options{Replicas: 2})
	for round := range either(5, 1) {
		f := &failover{environment: s, fresh: fmt.Sprintf("fresh-%d", round), used: fmt.Sprintf("used-%d", round)}
		f.run(round%2 == 1)
	}
	s.reconcile()
}

// Here it is left to chance what the leader is doing when it is frozen, and when it is thawed.
func TestALeaderThatIsFrozenAtRandomMomentsNeitherPaysTwiceNorLosesWhatWasPaid(t *testing.T) {
	t.Parallel()
	if !*full {
		t.Skip("make soak runs it")
	}
	s := startEnvironment(t, world.Options{Replicas: 2})
	// A response may come from the old leader when the other one has given it up: who waits a little need not pay
	// again.
	leave, busy := s.actAsUser(time.Minute), s.startBusiness()
	for range 10 {
		busy.keep()
		number := s.leader()
		testkit.Pass(s, s.upTo(longestRun))
		must.Do(t, s.Replica(number).Pause())
		s.eventually("the other replica to take over", func() bool { return s.Replica(3 - number).Works(t.Context()) })
		busy.keep()
		testkit.Pass(s, s.upTo(longestRun))
		must.Do(t, s.Replica(number).Resume())
		s.eventually("the old leader to end", func() bool { return s.Replica(number).State() != nil })
		must.Do(t, s.StartReplica(t.Context(), number))
	}
	busy.finish()
	leave()
	s.reconcile()
}

// failover is one change of the leader.
type failover struct {
	*environment

	// fresh is a Certificate that is about to be issued, used one that is about to be renewed.
	fresh, used string
	old         int
}

// run fails over once; othersFinish lets the other replica finish before the old leader is thawed.
func (f *failover) run(othersFinish bool) {
	f.Helper()
	f.old = f.leader()
	f.mintCredentials(f.used, f.fresh)
	f.order(f.used)
	f.eventually("the first certificate of "+f.used, func() bool { return f.received(1, f.used) })

	given := f.freezeInTheMiddle()
	other := f.Replica(3 - f.old)
	f.eventually("the other replica to take over", func() bool { return other.Works(f.Context()) })
	f.eventually("the other replica to give the responses up", func() bool {
		sold, renewed := f.orderOf(signNew, f.fresh), f.orderOf(renewal, f.used)
		return testkit.ReasonOf(sold.Status.Conditions) == v1alpha1.ReasonResponseLost && renewed.Status.RetrievalID != ""
	})
	if othersFinish {
		f.eventually("the renewal by the other replica", func() bool { return f.received(2, f.used) })
	}
	f.thaw(given)
	f.eventually("both certificates", func() bool { return f.received(1, f.fresh) && f.received(2, f.used) })
	must.Do(f, f.StartReplica(f.Context(), f.old))
}

// freezeInTheMiddle freezes the leader while the service is about to answer a SignNewCertificate and a
// RenewCertificate, and returns the RetrievalId in the response to the first.
func (f *failover) freezeInTheMiddle() string {
	f.Helper()
	before := len(f.Asked(signNew)) + len(f.Asked(renewal))
	for _, operation := range []string{signNew, renewal} {
		f.Script(admin.Fault{Operation: operation, Kind: admin.TimeoutAfter, Hold: admin.Duration(longResponse)})
	}
	f.order(f.fresh)
	f.renew(f.used)
	f.eventually("both requests to reach the service", func() bool {
		return len(f.Asked(signNew))+len(f.Asked(renewal)) == before+2
	})
	// Not in the middle of a renewal of its lease, which would let it give up at the moment when it is thawed.
	lease := func() *coordinationv1.Lease { return must.Get(f.Lease(f.Context()))(f) }
	renewed := lease().Spec.RenewTime
	f.eventually("the leader to renew its lease", func() bool { return !lease().Spec.RenewTime.Equal(renewed) })
	must.Do(f, f.Replica(f.old).Pause())
	calls := must.Get(f.Service.Calls(f.Context()))(f)
	if calls.Running != 2 {
		f.Fatalf("%d calls are running when the leader is frozen, want two", calls.Running)
	}
	submissions := f.Asked(signNew)
	return submissions[len(submissions)-1].RetrievalID
}

// thaw lets the old leader go on, and waits until it has ended, as one that has lost its lease does. The response that
// it was waiting for must be in the order by then. It is left to the other one to fetch the certificate: until the old
// leader has ended, the service has none.
func (f *failover) thaw(given string) {
	f.Helper()
	old := f.Replica(f.old)
	f.Script(admin.Fault{Operation: get, Kind: admin.ResultFail, ForDuration: admin.Duration(afterlife)})
	thawed := time.Now()
	must.Do(f, old.Resume())
	f.eventually("the old leader to end", func() bool { return old.State() != nil })
	order := f.orderOf(signNew, f.fresh)
	f.eventually("the watch to show the order as it is", func() bool {
		order = f.orderOf(signNew, f.fresh)
		return order.Status.RetrievalID != "" || time.Since(thawed) > 5*time.Second
	})
	f.Logf("the old leader ended %s after it was thawed; the order is %s (%s) with RetrievalId %q",
		time.Since(thawed).Round(time.Millisecond), order.Status.State, testkit.ReasonOf(order.Status.Conditions),
		order.Status.RetrievalID)
	if order.Status.RetrievalID == given {
		return
	}
	f.Errorf("the order has RetrievalId %q, and the old leader had a response with %s when it was thawed",
		order.Status.RetrievalID, given)
	must.Do(f, f.replace(f.Context(), f.fresh))
}

// orderOf is the order of an operation for a Certificate; an empty one if there is none.
func (f *failover) orderOf(operation, certificate string) *v1alpha1.VeroOrder {
	f.Helper()
	for _, order := range f.orders() {
		if string(order.Spec.Operation) == operation && order.Annotations["cert-manager.io/certificate-name"] == certificate {
			return &order
		}
	}
	return &v1alpha1.VeroOrder{}
}
