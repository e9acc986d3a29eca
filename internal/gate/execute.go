package gate

import (
	"context"
	"fmt"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/kube/conditions"
	"github.com/varmenne/varmenne-issuer/internal/kube/status"
	"github.com/varmenne/varmenne-issuer/internal/reasons"
)

// execute does what was decided, and returns in what time to look again; zero stands for none. It changes the request
// in memory only; orders it creates at once.
func (r *Reconciler) execute(
	ctx context.Context, request *cmapi.CertificateRequest, decision Decision, now time.Time,
) (time.Duration, error) {
	switch decision.Verb {
	case Create:
		return r.create(ctx, request, decision, now)
	case Follow:
		if wait := leaveToOrder(request, decision, now); wait > 0 {
			return wait, nil
		}
		markSubmitted(request, decision.Order, now)
		if decision.Reason != v1alpha1.ReasonSubmitting || conditions.ReadyMessage(request) == "" {
			// That it is being sent lasts for a moment; what it says until the outcome is known is still true.
			status.SetPending(request, decision.Message, now)
		}
	case Deliver:
		markSubmitted(request, decision.Order, now)
		status.SetIssued(request, decision.Order.Certificate, decision.Order.CA, decision.Message, now)
	case Refuse:
		message := decision.Message + whatNext(request)
		status.SetFailed(request, decision.Reason == v1alpha1.ReasonInvalidRequest, message, now)
		return 0, nil
	case Wait:
		status.SetPending(request, decision.Message, now)
	}
	return until(decision.At, now), nil
}

const (
	// orderGrace is how long a request that has said nothing yet leaves it to a new order to be sent, and then
	// certificateGrace to one that was accepted to bring the certificate, which is there after ten seconds. Most have it
	// by then, which is worth more to its reader; a write for each moment before would keep all of them waiting.
	orderGrace       = 30 * time.Second
	certificateGrace = 15 * time.Second
)

// leaveToOrder is for how long a request says nothing of an order, zero if it does. Its annotations carry the receipt
// all the same.
func leaveToOrder(request *cmapi.CertificateRequest, decision Decision, now time.Time) time.Duration {
	const farthest = 2 * orderGrace // where the order was made later than that, the clock was set back
	order := decision.Order
	wait := order.Created.Add(orderGrace).Sub(now)
	momentary := reasons.Of(decision.Reason).Momentary
	if decision.Reason == v1alpha1.ReasonAwaitingCertificate && !order.Accepted.IsZero() && !order.Disturbed {
		wait, momentary = order.Accepted.Add(certificateGrace).Sub(now), true
	}
	if !momentary || conditions.ReadyMessage(request) != "" || wait > farthest {
		return 0
	}
	return max(wait, 0)
}

// create makes the order. Its name is the lock: whoever is second is refused by the API server, and looks again. What
// the request has asked for, if it has, is there.
func (r *Reconciler) create(
	ctx context.Context, request *cmapi.CertificateRequest, decision Decision, now time.Time,
) (time.Duration, error) {
	order := decision.New.Order
	kind, err := r.Client.GroupVersionKindFor(order)
	if err != nil {
		return 0, fmt.Errorf("create an order: %w", err)
	}
	if caution := decision.New.Caution; caution != "" { // before anything is spent
		r.Events.Report(request, true, decision.New.CautionReason, string(decision.Verb), caution)
	}
	name := client.ObjectKeyFromObject(order)
	r.Turns.Pass(client.ObjectKeyFromObject(request), name)
	err = r.Client.Create(ctx, order)
	if err != nil {
		r.Turns.Leave(name)
	}
	switch {
	case apierrors.IsAlreadyExists(err):
		// The cache does not know it yet; it will in a moment.
		return time.Second, r.checkExisting(ctx, decision.New, kind)
	case apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause):
		return resyncInterval, nil // the request goes with its namespace, and there is nothing to be done about it
	case err != nil:
		return 0, fmt.Errorf("create %s %s: %w", kind.Kind, order.GetName(), err)
	}
	if decision.Warning {
		r.Events.Report(request, true, decision.Reason, string(decision.Verb), decision.Message)
	}
	if conditions.ReadyMessage(request) != "" {
		status.SetPending(request, decision.Message, now)
	}
	ctrl.LoggerFrom(ctx).Info("order created", "message", decision.Message)
	return orderGrace, nil
}

// checkExisting says why an order that exists was not found, if it is not that the cache is behind.
func (r *Reconciler) checkExisting(ctx context.Context, wanted *New, kind schema.GroupVersionKind) error {
	object, err := r.Client.Scheme().New(kind)
	if err != nil {
		return fmt.Errorf("read %s %s: %w", kind.Kind, wanted.Order.GetName(), err)
	}
	existing, isObject := object.(client.Object)
	if !isObject {
		return fmt.Errorf("%s is no kind of objects", kind.Kind)
	}
	if err := r.Reader.Get(ctx, client.ObjectKeyFromObject(wanted.Order), existing); err != nil {
		return client.IgnoreNotFound(err)
	}
	return wanted.CheckExisting(existing)
}

// whatNext says how a corrected Certificate gets its next request. cert-manager waits for an hour after a failure,
// twice as long after each further one, and does not count every change of a Certificate as a reason to try earlier.
func whatNext(request *cmapi.CertificateRequest) string {
	certificate := request.Annotations[cmapi.CertificateNameKey]
	if certificate == "" {
		return ""
	}
	return fmt.Sprintf("; after that, `cmctl renew -n %s %s` tries again at once; by itself cert-manager does so an hour "+
		"after a first failure, and up to 32 hours after several", request.Namespace, certificate)
}

// until is the time left, at least a moment; zero stands for no time.
func until(moment, now time.Time) time.Duration {
	if moment.IsZero() {
		return 0
	}
	return max(moment.Sub(now), time.Millisecond)
}
