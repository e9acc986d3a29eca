package status

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Patch brings the status of object to the API server if it differs from that of before. The patch carries the
// resourceVersion of before: conditions are a list that others write to as well, and a patch that was made from an
// older list would remove what they added. A conflict comes back as the API server's error, to be tried again.
func Patch(ctx context.Context, writer client.StatusClient, object, before client.Object) error {
	if equality.Semantic.DeepEqual(object, before) {
		return nil
	}
	patch := client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})
	if err := writer.Status().Patch(ctx, object, patch); err != nil {
		return fmt.Errorf("write the status of %T %s: %w", object, client.ObjectKeyFromObject(object), err)
	}
	return nil
}

// Settle is the end of a reconcile that an error has ended. A conflict is none: somebody else was faster, and the
// object is looked at again. What is gone needs nothing any more, and what a stopping controller has left undone is
// done after its next start.
func Settle(ctx context.Context, err error) (ctrl.Result, error) {
	switch {
	case apierrors.IsConflict(err):
		return ctrl.Result{RequeueAfter: time.Millisecond}, nil
	case apierrors.IsNotFound(err), ctx.Err() != nil:
		return ctrl.Result{}, nil //nolint:nilerr // neither is an error, as documented
	default:
		return ctrl.Result{}, err
	}
}
