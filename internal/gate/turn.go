package gate

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/kube/outline"
)

// silentQueueing is for how long a request waits for its turn without saying so: thousands may, and each would be a
// write.
const silentQueueing = 5 * time.Minute

// grants lets the turns wake a request when it is its own.
func (r *Reconciler) grants(_ context.Context, queue workqueue.TypedRateLimitingInterface[reconcile.Request]) error {
	r.Turns.OnGrant(func(name types.NamespacedName) { queue.Add(reconcile.Request{NamespacedName: name}) })
	return nil
}

// beginTurn takes the turn of a request for which an order may have to be made. If it is not its turn, the request is
// woken when it is.
func (r *Reconciler) beginTurn(
	ctx context.Context, name types.NamespacedName, cached *outline.CertificateRequest,
) bool {
	backend := r.backendOf(cached.IssuerRef.Kind)
	if cached.IssuerRef.Group == v1alpha1.GroupName && backend != nil && cached.DeletionTimestamp.IsZero() {
		if slot, queues := backend.Slot(ctx, cached); queues {
			return r.Turns.Begin(name, slot)
		}
	}
	r.Turns.Forget(name)
	return true
}

// silence is for how long a request that waits for its turn says nothing of it, zero if it does.
func (r *Reconciler) silence(cached *outline.CertificateRequest) time.Duration {
	r.Metrics.RequestUnserved(whole(cached), v1alpha1.ReasonWaitingForTurn)
	return max(cached.CreationTimestamp.Add(silentQueueing).Sub(r.Clock.Now()), 0)
}

// turnMessage is what a request says that waits for its turn.
func turnMessage(object client.Object, kind, issuer string) string {
	return fmt.Sprintf("CertificateRequest %s waits for its turn behind others of %s %s or of its namespace; nothing was "+
		"sent for it yet", object.GetName(), kind, issuer)
}
