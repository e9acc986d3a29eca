package status

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"reflect"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Patch brings the status of object to the API server if it differs from that of before. The patch carries the
// resourceVersion of before: conditions are a list that others write to as well, and a patch that was made from an
// older list would remove what they added. A conflict comes back as the API server's error, to be tried again.
func Patch(ctx context.Context, writer client.StatusClient, object, before client.Object) error {
	if Equal(object, before) {
		return nil
	}
	patch := client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})
	if err := writer.Status().Patch(ctx, object, patch); err != nil {
		kind := reflect.TypeOf(object).Elem().Name()
		return fmt.Errorf("write the status of %s %s: %w", kind, client.ObjectKeyFromObject(object), err)
	}
	return nil
}

// Lasts reports whether an error that has ended a reconcile may be there again next time, so that somebody has to be
// told: what the API server refuses, and what does not fit together. What comes of a busy or unreachable API server, or
// of somebody else who was faster, passes.
func Lasts(ctx context.Context, err error) bool {
	var response apierrors.APIStatus
	if errors.As(err, &response) && ctx.Err() == nil {
		return lasts(response.Status())
	}
	_, isTransport := errors.AsType[net.Error](err)
	cut := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, context.DeadlineExceeded)
	return err != nil && ctx.Err() == nil && !isTransport && !cut
}

// lasts is Lasts for a response of the API server. Of its own troubles (5xx) those last that a webhook brings it.
func lasts(response metav1.Status) bool {
	switch response.Reason {
	case metav1.StatusReasonConflict, metav1.StatusReasonNotFound, metav1.StatusReasonTooManyRequests,
		metav1.StatusReasonExpired, metav1.StatusReasonGone:
		return false
	case metav1.StatusReasonInternalError:
		return true
	default:
		return response.Code < http.StatusInternalServerError
	}
}

// conflictPause lets the cache catch up. Should it have stopped following the cluster, a try costs little.
const conflictPause = 250 * time.Millisecond

// Settle turns the error that has ended a reconcile into its result. A conflict is no error: somebody else was faster,
// and the object is looked at again. What is gone needs nothing any more, and what a stopping controller has left
// undone is done after its next start.
func Settle(ctx context.Context, err error) (ctrl.Result, error) {
	switch {
	case apierrors.IsConflict(err):
		return ctrl.Result{RequeueAfter: conflictPause}, nil
	case apierrors.IsNotFound(err), ctx.Err() != nil:
		return ctrl.Result{}, nil //nolint:nilerr // neither is an error, as documented
	default:
		return ctrl.Result{}, err
	}
}
