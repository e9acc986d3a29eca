package overview

import (
	"slices"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/kube/conditions"
)

func certificateStep(certificate *cmapi.Certificate) Step {
	step := stepOf(KindCertificate, certificate)
	if ready := certificateCondition(certificate, cmapi.CertificateConditionReady); ready != nil {
		step.Ready, step.Reason, step.Message = ready.Status == cmmeta.ConditionTrue, word(ready.Reason), ready.Message
		step.Since = timeOf(ready.LastTransitionTime)
	}
	return step
}

func requestStep(request *cmapi.CertificateRequest) Step {
	step := stepOf(KindCertificateRequest, request)
	if ready := conditions.Find(request, cmapi.CertificateRequestConditionReady); ready != nil {
		step.Ready, step.Reason, step.Message = ready.Status == cmmeta.ConditionTrue, word(ready.Reason), ready.Message
		step.Since = timeOf(ready.LastTransitionTime)
	}
	return step
}

func veroStep(order *v1alpha1.VeroOrder) Step {
	step := stepOf(KindVeroOrder, order)
	step.State = string(order.Status.State)
	step.take(meta.FindStatusCondition(order.Status.Conditions, v1alpha1.ConditionReady))
	return step
}

func manualStep(order *v1alpha1.ManualOrder) Step {
	step := stepOf(KindManualOrder, order)
	step.State = string(order.Status.State)
	step.take(meta.FindStatusCondition(order.Status.Conditions, v1alpha1.ConditionReady))
	return step
}

// readiness is the step of an issuer. What it says counts only if it is about the spec as it is now.
func readiness(issuer v1alpha1.GenericIssuer) Step {
	step := stepOf(issuer.IssuerKind(), issuer)
	ready := meta.FindStatusCondition(issuer.IssuerConditions(), v1alpha1.ConditionReady)
	if ready == nil || ready.ObservedGeneration != issuer.GetGeneration() {
		step.Reason, step.Message = v1alpha1.ReasonNotChecked, "it has not been checked yet"
		return step
	}
	step.take(ready)
	return step
}

func stepOf(kind string, object metav1.Object) Step {
	return Step{Kind: kind, Namespace: object.GetNamespace(), Name: object.GetName(), UID: string(object.GetUID())}
}

func (s *Step) take(ready *metav1.Condition) {
	if ready != nil {
		s.Ready, s.Reason, s.Message = ready.Status == metav1.ConditionTrue, ready.Reason, ready.Message
		s.Since = ready.LastTransitionTime.Time
	}
}

func certificateCondition(
	certificate *cmapi.Certificate, kind cmapi.CertificateConditionType,
) *cmapi.CertificateCondition {
	all := certificate.Status.Conditions
	i := slices.IndexFunc(all, func(c cmapi.CertificateCondition) bool { return c.Type == kind })
	if i < 0 {
		return nil
	}
	return &all[i]
}

func timeOf(moment *metav1.Time) time.Time {
	if moment == nil {
		return time.Time{}
	}
	return moment.Time
}
