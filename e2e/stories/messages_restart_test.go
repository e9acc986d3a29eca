package stories

import (
	"context"
	"testing"
	"time"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/e2e/testkit"
	"github.com/varmenne/varmenne-issuer/e2e/world"
	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

// interrupt returns when the service has changed the password and holds the response back.
func (a *account) interrupt() {
	a.Helper()
	a.script(admin.MessagesFault{
		Kind: admin.MessagesTimeoutAfter, Operation: admin.MessagesChange, Hold: admin.Duration(time.Minute),
	})
	a.demand()
	testkit.Eventually(a.T, "the change to reach the service", func(ctx context.Context) (bool, error) {
		ledger, err := a.Service.MessagesLedger(ctx, a.name)
		return ledger.Applied == 1, err
	}, nil)
}

// settlesAfterwards waits until it is known that the service takes the new password, which no log-in has to fail for.
func (a *account) settlesAfterwards() {
	a.Helper()
	if ledger := a.awaitRotated(); ledger.Applied != 1 || ledger.DistinctNew != 1 || ledger.Failed != 0 {
		a.Errorf("the service says %+v", ledger)
	}
}

// It is alone with the world until the controller of passwords works again.
func TestAControllerThatIsKilledOrFrozenInTheMiddleOfAChangeLosesNoPassword(t *testing.T) {
	killed := beginAccount(t)
	killed.interrupt()
	must.Do(t, killed.Messages(1).Kill())
	must.Do(t, killed.restart(t.Context(), world.MessagesName))

	frozen := beginAccount(t)
	frozen.interrupt()
	must.Do(t, frozen.StartMessages(t.Context(), 2))
	old := frozen.Messages(1)
	must.Do(t, old.Pause())
	frozen.awaitTakeover()
	must.Do(t, old.Resume())
	testkit.Eventually(t, "the thawed controller to end", func(context.Context) (bool, error) {
		return old.State() != nil, nil
	}, nil)
	must.Do(t, frozen.StartMessages(t.Context(), 1))

	t.Parallel()
	for claim, a := range map[string]*account{"killed": killed, "frozen": frozen} {
		t.Run(claim, func(t *testing.T) {
			t.Parallel()
			a.on(t).settlesAfterwards()
		})
	}
}

// awaitTakeover waits until another replica has the lease.
func (a *account) awaitTakeover() {
	a.Helper()
	before := must.Get(a.LeaseOf(a.Context(), world.MessagesName))(a).Spec.HolderIdentity
	testkit.Eventually(a.T, "the other replica to take over", func(ctx context.Context) (bool, error) {
		lease, err := a.LeaseOf(ctx, world.MessagesName)
		return err == nil && lease.Spec.HolderIdentity != nil && *lease.Spec.HolderIdentity != *before, err
	}, nil)
	a.await("the rotation to be known as sent", func(object *v1alpha1.MessagesPassword) bool {
		return object.Status.Rotation != nil && object.Status.Rotation.Attempts == 1
	})
}
