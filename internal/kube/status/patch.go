package status

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"reflect"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Patch brings the status of object to the API server if it differs from that of before. The patch carries the
// resourceVersion of before: conditions are a list that others write to as well, and a patch that was made from an
// older list would remove what they added. A conflict comes back as the API server's error, to be tried again.
func Patch(ctx context.Context, writer client.StatusClient, object, before client.Object) error {
	patch, err := patchOf(object, before)
	if err == nil && patch != nil {
		err = writer.Status().Patch(ctx, object, patch)
	}
	if err != nil {
		kind := reflect.TypeOf(object).Elem().Name()
		return fmt.Errorf("write the status of %s %s: %w", kind, client.ObjectKeyFromObject(object), err)
	}
	return nil
}

// patchOf is nil where there is no difference. Of CertificateRequests, of which thousands are served at once, no more
// than the status is compared and encoded: all the rest would be copied, encoded and decoded to find no difference.
func patchOf(object, before client.Object) (client.Patch, error) {
	request, isRequest := object.(*cmapi.CertificateRequest)
	earlier, wasRequest := before.(*cmapi.CertificateRequest)
	switch {
	case isRequest && wasRequest && Equal(&request.Status, &earlier.Status):
		return nil, nil //nolint:nilnil // as documented
	case isRequest && wasRequest:
		return mergePatch(earlier.ResourceVersion, &request.Status, &earlier.Status)
	case Equal(object, before):
		return nil, nil //nolint:nilnil // as documented
	default:
		return client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}), nil
	}
}

// mergePatch replaces the fields of a status of a CertificateRequest that have changed since a version of it. None of
// them is an object, whose own fields would have to be compared.
func mergePatch(version string, status, before *cmapi.CertificateRequestStatus) (client.Patch, error) {
	changed, err := fieldsOf(status)
	if err != nil {
		return nil, err
	}
	fields, err := fieldsOf(before)
	if err != nil {
		return nil, err
	}
	for name, value := range fields {
		switch now, has := changed[name]; {
		case !has:
			changed[name] = nil // encoded as null, which removes it
		case bytes.Equal(now, value):
			delete(changed, name)
		}
	}
	return LockedPatch(version, nil, changed)
}

var errNoVersion = errors.New("it has no resourceVersion, without which nobody knows what it was changed from")

// LockedPatch is a merge patch of annotations and fields of the status that is refused if the object has changed since
// it had a resourceVersion. What is nil is removed.
func LockedPatch(
	version string, annotations map[string]*string, status map[string]json.RawMessage,
) (client.Patch, error) {
	if version == "" {
		return nil, errNoVersion
	}
	type metadata struct {
		ResourceVersion string             `json:"resourceVersion"`
		Annotations     map[string]*string `json:"annotations,omitempty"`
	}
	data, err := json.Marshal(struct {
		Metadata metadata                   `json:"metadata"`
		Status   map[string]json.RawMessage `json:"status,omitempty"`
	}{metadata{version, annotations}, status})
	return client.RawPatch(types.MergePatchType, data), err
}

func fieldsOf(status *cmapi.CertificateRequestStatus) (map[string]json.RawMessage, error) {
	encoded, err := json.Marshal(status)
	if err != nil {
		return nil, err
	}
	var fields map[string]json.RawMessage
	return fields, json.Unmarshal(encoded, &fields)
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
