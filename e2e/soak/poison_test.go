package soak

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/e2e/tenant"
	"github.com/varmenne/varmenne-issuer/e2e/world"
	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

// Two tenants have services of their own, each call of one operation of which is the controller's last: it is killed
// while the call runs, on every try. What the services get to see are the tries.
func TestACallThatEndsTheControllerOnEveryTryKeepsNobodyElseFromACertificate(t *testing.T) {
	t.Parallel()
	s := &crowded{environment: startEnvironment(t, world.Options{})}
	leave := s.actAsUser(0) // a kill may lose the response of anybody else's call, too
	polled := s.poison("polled", get)
	// The first poll is not announced. The next controller cannot know that there was one.
	s.killInEvery(polled, get, 0, firstPause)
	must.Do(t, polled.Service.ClearFaults(t.Context()))
	polled.AwaitOrder("issued after all", func(order *v1alpha1.VeroOrder) bool {
		return order.Status.State == v1alpha1.VeroOrderIssued
	})
	// Nor is the first submission, in its first second: the next controller cannot tell that the order did not only wait.
	s.killInEvery(s.poison("sent", signNew), signNew, firstPause, firstPause, 2*firstPause)
	s.eventually("the certificates of everybody else", func() bool { return s.received(1, s.others...) })
	leave()
	s.reconcile()
}

// crowded is an environment with Certificates that have nothing to do with what ends the controller.
type crowded struct {
	*environment

	others []string
}

// firstPause is how long an order waits in whose call the controller has ended, from the start of the next one.
const firstPause = 10 * time.Second

// noticed is how long after its intent, from which the pause counts, the test may notice a call.
const noticed = 3 * time.Second

// killInEvery kills the controller in the first call and in those after the pauses. Before each of them somebody else
// orders a certificate.
func (s *crowded) killInEvery(poison *tenant.Tenant, operation string, pauses ...time.Duration) {
	s.Helper()
	var before time.Time
	for try, pause := range slices.Insert(pauses, 0, 0) {
		name := nameOf(len(s.others))
		s.others = append(s.others, name)
		s.mintCredentials(name)
		s.order(name)
		seen := s.killIn(poison, operation, try)
		if distance := seen.Sub(before); distance < pause-noticed {
			s.Errorf("%s: try %d came %s after the one before, want at least %s", operation, try+1, distance, pause)
		}
		s.Logf("%s: try %d at %s", operation, try+1, seen.Format(time.TimeOnly))
		before = seen
	}
}

// poison is a tenant with one Certificate, whose service answers an operation so late that there is time for a kill.
func (s *crowded) poison(namespace, operation string) *tenant.Tenant {
	s.Helper()
	hostile := tenant.Begin(s.T, s.World, namespace)
	hostile.Script(admin.Fault{Operation: operation, Kind: admin.TimeoutAfter, ForDuration: admin.Duration(time.Hour)})
	minted := hostile.MintAs(admin.MintRequest{CustomerID: customer})
	hostile.Create(
		hostile.NamespaceObject(), hostile.Trust(),
		hostile.Service.Issuer(hostile.Namespace, customer),
		world.TransferSecret(hostile.Namespace, nameOf(0), minted),
		world.Certificate(hostile.Namespace, nameOf(0), customer),
	)
	return hostile
}

// killIn waits for the next call of a tenant's service, kills the controller in it, and starts another one. It returns
// when it saw the call. By the kill, everybody else's requests are answered: of several calls that are interrupted,
// only the one that was begun last has to wait.
func (s *crowded) killIn(poison *tenant.Tenant, operation string, earlier int) time.Time {
	s.Helper()
	poison.Eventually("a call that does not end", func(ctx context.Context) (bool, error) {
		asked, err := poison.Service.Requests(ctx, operation, "")
		return len(asked) > earlier, err
	})
	seen := time.Now()
	s.eventually("the responses to everybody else's requests", func() bool {
		answered := slices.DeleteFunc(s.orders(), func(order v1alpha1.VeroOrder) bool {
			return order.Status.RetrievalID == "" && order.Status.CompletionTime == nil
		})
		return len(answered) >= len(s.others)
	})
	s.replaceController()
	return seen
}
