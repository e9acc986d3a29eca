package order

import (
	"context"
	"errors"
	"fmt"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/kube/find"
	"github.com/varmenne/varmenne-issuer/internal/manual/instructions"
	"github.com/varmenne/varmenne-issuer/internal/manual/orderstate"
	"github.com/varmenne/varmenne-issuer/internal/manual/requirements"
	"github.com/varmenne/varmenne-issuer/internal/owner"
	"github.com/varmenne/varmenne-issuer/internal/secrets"
)

// wanted is an order that a request waits for.
type wanted struct {
	order  *v1alpha1.ManualOrder
	waiter *waiter
	issuer v1alpha1.GenericManualIssuer
	now    time.Time
}

// waiter is a request that waits for an order.
type waiter struct {
	request *cmapi.CertificateRequest
	// certificate is the Certificate behind it, nil if there is none.
	certificate *cmapi.Certificate
}

// gather reads the world once, as far as the order needs it.
func (r *Reconciler) gather(ctx context.Context, order *v1alpha1.ManualOrder) (orderstate.Snapshot, error) {
	snapshot := orderstate.Snapshot{Now: r.Clock.Now(), Order: order}
	if order.Status.State == v1alpha1.ManualOrderIssued {
		return snapshot, nil
	}
	waiting, unwanted, err := r.waiting(ctx, order)
	if err != nil {
		return snapshot, err
	}
	if waiting == nil {
		snapshot.Unwanted = unwanted
		snapshot.Delivery, err = r.unwantedDelivery(ctx, order)
		return snapshot, err
	}
	reference := order.Spec.IssuerRef
	issuer, err := find.ManualIssuer(ctx, r.Client, reference.Kind, order.Namespace, reference.Name)
	if err != nil || issuer == nil {
		return snapshot, err
	}
	snapshot.Issuer = orderstate.Issuer{
		Exists: true, Lead: issuer.ManualSpec().Lead(), Instructions: instructions.Of(issuer.ManualSpec()),
	}
	snapshot.Issuer.Ready, snapshot.Issuer.Message = find.Readiness(issuer)
	err = r.gatherDelivery(ctx, wanted{order: order, waiter: waiting, issuer: issuer, now: snapshot.Now}, &snapshot)
	return snapshot, err
}

// gatherDelivery looks for a certificate: first in what was brought back to the order, then in what it has kept, and in
// what was brought back to others for the same key.
func (r *Reconciler) gatherDelivery(ctx context.Context, wanted wanted, snapshot *orderstate.Snapshot) error {
	var err error
	snapshot.Delivery, err = r.delivery(ctx, wanted, wanted.order)
	if err != nil || snapshot.Delivery.Certificate != nil {
		return err
	}
	kept, err := r.kept(ctx, wanted)
	snapshot.Keeps = kept.Certificate != nil
	if err != nil || snapshot.Delivery.Given {
		return err
	}
	snapshot.Delivery, snapshot.SameKey, err = r.ofSameKey(ctx, wanted)
	if !snapshot.Delivery.Given && !snapshot.Keeps {
		snapshot.Delivery = kept
	}
	return err
}

// waiting finds who waits for an order; unwanted says why nobody does.
func (r *Reconciler) waiting(
	ctx context.Context, order *v1alpha1.ManualOrder,
) (found *waiter, unwanted string, err error) {
	cached, err := find.RequestsWithKey(ctx, r.Outlines, order.Namespace, order.Spec.PublicKeyDigest)
	if err != nil {
		return nil, "", err
	}
	unwanted = "no CertificateRequest waits for this key and these names any more"
	for i := range cached {
		request := &cmapi.CertificateRequest{}
		err := r.Reader.Get(ctx, client.ObjectKeyFromObject(&cached[i]), request)
		if err != nil && !apierrors.IsNotFound(err) {
			return nil, "", fmt.Errorf("get CertificateRequest %s: %w", cached[i].Name, err)
		}
		if err != nil || !requirements.WaitsFor(request, order) {
			continue
		}
		behind, err := owner.Of(ctx, r.Reader, request)
		if err != nil {
			return nil, "", err
		}
		if behind.Problem == "" {
			return &waiter{request: request, certificate: behind.Certificate}, "", nil
		}
		unwanted = behind.Problem
	}
	return nil, unwanted, nil
}

// brought is what a person has brought back, nil if nothing; problem says why it cannot be read.
func (r *Reconciler) brought(
	ctx context.Context, order *v1alpha1.ManualOrder,
) (data []byte, problem string, err error) {
	from := order.Spec.CertificateFrom
	switch {
	case order.Spec.Certificate != "":
		return []byte(order.Spec.Certificate), "", nil
	case from == nil:
		return nil, "", nil
	}
	data, err = secrets.ReadValue(ctx, r.Reader, "spec.certificateFrom", from, order.Namespace)
	if unusable, is := errors.AsType[*secrets.BundleError](err); is {
		return nil, fmt.Sprintf("%v; it is looked for once a minute", unusable), nil
	}
	if data == nil {
		data = []byte{} // there is something, and it is empty
	}
	return data, "", err
}
