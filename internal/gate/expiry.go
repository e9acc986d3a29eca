package gate

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/kube/conditions"
	"github.com/varmenne/varmenne-issuer/internal/kube/status"
	"github.com/varmenne/varmenne-issuer/internal/owner"
	"github.com/varmenne/varmenne-issuer/internal/reasons"
	"github.com/varmenne/varmenne-issuer/internal/renewal"
)

// initialGrace is how long a new request is left alone before anyone looks at what it replaces: almost all of them have
// ended by then.
const initialGrace = 30 * time.Second

// notice is what has to be said about the certificate that a request is to replace.
type notice struct {
	certificate             *cmapi.Certificate
	reason, action, message string
	// next is when the notice changes by time alone; zero if never.
	next time.Time
	// over: nothing is failing any more, once that is written.
	over bool
}

// watchExpiry sees to it that a renewal does not fail silently: it keeps the condition RenewalFailing, in memory, and
// the metric. The notice has a message when something new has to be said. reason is why the request is not satisfied.
func (r *Reconciler) watchExpiry(
	ctx context.Context, backend Backend, request *cmapi.CertificateRequest, reason string,
) (notice, error) {
	now := r.Clock.Now()
	if conditions.IsTrue(request, cmapi.CertificateRequestConditionReady) {
		return r.resolve(request, "there is a new certificate", reason), nil
	}
	failing := conditions.IsTrue(request, v1alpha1.ConditionRenewalFailing)
	if young := request.CreationTimestamp.Add(initialGrace); !failing && reasons.Of(reason).Quiet && now.Before(young) {
		return notice{next: young}, nil
	}
	if !failing && conditions.ReadyMessage(request) == "" && reasons.Of(reason).Quiet {
		return notice{}, nil // there is a time for it to say something, and a warning tells that, too
	}
	if next := r.unthreatened.next(request, now); !failing && now.Before(next) {
		return notice{over: true, next: next}, nil
	}
	certificate, err := r.replaced(ctx, request)
	if err != nil {
		return notice{}, err // what was told before is still true, for all that is known
	}
	if certificate == nil {
		over := r.resolve(request, "no certificate in use is to be replaced", reason)
		over.next = r.lookAgain(request)
		return over, nil
	}
	window, err := backend.RenewalWindow(ctx, request)
	if err != nil {
		return notice{}, err
	}
	health := renewal.Pending{
		Reason: reason, Created: request.CreationTimestamp.Time, Expires: certificate.Status.NotAfter.Time, Window: window,
	}.Health(now)
	switch {
	case health.Failing, failing && reason != v1alpha1.ReasonWaitingForWindow:
		return r.warn(request, certificate, reason, health), nil
	case failing:
		over := r.resolve(request, "the renewal waits for its window", reason)
		over.next = health.Next
		return over, nil
	default:
		return notice{over: true, next: health.Next}, nil // one that could never be written into the request is over, too
	}
}

// lookAgain is when a request is looked at that replaces nothing: a Secret that was deleted may come back, with a
// certificate that expires.
func (r *Reconciler) lookAgain(request *cmapi.CertificateRequest) time.Time {
	if status.IsFinal(request) {
		return time.Time{}
	}
	return r.Clock.Now().Add(unseenInterval)
}

// replaced is the Certificate whose certificate in use a request is to replace, nil if there is none to be replaced: a
// temporary one of cert-manager is no loss.
func (r *Reconciler) replaced(
	ctx context.Context, request *cmapi.CertificateRequest,
) (*cmapi.Certificate, error) {
	certificate, err := owner.ControllerOf(ctx, r.Reader, request)
	if err != nil || certificate == nil || !concerned(certificate, request) ||
		owner.HoldsTemporary(ctx, r.Reader, certificate) {
		return nil, err
	}
	return certificate, nil
}

// concerned reports whether a Certificate with something to lose depends on a request: it is being issued, or its last
// issuance has failed with that request. Others, left behind or made by somebody who only names the Certificate, are no
// reason for an alarm.
func concerned(certificate *cmapi.Certificate, request *cmapi.CertificateRequest) bool {
	if certificate.Status.NotBefore == nil || certificate.Status.NotAfter == nil {
		return false
	}
	if slices.ContainsFunc(certificate.Status.Conditions, func(condition cmapi.CertificateCondition) bool {
		return condition.Type == cmapi.CertificateConditionIssuing && condition.Status == cmmeta.ConditionTrue
	}) {
		return true
	}
	failed := request.Status.FailureTime
	return failed != nil && certificate.Status.LastFailureTime != nil &&
		!certificate.Status.NotBefore.After(failed.Time)
}

// warn sets the condition. That the request is being sent lasts for a moment and is no news.
func (r *Reconciler) warn(
	request *cmapi.CertificateRequest, certificate *cmapi.Certificate, reason string, health renewal.Health,
) notice {
	previous := conditions.Find(request, v1alpha1.ConditionRenewalFailing)
	if previous != nil && reasons.Of(reason).Momentary {
		reason = previous.Reason
	}
	event := notice{
		certificate: certificate, reason: v1alpha1.ReasonRenewalFailing, action: camelCase(health.Left),
		next: health.Next,
	}
	expires := certificate.Status.NotAfter.UTC().Format(time.RFC3339)
	said := fmt.Sprintf("the certificate in Secret %s expires on %s, %s, and is not renewed yet: ",
		certificate.Spec.SecretName, expires, health.Left)
	if health.Left == "" {
		event.reason, event.action = v1alpha1.ReasonCertificateExpired, "Renew"
		said = fmt.Sprintf("the certificate in Secret %s expired on %s and was not renewed: ",
			certificate.Spec.SecretName, expires)
	}
	event.message = said + conditions.ReadyMessage(request)
	published := previous != nil && previous.Status == cmmeta.ConditionTrue && strings.HasPrefix(previous.Message, said)
	status.Set(request, v1alpha1.ConditionRenewalFailing, cmmeta.ConditionTrue, reason, event.message, r.Clock.Now())
	r.Metrics.RenewalFailing(request.Namespace, certificate.Name, request.Name, reason, certificate.Status.NotAfter.Time)
	if published {
		return notice{next: health.Next}
	}
	return event
}

// camelCase makes an event's action of a phrase: recorders take events for the same that differ in their text only.
func camelCase(phrase string) string {
	words := strings.Fields(phrase)
	for i, word := range words {
		words[i] = strings.ToUpper(word[:1]) + word[1:]
	}
	return strings.Join(words, "")
}

// resolve ends the condition, if there is one.
func (r *Reconciler) resolve(request *cmapi.CertificateRequest, message, reason string) notice {
	if conditions.Find(request, v1alpha1.ConditionRenewalFailing) != nil {
		status.Set(request, v1alpha1.ConditionRenewalFailing, cmmeta.ConditionFalse, reason, message, r.Clock.Now())
	}
	return notice{over: true}
}

// publishNotice reports a notice on the Certificate, where those look who depend on it.
func (r *Reconciler) publishNotice(ctx context.Context, n notice) {
	if n.message == "" {
		return
	}
	r.Events.Report(n.certificate, true, n.reason, n.action, n.message)
	ctrl.LoggerFrom(ctx).Info("renewal is failing", "certificate", n.certificate.Name, "message", n.message)
}
