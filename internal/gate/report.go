package gate

import (
	"context"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/kube/conditions"
	"github.com/varmenne/varmenne-issuer/internal/kube/outline"
	"github.com/varmenne/varmenne-issuer/internal/kube/status"
	"github.com/varmenne/varmenne-issuer/internal/reasons"
)

// report is what one reconcile has found out about a request.
type report struct {
	// reason is why the request is not satisfied, action what was done; both for the event, whose message is that of the
	// condition Ready.
	reason, action string
	// warning makes the event a Warning.
	warning bool
	// credentials that wait with the request, nil if there are none.
	credentials *Credentials
	// undecided: the cluster has kept the decision from being made, or it is not the request's turn, so that it is not
	// known what credentials there are.
	undecided bool
	// errorReported: the request was made to tell what the cluster has refused.
	errorReported bool
	// expiry is what there is to say about the certificate that is to be replaced.
	expiry notice
	// annotations are those that the request is to carry; one with an empty value is removed.
	annotations map[string]string
	// written: the request's status says what is reported.
	written bool
	// wait is in what time to look again, zero if only when something changes.
	wait time.Duration
}

// publish tells in events and metrics what was found out.
func (r *Reconciler) publish(ctx context.Context, request, before *cmapi.CertificateRequest, found report) {
	if found.errorReported {
		r.errors.Reported(client.ObjectKeyFromObject(request), r.Clock.Now())
	}
	r.updateMetrics(request, found)
	if found.written && found.expiry.over {
		r.Metrics.RenewalServed(request.Namespace, request.Name)
	}
	message := conditions.ReadyMessage(request)
	changed := found.written && message != conditions.ReadyMessage(before) && !reasons.Of(found.reason).Momentary
	if changed || !found.written && found.errorReported {
		if found.warning || !reasons.Of(found.reason).Usual {
			r.Events.Report(request, found.warning, found.reason, found.action, message)
		}
		ctrl.LoggerFrom(ctx).Info("request changed", "reason", found.reason, "message", message)
	}
	if found.written || found.errorReported {
		r.publishNotice(ctx, found.expiry)
	}
}

// reportUnread tells in events and metrics that a request cannot be read, if that persists, from what the cache knows
// of it. What it says, and what was told of the certificate that it is to replace, stays as it is.
func (r *Reconciler) reportUnread(ctx context.Context, cached *outline.CertificateRequest, failure error) {
	if !cached.Waits || r.backendOf(cached.IssuerRef.Kind) == nil {
		return // there is nothing to serve, for all that is known
	}
	request := whole(cached)
	if r.persists(ctx, request, failure) {
		before := request.DeepCopy()
		r.publish(ctx, request, before, r.refused(request, failure))
	}
}

// whole is a request as far as an outline goes.
func whole(cached *outline.CertificateRequest) *cmapi.CertificateRequest {
	request := &cmapi.CertificateRequest{ObjectMeta: *cached.DeepCopy()}
	request.Annotations = map[string]string{cmapi.CertificateNameKey: cached.Certificate}
	return request
}

// updateMetrics shows a request that has no certificate, and the credentials that wait with it, to those who watch from
// outside.
func (r *Reconciler) updateMetrics(request *cmapi.CertificateRequest, found report) {
	switch {
	case conditions.IsTrue(request, cmapi.CertificateRequestConditionReady):
		r.Metrics.RequestServed(request.Namespace, request.Name)
		return
	case !found.undecided && found.credentials == nil:
		r.Metrics.CredentialsGone(request.Namespace, request.Name)
	case !found.undecided:
		r.Metrics.CredentialsUnspent(request, found.credentials.SecretName, found.credentials.Written)
	}
	r.Metrics.RequestUnserved(request, whyUnserved(request, found.reason))
}

// whyUnserved is a reason of the API. Of a request that has ended it is what the request itself tells, so that it is
// the same after a restart.
func whyUnserved(request *cmapi.CertificateRequest, reason string) string {
	switch {
	case !status.IsFinal(request):
		return reason
	case conditions.IsTrue(request, cmapi.CertificateRequestConditionInvalidRequest):
		return v1alpha1.ReasonInvalidRequest
	default:
		return conditions.Find(request, cmapi.CertificateRequestConditionReady).Reason // Denied or Failed
	}
}

// markSubmitted shows the receipt on the request: a second place from which a person can fetch what was paid for.
func markSubmitted(request *cmapi.CertificateRequest, order *Order, now time.Time) {
	if order.Receipt == "" || order.Accepted.IsZero() {
		if condition := conditions.Find(request, v1alpha1.ConditionSubmitted); order.Disowned && condition != nil {
			status.Set(request, v1alpha1.ConditionSubmitted, cmmeta.ConditionFalse, order.Operation, condition.Message, now)
		}
		return
	}
	status.Set(request, v1alpha1.ConditionSubmitted, cmmeta.ConditionTrue, order.Operation, order.Receipt, order.Accepted)
}
