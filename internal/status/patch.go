package status

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/api/equality"
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
