package issuer

import (
	"context"
	"time"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/kube/find"
	"github.com/varmenne/varmenne-issuer/internal/secrets"
	"github.com/varmenne/varmenne-issuer/internal/vero/orderstate"
)

// reported is what the orders say: a problem that one of them has met with the issuer and the bundles as they are
// now. What was met with an earlier spec or with other bundles may be repaired, and the next call will tell; and what
// another order has not met since was one response's fault, not the issuer's. Of several orders the first by name
// speaks, so that the result does not change with every poll.
func (r *Reconciler) reported(
	ctx context.Context, issuer v1alpha1.GenericVeroIssuer, bundles *secrets.Bundles,
) (checkResult, error) {
	orders, err := find.OrdersOfIssuer(ctx, r.Client, issuer)
	if err != nil {
		return checkResult{}, err
	}
	digest := bundles.Digest()
	proven := lastSuccessOf(orders, issuer)
	var reporter *v1alpha1.VeroOrder
	for i := range orders {
		order := &orders[i]
		problem := order.Status.IssuerProblem
		if problem == nil || !refersTo(order, issuer) ||
			orderstate.Obsolete(problem, issuer.GetUID(), issuer.GetGeneration(), digest) ||
			proven.outdates(problem) {
			continue
		}
		if reporter == nil || order.Namespace+"/"+order.Name < reporter.Namespace+"/"+reporter.Name {
			reporter = order
		}
	}
	if reporter != nil {
		return checkResult{reason: reporter.Status.IssuerProblem.Reason, message: reporter.Status.IssuerProblem.Message}, nil
	}
	return checkResult{reason: v1alpha1.ReasonChecked, message: "the bundles are readable and the endpoint answers"}, nil
}

// lastSuccess are the last moments at which issuer and service have understood each other.
type lastSuccess struct {
	// answered is when a response verified, issued when a certificate did.
	answered, issued time.Time
}

func lastSuccessOf(orders []v1alpha1.VeroOrder, issuer v1alpha1.GenericVeroIssuer) lastSuccess {
	var found lastSuccess
	for i := range orders {
		status := &orders[i].Status
		if !refersTo(&orders[i], issuer) {
			continue
		}
		if status.State == v1alpha1.VeroOrderIssued && status.CompletionTime != nil {
			found.answered = later(found.answered, status.CompletionTime.Time)
			found.issued = later(found.issued, status.CompletionTime.Time)
		}
		if status.AcceptanceTime != nil && !status.RetrievalIDUnverified {
			found.answered = later(found.answered, status.AcceptanceTime.Time)
		}
	}
	return found
}

func (p lastSuccess) outdates(problem *v1alpha1.VeroIssuerProblem) bool {
	if problem.Reason == v1alpha1.ReasonUntrustedCertificate {
		return p.issued.After(problem.Time.Time)
	}
	return p.answered.After(problem.Time.Time)
}

func later(one, other time.Time) time.Time {
	if one.Before(other) {
		return other
	}
	return one
}

// refersTo reports whether an order was made in the name of an issuer.
func refersTo(order *v1alpha1.VeroOrder, issuer v1alpha1.GenericVeroIssuer) bool {
	reference := order.Spec.IssuerRef
	return reference.Kind == issuer.IssuerKind() && reference.Name == issuer.GetName()
}
