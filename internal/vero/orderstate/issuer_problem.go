package orderstate

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
)

// withIssuerProblem is for an order whose issuer has to be repaired: the problem is where the issuer's controller looks
// for it.
func (o Outcome) withIssuerProblem(problem *v1alpha1.VeroIssuerProblem) Outcome {
	o.Problem, o.Reason, o.Message = problem, problem.Reason, problem.Message
	return o
}

// problem is what is wrong with the issuer, in the words of an order that goes on when it is repaired.
func (o Outcome) problem(order *v1alpha1.VeroOrder, reason string, err error, call Call) *v1alpha1.VeroIssuerProblem {
	return &v1alpha1.VeroIssuerProblem{
		Reason: reason, Message: clip(o.problemMessage(order, reason, err)), TrustDigest: call.TrustDigest,
		IssuerUID: call.IssuerUID, IssuerGeneration: call.IssuerGeneration, Time: metav1.Time{Time: call.Ended},
	}
}

func (o Outcome) problemMessage(order *v1alpha1.VeroOrder, reason string, err error) string {
	kept := ""
	if o.RetrievalID != "" {
		kept = fmt.Sprintf("; RetrievalId %s is kept, and the certificate is fetched once this is repaired", o.RetrievalID)
	}
	switch reason {
	case v1alpha1.ReasonWrongEnvironment:
		if kept == "" {
			kept = o.unspent()
		}
		return fmt.Sprintf("the service behind spec.url is not of the environment %s (PKI005): make spec.environment and "+
			"spec.url name the same environment%s", order.Spec.Environment, kept)
	case v1alpha1.ReasonUntrustedCertificate:
		return withRemedy(err, unknownIssuerRemedy(err)+kept)
	default:
		return withRemedy(err, remedyFor(err)+kept)
	}
}
