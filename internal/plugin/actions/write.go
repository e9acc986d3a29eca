package actions

import (
	"context"
	"fmt"
	"strings"
	"unicode"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/internal/plugin/cluster"
)

// ExplainConflict says what has kept an object from being changed.
func ExplainConflict(err error, resource, kind string, object client.Object) error {
	if apierrors.IsConflict(err) {
		return fmt.Errorf("%s %s was changed by somebody else at the same time, and was left as it is: look at it, and try "+
			"again: %w", kind, object.GetName(), err)
	}
	return cluster.Explain(err, "patch", resource, object.GetNamespace(),
		fmt.Sprintf("change %s %s", kind, object.GetName()))
}

// Annotate sets an annotation of an object as it was read.
func Annotate(
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

// optimistic is a patch of what was changed since an object was read, which is refused where somebody else has changed
// the object.
func optimistic(before client.Object) client.Patch {
	return client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})
}

// Visible is a text in one line, without what moves the cursor of a terminal: others than our controllers may have
// written it.
func Visible(text string) string {
	return strings.ReplaceAll(VisibleLines(text), "\n", " ")
}

// VisibleLines is Visible for a text in several lines.
func VisibleLines(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return r
		case r == '\t':
			return ' '
		case !unicode.IsGraphic(r):
			return '?'
		default:
			return r
		}
	}, text)
}
