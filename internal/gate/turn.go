package gate

import (
	"context"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/kube/conditions"
	"github.com/varmenne/varmenne-issuer/internal/kube/outline"
)

// silentQueueing is for how long a request waits for its turn without saying so: thousands may, and each would be a
// write.
const silentQueueing = 5 * time.Minute

// queueing knows since when requests wait for their turn.
type queueing struct {
	mutex sync.Mutex
	since map[types.NamespacedName]time.Time
}

// note that a request waits, or does not any more, and return since when it does.
func (q *queueing) note(name types.NamespacedName, waits bool, now time.Time) time.Time {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	since, known := q.since[name]
	switch {
	case !waits:
		delete(q.since, name)
	case !known || since.After(now): // or the clock was set back
		q.since[name] = now
		return now
	}
	return since
}

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
			inTurn := r.Turns.Begin(name, slot)
			if inTurn {
				r.queueing.note(name, false, r.Clock.Now())
			}
			return inTurn
		}
	}
	r.forgetTurn(name)
	return true
}

// forgetTurn gives back the turn that a request was woken for, if it was: it needs none.
func (r *Reconciler) forgetTurn(name types.NamespacedName) {
	r.Turns.Forget(name)
	r.queueing.note(name, false, r.Clock.Now())
}

// silence is for how long a request that waits for its turn says nothing of it, zero if it does. One that has said
// something else before, that it waits for credentials say, says that meanwhile, in its metrics, too.
func (r *Reconciler) silence(name types.NamespacedName, cached *outline.CertificateRequest) time.Duration {
	now := r.Clock.Now()
	wait := r.queueing.note(name, true, now).Add(silentQueueing).Sub(now)
	if known := r.kept.find(cached); wait > 0 && (known == nil || conditions.ReadyMessage(known) == "") {
		r.Metrics.RequestUnserved(whole(cached), v1alpha1.ReasonWaitingForTurn)
	}
	return max(wait, 0)
}
