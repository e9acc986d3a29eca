package commands

import (
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/internal/plugin/cluster"
)

// explainConflict says what has kept an object from being changed.
func explainConflict(err error, resource, kind string, object client.Object) error {
	if apierrors.IsConflict(err) {
		return fmt.Errorf("%s %s was changed by somebody else at the same time, and was left as it is: look at it, and try "+
			"again: %w", kind, object.GetName(), err)
	}
	return cluster.Explain(err, "patch", resource, object.GetNamespace(),
		fmt.Sprintf("change %s %s", kind, object.GetName()))
}

// annotate sets an annotation of an object as it was read.
func annotate(
	ctx context.Context, access client.Client, object client.Object, key, value string,
) error {
	before, isObject := object.DeepCopyObject().(client.Object)
	if !isObject {
		return fmt.Errorf("%T is no object", object)
	}
	annotations := object.GetAnnotations()
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations[key] = value
	object.SetAnnotations(annotations)
	return access.Patch(ctx, object, optimistic(before))
}

// awaitStep is how often an object is looked at that a controller is about to write to.
const awaitStep = 500 * time.Millisecond

// await reads an object until its controller has said what it makes of a change, or the time is over; it reports which.
func (p *program) await(
	ctx context.Context, access client.Client, object client.Object, long time.Duration, settled func() bool,
) (bool, error) {
	ticker := p.Clock.NewTicker(awaitStep)
	defer ticker.Stop()
	ends := p.Clock.Now().Add(long)
	for {
		if err := access.Get(ctx, client.ObjectKeyFromObject(object), object); err != nil {
			return false, fmt.Errorf("see what became of it: %w", err)
		}
		if settled() {
			return true, nil
		}
		if !p.Clock.Now().Before(ends) {
			return false, nil
		}
		select {
		case <-ctx.Done():
			return false, ctx.Err()
		case <-ticker.C():
		}
	}
}

// optimistic is a patch of what was changed since an object was read, which is refused where somebody else has changed
// the object.
func optimistic(before client.Object) client.Patch {
	return client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})
}
