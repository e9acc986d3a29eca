package find

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/vero/facts"
)

// Issuer gets the issuer of a kind and name; namespace is that of the object which names it. It returns nil without an
// error if there is no such issuer, or none of that kind.
//
//nolint:nilnil // an issuer that does not exist yet is an answer, not a failure
func Issuer(
	ctx context.Context, reader client.Reader, kind, namespace, name string,
) (v1alpha1.GenericVeroIssuer, error) {
	issuer := v1alpha1.NewVeroIssuer(kind)
	if issuer == nil {
		return nil, nil
	}
	key := types.NamespacedName{Namespace: namespace, Name: name}
	if kind == v1alpha1.KindVeroClusterIssuer {
		key.Namespace = ""
	}
	switch err := reader.Get(ctx, key, issuer); {
	case apierrors.IsNotFound(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("get %s %s: %w", kind, key, err)
	default:
		return issuer, nil
	}
}

// Describe is what decisions need to know of the issuer of that kind and name, but for its bundles; issuer is
// nil if it does not exist.
func Describe(kind, name string, issuer v1alpha1.GenericVeroIssuer) facts.Issuer {
	if issuer == nil {
		return facts.Issuer{Kind: kind, Name: name}
	}
	spec := issuer.VeroSpec()
	described := facts.Issuer{
		Kind: kind, Name: name, Exists: true, Environment: spec.Environment, CustomerID: spec.CustomerID,
		Window: spec.Window(), Timeout: spec.Timeout(), UID: issuer.GetUID(), Generation: issuer.GetGeneration(),
	}
	described.Ready, described.Message = readiness(issuer)
	return described
}

// readiness believes a Ready condition only if it is about the spec as it is now.
func readiness(issuer v1alpha1.GenericVeroIssuer) (ready bool, message string) {
	condition := meta.FindStatusCondition(issuer.VeroStatus().Conditions, v1alpha1.ConditionReady)
	if condition == nil || condition.ObservedGeneration != issuer.GetGeneration() {
		return false, "it has not been checked yet"
	}
	return condition.Status == metav1.ConditionTrue, condition.Message
}

// IssuerChanged lets through what others wait for in an issuer: that it comes, goes, or changes its spec or readiness.
func IssuerChanged() predicate.Predicate {
	return predicate.Funcs{UpdateFunc: func(update event.UpdateEvent) bool {
		before, isIssuer := update.ObjectOld.(v1alpha1.GenericVeroIssuer)
		after, alsoIssuer := update.ObjectNew.(v1alpha1.GenericVeroIssuer)
		if !isIssuer || !alsoIssuer {
			return false
		}
		wasReady, oldMessage := readiness(before)
		isReady, message := readiness(after)
		return wasReady != isReady || oldMessage != message || before.GetGeneration() != after.GetGeneration()
	}}
}
