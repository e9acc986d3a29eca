package stories

import (
	"testing"
	"time"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

// It is alone with the world: it does not call Parallel, and those that do wait for it.
func TestAControllerThatStopsRecordsARunningCallAndAfterwardsFetchesWhatWasAccepted(t *testing.T) {
	accepted, running := begin(t), begin(t)
	for _, s := range []*testCase{accepted, running} {
		s.keepWaiting()
		s.Create(s.Trust(), s.Issuer(), s.Credentials(s.Mint()))
		s.awaitIssuer(v1alpha1.ReasonChecked)
	}
	accepted.Create(accepted.Certificate())
	accepted.awaitSubmitted(certificateName)
	running.Script(admin.Fault{
		Operation: signNew, Kind: admin.TimeoutAfter, Hold: admin.Duration(3 * time.Second),
	})
	running.Create(running.Certificate())
	running.awaitCall(signNew)

	must.Do(t, accepted.StopController())
	order, submission := running.Orders()[0], running.submissions()[0]
	if order.Status.RetrievalID != submission.RetrievalID || order.Status.State != v1alpha1.VeroOrderSubmitted {
		t.Errorf("the response to the running call was not recorded: the order is %s with RetrievalId %q, want Submitted "+
			"with %s\n%s", order.Status.State, order.Status.RetrievalID, submission.RetrievalID, running.Picture())
	}
	if phase := accepted.Orders()[0].Status.State; phase != v1alpha1.VeroOrderSubmitted {
		t.Fatalf("the accepted order is %s already, want Submitted", phase)
	}

	must.Do(t, accepted.StartController(t.Context()))
	for _, s := range []*testCase{accepted, running} {
		s.deliver()
		s.awaitReady(certificateName)
		s.spentOnce()
	}
}

// It is alone with the world, too, until the controller works again.
func TestARestartForgetsNeitherARenewalInFlightNorTheDateOfAWindow(t *testing.T) {
	renewing, waiting := &threeRenewals{testCase: quick.start(t)}, &closedWindow{testCase: early.start(t)}
	renewing.awaitUse()
	renewing.keepWaiting() // with the first renewal, which is still to come
	waiting.awaitClosed()
	waiting.provoke()
	waiting.isUntouched()
	order := renewing.awaitInFlight()

	waiting.awaitSecretRead(waiting.secret.Name, 1, func() {
		must.Do(t, renewing.StopController())
		stopped := await(renewing.testCase, order, "there", func(*v1alpha1.VeroOrder) bool { return true })
		if stopped.Status.State != v1alpha1.VeroOrderSubmitted {
			t.Fatalf("the renewal is %s already, want Submitted", stopped.Status.State)
		}
		must.Do(t, renewing.StartController(t.Context()))
	})
	waiting.isUntouched()
	renewing.deliver()

	t.Parallel()
	t.Run("the window opens on the date that was announced", func(t *testing.T) {
		t.Parallel()
		waiting.opensOnItsDate(t)
	})
	t.Run("three renewals leave no moment without a valid certificate", func(t *testing.T) {
		t.Parallel()
		renewing.nobodyNotices(t)
	})
}
