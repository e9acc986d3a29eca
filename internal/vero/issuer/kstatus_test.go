package issuer_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"k8s.io/utils/clock"
	"sigs.k8s.io/cli-utils/pkg/kstatus/status"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
	"github.com/varmenne/varmenne-issuer/internal/secrets"
	"github.com/varmenne/varmenne-issuer/internal/vero/issuer"
	"github.com/varmenne/varmenne-issuer/internal/vero/protocol"
)

// handshakes are outcomes of the controller's handshakes: each is under way until the test gives it one.
type handshakes chan error

func (h handshakes) probe(ctx context.Context, _ v1alpha1.GenericVeroIssuer, _ *secrets.Bundles) error {
	select {
	case outcome := <-h:
		return outcome
	case <-ctx.Done():
		return ctx.Err()
	}
}

// TestOnlyACheckedIssuerIsCurrent for kstatus, by which Flux, Helm and others tell what they have applied is ready.
func TestOnlyACheckedIssuerIsCurrent(t *testing.T) {
	for _, kind := range []string{v1alpha1.KindVeroIssuer, v1alpha1.KindVeroClusterIssuer} {
		t.Run(kind, func(t *testing.T) {
			namespace, outcomes := server.Namespace(t), make(handshakes)
			applied := v1alpha1.NewVeroIssuer(kind)
			*applied.VeroSpec() = issuerFor("", "", "", pkitest.PEM(pkitest.Root(t, "authority").Certificate)).Spec
			applied.SetGenerateName("vero-")
			if kind == v1alpha1.KindVeroIssuer {
				applied.SetNamespace(namespace)
			}
			must.Do(t, server.Client.Create(t.Context(), applied))
			// Of another package's or test's, none is in the way.
			t.Cleanup(func() { _ = server.Client.Delete(context.WithoutCancel(t.Context()), applied) })
			server.Kstatus(t, applied, status.InProgressStatus, "with no controller")

			start(t, issuer.Options{Probe: outcomes.probe, Clock: clock.RealClock{}}, namespace)
			server.Kstatus(t, applied, status.InProgressStatus, "while it is checked for the first time")
			outcomes <- nil
			observed(t, applied)
			server.Kstatus(t, applied, status.CurrentStatus, "checked")

			rename(t, applied, "another name")
			server.Kstatus(t, applied, status.InProgressStatus, "with another spec than was checked")
			outcomes <- &protocol.UnreachableError{Host: "localhost:443", Err: errors.New("connection refused")}
			observed(t, applied)
			server.Kstatus(t, applied, status.InProgressStatus, "checked and found wanting")

			rename(t, applied, "a third name")
			server.Kstatus(t, applied, status.InProgressStatus, "with a spec that may be right")
			outcomes <- nil
			observed(t, applied)
			server.Kstatus(t, applied, status.CurrentStatus, "checked again")
		})
	}
}

// rename changes the spec, in a way that does not matter to the check.
func rename(t *testing.T, object v1alpha1.GenericVeroIssuer, name string) {
	t.Helper()
	before := object.DeepCopyObject().(client.Object)
	object.VeroSpec().CustomerName = name
	must.Do(t, server.Client.Patch(t.Context(), object, client.MergeFrom(before)))
}

// observed waits until the spec of an issuer as it is now was checked.
func observed(t *testing.T, object v1alpha1.GenericVeroIssuer) {
	t.Helper()
	server.Await(t, object, 10*time.Second, func() bool {
		return object.VeroStatus().ObservedGeneration == object.GetGeneration()
	})
}
