package request

import (
	"context"
	"fmt"
	"strings"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/status"
)

// explainKind tells a request of our group which kinds the group has. Nobody else feels responsible for it, so it would
// wait for ever without a word. It is not one of ours in any other respect: nothing else is done or counted.
func (r *Reconciler) explainKind(ctx context.Context, request *cmapi.CertificateRequest) (ctrl.Result, error) {
	if !request.DeletionTimestamp.IsZero() || status.IsFinal(request) ||
		status.IsTrue(request, cmapi.CertificateRequestConditionDenied) {
		return ctrl.Result{}, nil
	}
	before := request.DeepCopy()
	message := unknownKind(request.Spec.IssuerRef.Kind)
	status.SetPending(request, message, r.Clock.Now())
	if err := status.Patch(ctx, r.Client, request, before); err != nil {
		return status.Settle(ctx, fmt.Errorf("CertificateRequest %s/%s: %w", request.Namespace, request.Name, err))
	}
	if message != status.ReadyMessage(before) {
		r.Events.Report(request, true, v1alpha1.ReasonIssuerNotFound, "Refer", message)
	}
	return ctrl.Result{}, nil
}

// unknownKind says what is wrong with spec.issuerRef.kind, and what to write.
func unknownKind(kind string) string {
	for _, ours := range []string{v1alpha1.KindVeroIssuer, v1alpha1.KindVeroClusterIssuer} {
		if strings.EqualFold(kind, ours) {
			return fmt.Sprintf(
				"spec.issuerRef.kind is %q: did you mean %s? Correct spec.issuerRef of the Certificate", kind, ours)
		}
	}
	said := fmt.Sprintf("spec.issuerRef.kind is %q", kind)
	if kind == "" || kind == cmapi.IssuerKind {
		said = "spec.issuerRef has no kind, or Issuer, which is cert-manager's own and its default"
	}
	return fmt.Sprintf("%s, and the group %s has the kinds %s and %s only: write one of them into spec.issuerRef of the "+
		"Certificate", said, v1alpha1.GroupName, v1alpha1.KindVeroIssuer, v1alpha1.KindVeroClusterIssuer)
}
