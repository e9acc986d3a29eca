package find

import (
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/limiter"
	"github.com/varmenne/varmenne-issuer/internal/vero/facts"
)

// Issuer gets the Vero issuer of a kind and name; namespace is that of the object which names it. It returns nil
// without an error if there is no such issuer, or none of that kind.
//
//nolint:nilnil // an issuer that does not exist yet is an answer, not a failure
func Issuer(
	ctx context.Context, reader client.Reader, kind, namespace, name string,
) (v1alpha1.GenericVeroIssuer, error) {
	issuer := v1alpha1.NewVeroIssuer(kind)
	if issuer == nil {
		return nil, nil
	}
	if exists, err := get(ctx, reader, namespace, name, issuer); err != nil || !exists {
		return nil, err
	}
	return issuer, nil
}

// ManualIssuer is Issuer for the kinds whose certificates a person fetches.
//
//nolint:nilnil // as Issuer
func ManualIssuer(
	ctx context.Context, reader client.Reader, kind, namespace, name string,
) (v1alpha1.GenericManualIssuer, error) {
	issuer := v1alpha1.NewManualIssuer(kind)
	if issuer == nil {
		return nil, nil
	}
	if exists, err := get(ctx, reader, namespace, name, issuer); err != nil || !exists {
		return nil, err
	}
	return issuer, nil
}

// LeadTime is how long people and the authority of a ManualIssuer or ManualClusterIssuer need; the default if there is
// no such issuer, and beside an error.
func LeadTime(ctx context.Context, reader client.Reader, kind, namespace, name string) (time.Duration, error) {
	issuer, err := ManualIssuer(ctx, reader, kind, namespace, name)
	if err != nil || issuer == nil {
		return v1alpha1.DefaultLeadTime, err
	}
	return issuer.ManualSpec().Lead(), nil
}

// get fills in an issuer, and reports whether it exists.
func get(
	ctx context.Context, reader client.Reader, namespace, name string, issuer v1alpha1.GenericIssuer,
) (bool, error) {
	key := types.NamespacedName{Namespace: namespace, Name: name}
	if v1alpha1.IsClusterKind(issuer.IssuerKind()) {
		key.Namespace = ""
	}
	object, isObject := issuer.(client.Object)
	if !isObject {
		return false, fmt.Errorf("%T is no client.Object", issuer)
	}
	switch err := reader.Get(ctx, key, object); {
	case apierrors.IsNotFound(err):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("get %s %s: %w", issuer.IssuerKind(), key, err)
	default:
		return true, nil
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
	described.Ready, described.Message = Readiness(issuer)
	return described
}

// Readiness believes a Ready condition only if it is about the spec as it is now.
func Readiness(issuer v1alpha1.GenericIssuer) (ready bool, message string) {
	condition := meta.FindStatusCondition(issuer.IssuerConditions(), v1alpha1.ConditionReady)
	if condition == nil || condition.ObservedGeneration != issuer.GetGeneration() {
		return false, "it has not been checked yet"
	}
	return condition.Status == metav1.ConditionTrue, condition.Message
}

// Slot is what somebody in a namespace asks for who names an issuer.
func Slot(namespace, kind, issuer string) limiter.Slot {
	named := limiter.Issuer{Kind: kind, Namespace: namespace, Name: issuer}
	if kind == v1alpha1.KindVeroClusterIssuer {
		named.Namespace = ""
	}
	return limiter.Slot{Issuer: named, Namespace: namespace}
}

// IssuerChanged lets through what others wait for in an issuer: that it comes, goes, or changes its spec or readiness.
func IssuerChanged() predicate.Predicate {
	return predicate.Funcs{UpdateFunc: func(update event.UpdateEvent) bool {
		before, isIssuer := update.ObjectOld.(v1alpha1.GenericIssuer)
		after, alsoIssuer := update.ObjectNew.(v1alpha1.GenericIssuer)
		if !isIssuer || !alsoIssuer {
			return false
		}
		wasReady, oldMessage := Readiness(before)
		isReady, message := Readiness(after)
		return wasReady != isReady || oldMessage != message || before.GetGeneration() != after.GetGeneration()
	}}
}
