package issuer

import (
	"context"
	"crypto/x509"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/kube/status"
	"github.com/varmenne/varmenne-issuer/internal/pki"
	"github.com/varmenne/varmenne-issuer/internal/secrets"
)

// reportOverlap keeps the condition TrustOverlap true to the bundles, and reports that there is one, or another. The
// issuer works all the same: what tells a customer's signature from the service's is then the name of the signer alone.
func (r *Reconciler) reportOverlap(
	ctx context.Context, issuer v1alpha1.GenericVeroIssuer, bundles *secrets.Bundles,
) error {
	object, before, err := objects(issuer)
	if err != nil {
		return err
	}
	message := overlapMessage(bundles.Responses.IssuingInBoth(bundles.Issuance))
	conditions := &issuer.VeroStatus().Conditions
	previous := meta.FindStatusCondition(*conditions, v1alpha1.ConditionTrustOverlap)
	isNew := message != "" && (previous == nil || previous.Message != message)
	if message == "" {
		meta.RemoveStatusCondition(conditions, v1alpha1.ConditionTrustOverlap)
	} else {
		meta.SetStatusCondition(conditions, metav1.Condition{
			Type: v1alpha1.ConditionTrustOverlap, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonSharedAuthority,
			Message: message, ObservedGeneration: issuer.GetGeneration(),
			LastTransitionTime: metav1.Time{Time: r.Clock.Now()},
		})
	}
	if err := status.Patch(ctx, r.Client, object, before); err != nil {
		return err
	}
	if isNew {
		r.Events.Report(object, true, v1alpha1.ReasonSharedAuthority, "Check", message)
		ctrl.LoggerFrom(ctx).Info("bundles overlap", "message", message)
	}
	return nil
}

// maximumNamed bounds how many authorities a message names; of more, these are enough to see what was mixed up.
const maximumNamed = 2

// overlapMessage is empty where nothing is shared.
func overlapMessage(shared []*x509.Certificate) string {
	if len(shared) == 0 {
		return ""
	}
	var names []string
	for _, authority := range shared[:min(len(shared), maximumNamed)] {
		names = append(names, pki.QuoteName(authority.Subject))
	}
	if more := len(shared) - len(names); more > 0 {
		names = append(names, fmt.Sprintf("%d more", more))
	}
	return fmt.Sprintf("spec.trust.responses and spec.trust.issuance both hold %s, which issues certificates: whoever "+
		"has one of those might sign responses; put only the authority that signs the service's responses into "+
		"spec.trust.responses", strings.Join(names, " and "))
}
