package stories

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/e2e/cluster"
	"github.com/varmenne/varmenne-issuer/e2e/testkit"
	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

// disturbance is something that happens to the cluster.
type disturbance struct {
	// what happens, in the words of the page.
	what string
	// strike makes it happen, and ends when the cluster works again.
	strike func(*environment, *testing.T)
}

// orderState is where an order is when the cluster is disturbed: a row of the page for each disturbance.
type orderState struct {
	// during is the state in the words of the page.
	during string
	outcome
	// service is arguments for the test case's service.
	service []string
	// reach brings the order there; last, if there is one, goes the last step to a state that lasts for seconds only.
	reach, last func(*testCase)
}

// absence is how long the API server is away: longer than the controller keeps its lease without it.
const absence = time.Minute

func disturbances() []disturbance {
	return []disturbance{
		{what: "etcd is restarted", strike: (*environment).restartEtcd},
		{what: "every connection to the API server is cut, five times in a row", strike: (*environment).cutConnections},
		{what: "the API server is killed, and comes back after a minute", strike: (*environment).loseAPIServer},
	}
}

func orderStates() []orderState {
	return []orderState{
		{during: "waits for transfer credentials", reach: func(s *testCase) {
			s.Create(s.Trust(), s.Issuer(), s.Certificate())
			s.expect(expectation{
				reason: v1alpha1.ReasonWaitingForCredentials, says: []string{transferName, "does not exist"},
			})
		}, outcome: outcome{spent: nothing, then: continuation{
			words: "once there are transfer credentials",
			do:    func(s *testCase) { s.Create(s.Credentials(s.Mint())) },
		}}},
		{during: "is being sent, and the response comes meanwhile", outcome: unnoticed, reach: func(s *testCase) {
			s.Script(admin.Fault{Operation: signNew, Kind: admin.TimeoutAfter, Hold: held})
			s.prepare(s.Issuer())
		}, last: func(s *testCase) {
			s.Create(s.Certificate())
			s.awaitCall(signNew)
		}},
		{during: "is accepted", service: []string{"--processing-delay=30s"}, outcome: unnoticed, reach: func(s *testCase) {
			s.prepare(s.Issuer())
			s.accepted()
		}},
		{during: "is about to be delivered, and the certificate comes meanwhile", outcome: unnoticed,
			reach: func(s *testCase) {
				s.Script(admin.Fault{Operation: get, Kind: admin.TimeoutAfter, Hold: held + held/2})
				s.prepare(s.Issuer())
				s.Create(s.Certificate())
				s.awaitCall(get)
			}},
	}
}

// scenario is an order in a state, in a disturbance.
type scenario struct {
	*testCase
	orderState

	title string
}

// It is alone with the world while it disturbs the cluster; the orders end beside the other test cases.
func TestADisturbedClusterHarmsNoOrderAndNoPassword(t *testing.T) {
	e := shared.Get(t)
	var scenarios []*scenario
	waiting := beginWaiting(t)
	var accounts []*account
	for _, disturbance := range disturbances() {
		struck := make([]*scenario, 0, len(orderStates()))
		for _, state := range orderStates() {
			title := disturbance.what + " while an order " + state.during
			struck = append(struck, &scenario{testCase: beginRow(t, state.service...), orderState: state, title: title})
		}
		sideBySide(t, struck, func(scenario *scenario) func(*testCase) { return scenario.reach })
		sideBySide(t, struck, func(scenario *scenario) func(*testCase) { return scenario.last })
		if t.Failed() {
			return
		}
		account := beginAccount(t)
		account.interrupt()
		disturbance.strike(e, t)
		scenarios, accounts = append(scenarios, struck...), append(accounts, account)
	}
	e.calmsDown(t)
	t.Parallel()
	t.Run("all of that while a person carries a request for days", func(t *testing.T) {
		t.Parallel()
		waiting.goesOn(t)
	})
	for i, disturbance := range disturbances() {
		t.Run(disturbance.what+" while a password is changed", func(t *testing.T) {
			t.Parallel()
			accounts[i].on(t).settlesAfterwards()
		})
	}
	for _, scenario := range scenarios {
		t.Run(scenario.title, func(t *testing.T) {
			t.Parallel()
			s := scenario.on(t)
			scenario.follow(s)
			s.awaitReady(certificateName)
			s.spends(scenario.spent, 1)
		})
	}
}

