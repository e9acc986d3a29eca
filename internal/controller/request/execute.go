package request

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/issuance"
	"github.com/varmenne/varmenne-issuer/internal/status"
)

// execute does what was decided. It changes the request in memory only; orders it creates at once.
func (r *Reconciler) execute(
	ctx context.Context, request *cmapi.CertificateRequest, snapshot issuance.Snapshot, action issuance.Action,
) (ctrl.Result, error) {
	now := snapshot.Now
	switch action.Verb {
	case issuance.Create:
		return r.create(ctx, request, snapshot, action)
	case issuance.Follow:
		markSubmitted(request, action.Order)
		if action.Reason != v1alpha1.ReasonSubmitting || status.ReadyMessage(request) == "" {
			// That it is being sent lasts for a moment; what it says until the outcome is known is still true.
			status.SetPending(request, action.Message, now)
		}
		return ctrl.Result{}, nil
	case issuance.Deliver:
		markSubmitted(request, action.Order)
		status.SetIssued(request, action.Order.Status.Certificate, action.Order.Status.CA, action.Message, now)
		return ctrl.Result{}, nil
	case issuance.Refuse:
		message := action.Message + whatNext(request)
		status.SetFailed(request, action.Reason == v1alpha1.ReasonInvalidRequest, message, now)
		return ctrl.Result{}, nil
	case issuance.Wait:
		status.SetPending(request, action.Message, now)
		return ctrl.Result{RequeueAfter: until(action.At, now)}, nil
	default:
		return ctrl.Result{}, fmt.Errorf("a CertificateRequest cannot %s", action.Verb)
	}
}

// create makes the order. Its name is the lock: whoever is second is refused by the API server, and looks again.
func (r *Reconciler) create(
	ctx context.Context, request *cmapi.CertificateRequest, snapshot issuance.Snapshot, action issuance.Action,
) (ctrl.Result, error) {
	order := newOrder(request, snapshot, action)
	if caution := snapshot.Request.Caution; caution != "" {
		r.Events.Report(request, true, v1alpha1.ReasonLargeKey, string(action.Verb), caution) // before anything is spent
	}
	said := fmt.Sprintf("VeroOrder %s was created for %s", order.Name, action.Operation)
	if action.Message != "" {
		order.Annotations[v1alpha1.AnnotationGivenUp] = snapshot.Request.Receipt.RetrievalID
		said += "; " + action.Message
	}
	switch err := r.Client.Create(ctx, order); {
	case apierrors.IsAlreadyExists(err):
		// The cache does not know it yet; it will in a moment.
		return ctrl.Result{RequeueAfter: time.Second}, r.overlooked(ctx, order)
	case err != nil:
		return ctrl.Result{}, fmt.Errorf("create VeroOrder %s: %w", order.Name, err)
	}
	r.Events.Report(request, action.Message != "", v1alpha1.ReasonOrderCreated, string(action.Verb), said)
	return ctrl.Result{}, nil
}

// overlooked says why an order that exists is not found although the cache knows it: somebody has taken a label away.
func (r *Reconciler) overlooked(ctx context.Context, wanted *v1alpha1.VeroOrder) error {
	order := &v1alpha1.VeroOrder{}
	if err := r.Client.Get(ctx, client.ObjectKeyFromObject(wanted), order); err != nil {
		return client.IgnoreNotFound(err)
	}
	for label, value := range wanted.Labels {
		anotherKey := label == v1alpha1.LabelPublicKey && order.Spec.PublicKeyDigest != wanted.Spec.PublicKeyDigest
		if order.Labels[label] != value && !anotherKey {
			return fmt.Errorf("VeroOrder %s has lost its label %s, by which it is found: set it to %s",
				order.Name, label, value)
		}
	}
	return nil
}

// annotationRestoreStatus lets Velero restore the status with the object, without which an order does not know its
// RetrievalId any more, nor that its credentials are spent.
const annotationRestoreStatus = "velero.io/restore-status"

func newOrder(
	request *cmapi.CertificateRequest, snapshot issuance.Snapshot, action issuance.Action,
) *v1alpha1.VeroOrder {
	digest := snapshot.Request.PublicKeyDigest
	order := &v1alpha1.VeroOrder{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: request.Namespace,
			Labels:    map[string]string{v1alpha1.LabelPublicKey: v1alpha1.LabelValue(digest)},
			Annotations: map[string]string{
				v1alpha1.AnnotationRequestName: request.Name,
				annotationRestoreStatus:        "true",
			},
		},
		Spec: v1alpha1.VeroOrderSpec{
			IssuerRef: v1alpha1.OrderIssuerReference{
				Kind: snapshot.Issuer.Kind, Name: snapshot.Issuer.Name, UID: snapshot.Issuer.UID,
			},
			Operation: action.Operation, Environment: snapshot.Issuer.Environment,
			CustomerID: snapshot.Issuer.CustomerID, Request: request.Spec.Request, RequestUID: request.UID,
			PublicKeyDigest: digest, Attempt: action.Attempt,
		},
	}
	if name := request.Annotations[cmapi.CertificateNameKey]; name != "" {
		order.Annotations[cmapi.CertificateNameKey] = name
	}
	if action.Operation == v1alpha1.OperationRenew {
		order.Spec.Renewal = &v1alpha1.RenewalAuthorization{
			SecretName:   snapshot.Current.SecretName,
			SerialNumber: snapshot.Current.SerialNumber,
			NotAfter:     metav1.Time{Time: snapshot.Current.NotAfter},
		}
		order.Labels[v1alpha1.LabelRenews] = v1alpha1.LabelValue(snapshot.Current.SerialNumber)
	} else {
		order.Spec.Transfer = &v1alpha1.TransferAuthorization{
			SecretName: snapshot.Transfer.SecretName, TransferIDDigest: snapshot.Transfer.IDDigest,
		}
		order.Labels[v1alpha1.LabelTransferID] = v1alpha1.LabelValue(snapshot.Transfer.IDDigest)
	}
	order.Name = nameOf(&order.Spec)
	return order
}

// nameOf derives the name of an order from what it spends, so that the API server refuses a second order that would
// spend the same: a TransferId, whoever asks and with whatever key; or a renewal of one certificate with one key.
func nameOf(spec *v1alpha1.VeroOrderSpec) string {
	identity := []string{string(spec.Operation), strconv.Itoa(int(spec.Attempt))}
	prefix := "sign-"
	if spec.Renewal != nil {
		prefix = "renew-"
		identity = append(identity, spec.Renewal.SerialNumber, spec.PublicKeyDigest)
	} else {
		identity = append(identity, spec.Transfer.TransferIDDigest)
	}
	digest := sha256.Sum256([]byte(strings.Join(identity, "/")))
	const length = 10
	return prefix + hex.EncodeToString(digest[:length])
}

// markSubmitted shows the RetrievalId on the request: a second place from which a person can fetch what was paid for.
func markSubmitted(request *cmapi.CertificateRequest, order *v1alpha1.VeroOrder) {
	if order.Status.RetrievalID == "" || order.Status.AcceptedAt == nil {
		return
	}
	status.Set(request, v1alpha1.ConditionSubmitted, cmmeta.ConditionTrue, string(order.Spec.Operation),
		order.Status.RetrievalID, order.Status.AcceptedAt.Time)
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
