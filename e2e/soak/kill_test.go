package soak

import (
	"testing"
	"time"

	"github.com/varmenne/varmenne-issuer/e2e/testkit"
	"github.com/varmenne/varmenne-issuer/e2e/world"
	"github.com/varmenne/varmenne-issuer/internal/must"
)

// longestRun is how long the controller runs at most before it is killed, its start included.
const longestRun = 6 * time.Second

// A controller that is killed says nothing, so its successor would wait for its lease to end. The lease is removed: the
// waiting need not be seen 200 times.
func TestAControllerThatIsKilledAtRandomMomentsNeitherPaysTwiceNorLosesWhatWasPaid(t *testing.T) {
	t.Parallel()
	s := startEnvironment(t, world.Options{})
	leave := s.actAsUser(0)
	runs, busy := *kills, s.startBusiness()
	if runs == 0 {
		runs = either(200, 6)
	}
	started, unfinished := time.Now(), 0
	for run := range runs {
		if run%20 == 0 {
			t.Logf("%s: %d kills, %d Certificates", time.Since(started).Round(time.Second), run, len(busy.names))
		}
		busy.keep()
		unfinished += s.killedWithin(s.upTo(longestRun))
	}
	s.kill(1)
	must.Do(s, s.FreeLease(s.Context()))
	must.Do(t, s.StartController(t.Context()))
	busy.finish()
	leave()
	found := s.reconcile()
	t.Logf("%d kills within %s, with %d calls running at the service in all; %d Certificates were issued and renewed",
		runs, time.Since(started).Round(time.Second), unfinished, len(busy.names))
	if found.renewed < len(busy.names) {
		t.Errorf("%d renewals were accepted for %d Certificates", found.renewed, len(busy.names))
	}
}

// killedWithin kills the controller after a while, starts it again, and tells how many calls the service was at.
func (s *environment) killedWithin(moment time.Duration) (running int) {
	s.Helper()
	testkit.Pass(s, moment)
	calls := must.Get(s.Service.Calls(s.Context()))(s)
	if state := s.Replica(1).State(); state != nil {
		s.Fatalf("the controller has ended by itself: %v", s.Replica(1).ExitError())
	}
	s.replaceController()
	return calls.Running
}