// sideBySide lets scenarios do something at the same time, and waits for all.
func sideBySide(t *testing.T, scenarios []*scenario, what func(*scenario) func(*testCase)) {
	t.Helper()
	t.Run("before the disturbance", func(t *testing.T) {
		for _, scenario := range scenarios {
			if do := what(scenario); do != nil {
				t.Run(scenario.during, func(t *testing.T) {
					t.Parallel()
					do(scenario.on(t))
				})
			}
		}
	})
}

// calmsDown lets the closing checks begin here with what the controllers say and are refused.
func (e *environment) calmsDown(t *testing.T) {
	t.Helper()
	e.calm.since, e.calm.logged = time.Now(), map[string]int{}
	for name, replica := range e.Replicas() {
		e.calm.logged[name] = len(must.Get(os.ReadFile(replica.LogFile()))(t))
	}
}

// loseAPIServer kills the API server, and with it every watch, for a while. A controller that has lost its lease over
// that ends, and is started again, as a kubelet does it. So does cert-manager, which here has no lease to lose; its
// watches alone would take half a minute to come back.
func (e *environment) loseAPIServer(t *testing.T) {
	t.Helper()
	must.Do(t, e.Cluster.Process(cluster.APIServer).Kill())
	testkit.Pass(t, absence)
	must.Do(t, errors.Join(
		e.Cluster.StartAPIServer(t.Context()), e.Cluster.StopCertManager(), e.Cluster.StartCertManager(t.Context())))
	e.revive(t)
}

// cutConnections cuts every watch and every request that is under way, again and again.
func (e *environment) cutConnections(t *testing.T) {
	t.Helper()
	for number := range 5 {
		if e.Line().Cut() == 0 && number == 0 {
			t.Error("there was no connection to be cut")
		}
		testkit.Pass(t, time.Second)
	}
	e.revive(t)
}

// restartEtcd stops etcd and starts it again. The API server goes on.
func (e *environment) restartEtcd(t *testing.T) {
	t.Helper()
	must.Do(t, errors.Join(e.Cluster.StopEtcd(), e.Cluster.StartEtcd(t.Context())))
	e.revive(t)
}

// revive starts each controller again if it has ended, or is about to.
func (e *environment) revive(t *testing.T) {
	t.Helper()
	back := time.Now()
	for _, controller := range controllers() {
		replica := e.Replicas()[controller]
		decided := func(ctx context.Context) (bool, error) {
			works := controller != issuingName || e.Replica(1).Works(ctx)
			return replica.State() != nil || (works && e.isLedSince(ctx, controller, back)), nil
		}
		err := wait.PollUntilContextTimeout(t.Context(), testkit.Interval, testkit.Timeout, false, decided)
		if err == nil && replica.State() != nil {
			err = e.restart(t.Context(), controller)
		}
		must.Do(t, err)
	}
}

// restart starts a controller that has ended, as a kubelet does. It need not wait for the lease of the dead one.
func (e *environment) restart(ctx context.Context, controller string) error {
	if err := e.FreeLeaseOf(ctx, controller); err != nil {
		return err
	}
	if controller == issuingName {
		return e.StartController(ctx)
	}
	return e.StartMessages(ctx, 1)
}

// isLedSince reports whether a controller has renewed its lease after a time. One that could not looks as if it worked
// until it notices, and while it finishes its calls.
func (e *environment) isLedSince(ctx context.Context, controller string, since time.Time) bool {
	lease, err := e.LeaseOf(ctx, controller)
	if err != nil {
		return false
	}
	holder, renewed := lease.Spec.HolderIdentity, lease.Spec.RenewTime
	return holder != nil && *holder != "" && renewed != nil && renewed.After(since)
}
