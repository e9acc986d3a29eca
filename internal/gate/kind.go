package gate

import (
	"context"
	"fmt"
	"slices"
	"strings"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/kube/conditions"
	"github.com/varmenne/varmenne-issuer/internal/kube/status"
)

// backendOf is the Backend of a kind of issuers, nil if there is none.
func (r *Reconciler) backendOf(kind string) Backend {
	for _, backend := range r.Backends {
		if slices.Contains(backend.Kinds(), kind) {
			return backend
		}
	}
	return nil
}

// kinds are those of all Backends.
func (r *Reconciler) kinds() []string {
	var kinds []string
	for _, backend := range r.Backends {
		kinds = append(kinds, backend.Kinds()...)
	}
	return kinds
}

// explainKind tells a request of our group which kinds the group has. Nobody else feels responsible for it, so it would
// wait for ever without a word. It is not one of ours in any other respect: nothing else is done or counted.
func (r *Reconciler) explainKind(ctx context.Context, request *cmapi.CertificateRequest) (ctrl.Result, error) {
	if !request.DeletionTimestamp.IsZero() || status.IsFinal(request) ||
		conditions.IsTrue(request, cmapi.CertificateRequestConditionDenied) {
		return ctrl.Result{}, nil
	}
	before := request.DeepCopy()
	message := unknownKind(request.Spec.IssuerRef.Kind, r.kinds())
	status.SetPending(request, message, r.Clock.Now())
	if err := status.Patch(ctx, r.Client, request, before); err != nil {
		return status.Settle(ctx, fmt.Errorf("CertificateRequest %s/%s: %w", request.Namespace, request.Name, err))
	}
	if message != conditions.ReadyMessage(before) {
		r.Events.Report(request, true, v1alpha1.ReasonIssuerNotFound, "Refer", message)
	}
	return ctrl.Result{}, nil
}

// unknownKind says what is wrong with spec.issuerRef.kind, and what to write.
func unknownKind(kind string, kinds []string) string {
	for _, known := range kinds {
		if strings.EqualFold(kind, known) {
			return fmt.Sprintf(
				"spec.issuerRef.kind is %q: did you mean %s? Correct spec.issuerRef of the Certificate", kind, known)
		}
	}
	said := fmt.Sprintf("spec.issuerRef.kind is %q", kind)
	if kind == "" || kind == cmapi.IssuerKind {
		said = "spec.issuerRef has no kind, or Issuer, which is cert-manager's own and its default"
	}
	return fmt.Sprintf("%s, and the group %s has the kinds %s only: write one of them into spec.issuerRef of the "+
		"Certificate", said, v1alpha1.GroupName, listed(kinds))
}

// listed is how texts tell several names: "A, B and C".
func listed(names []string) string {
	last := len(names) - 1
	if last < 1 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:last], ", ") + " and " + names[last]
}

// approvalMessage names the usual cause: cert-manager's own approver does not know our issuers.
func approvalMessage(kinds []string) string {
	signers := make([]string, 0, len(kinds))
	for _, kind := range kinds {
		signers = append(signers, strings.ToLower(kind)+"s."+v1alpha1.GroupName+"/*")
	}
	return "no approver has approved this request yet; cert-manager's own approver needs the permission to approve " +
		"requests of " + listed(signers)
}
