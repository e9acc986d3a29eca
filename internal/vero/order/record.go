package order

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
)

const (
	// recordTimeout is how long a RetrievalId is tried to be written as long as nobody asks the controller to stop, and
	// outcomeTimeout an outcome without one, after which the request is sent again; shutdownTimeout is how long either is
	// once somebody has.
	recordTimeout   = time.Hour
	outcomeTimeout  = 10 * time.Minute
	shutdownTimeout = 20 * time.Second
	// recordPause is between the first two tries; it doubles up to longestPause.
	recordPause  = 250 * time.Millisecond
	longestPause = 4 * time.Second
)

var (
	errNotRecorded   = errors.New("the outcome of a call could not be written")
	errNamespaceGone = errors.New("the namespace is gone")
)

// record writes the outcome of a call, whatever it takes: the response exists nowhere else. It goes on through
// conflicts, with the order read anew, through an API server that is away, and with a RetrievalId through the deletion
// of the order, which is made again. Then it reports what has changed since before. If time runs out the RetrievalId
// goes to the log, from where a person can bring it back; it is of no use to anybody without the private key.
func (r *Reconciler) record(
	ctx context.Context, before, order *v1alpha1.VeroOrder, retrievalID string, change func(*v1alpha1.VeroOrder),
) (ctrl.Result, error) {
	log, write := ctrl.LoggerFrom(ctx), r.write
	ctx, cancel := r.detachedContext(ctx, retrievalID)
	defer cancel()
	for pause := recordPause; ; pause = min(2*pause, longestPause) {
		err := write(ctx, order, change)
		switch {
		case err == nil:
			r.report(ctx, before, order)
			return ctrl.Result{RequeueAfter: r.next(order)}, nil
		case apierrors.IsNotFound(err) && retrievalID == "":
			return ctrl.Result{}, nil
		}
		log.V(1).Info("the outcome of a call could not be written; trying again", "error", err.Error())
		if hopeless(err) || r.pause(ctx, pause) != nil {
			return r.giveUp(ctx, err, retrievalID)
		}
		latest, err := r.reloadOrRecreate(ctx, order, retrievalID)
		switch {
		case err == nil && latest.Spec.PublicKeyDigest == order.Spec.PublicKeyDigest:
			order = latest
		case retrievalID == "" && (err == nil || apierrors.IsNotFound(err)):
			return ctrl.Result{}, nil // it was deleted, too
		case err == nil:
			order, write = renameForKey(order), r.put // nobody else wakes that one
		case hopeless(err):
			return r.giveUp(ctx, err, retrievalID)
		default:
			log.V(1).Info("the order could not be read again", "error", err.Error())
		}
	}
}

// giveUp tells what could not be written.
func (r *Reconciler) giveUp(ctx context.Context, err error, retrievalID string) (ctrl.Result, error) {
	ctrl.LoggerFrom(ctx).Error(err, "the outcome of a call could not be written; if the order has no RetrievalId, bring "+
		"it back with kubectl annotate veroorder NAME "+v1alpha1.AnnotationAdoptRetrievalID+"=RETRIEVAL-ID",
		"retrievalId", retrievalID)
	return ctrl.Result{}, fmt.Errorf("%w: %w", errNotRecorded, err)
}

// hopeless is an error that waiting does not mend: the namespace is going, or is gone.
func hopeless(err error) bool {
	return apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause) || errors.Is(err, errNamespaceGone)
}

// renameForKey gives an order whose name has been taken by one for another key a name of its own. To that one, what
// was paid for with this key is of no use.
func renameForKey(order *v1alpha1.VeroOrder) *v1alpha1.VeroOrder {
	const enough = 8
	renamed := order.DeepCopy()
	renamed.Name += "-" + order.Spec.PublicKeyDigest[:min(enough, len(order.Spec.PublicKeyDigest))]
	return renamed
}

// reloadOrRecreate reads the order as it is now, or makes it again if somebody has deleted it during the call that has
// led to a RetrievalId. The order of a poll could not be made again: the cache keeps no signing request of it.
func (r *Reconciler) reloadOrRecreate(
	ctx context.Context, order *v1alpha1.VeroOrder, retrievalID string,
) (*v1alpha1.VeroOrder, error) {
	latest := &v1alpha1.VeroOrder{}
	err := r.Reader.Get(ctx, client.ObjectKeyFromObject(order), latest)
	if !apierrors.IsNotFound(err) || retrievalID == "" {
		return latest, err
	}
	latest = order.DeepCopy()
	latest.UID, latest.ResourceVersion = "", ""
	latest.Spec.IntentID = rand.Text() // it was sent: until its status follows it is in doubt
	switch err := r.Client.Create(ctx, latest); {
	case apierrors.IsNotFound(err):
		return nil, fmt.Errorf("%w: %w", errNamespaceGone, err) // on a create, only the namespace can be missing
	case err != nil:
		return nil, err
	}
	latest.Status = order.Status
	return latest, nil
}

// detachedContext is one for writing an outcome: it does not end with the reconcile, but a while after the
// shutdown.
func (r *Reconciler) detachedContext(ctx context.Context, retrievalID string) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	timeout := outcomeTimeout
	if retrievalID != "" {
		timeout = recordTimeout
	}
	timer := r.Clock.AfterFunc(timeout, cancel)
	stop := context.AfterFunc(r.Shutdown, func() {
		r.Clock.AfterFunc(shutdownTimeout, cancel)
	})
	return ctx, func() { timer.Stop(); stop(); cancel() }
}

func (r *Reconciler) pause(ctx context.Context, long time.Duration) error {
	timer := r.Clock.NewTimer(long)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C():
		return nil
	}
}
