package order

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/kube/find"
	"github.com/varmenne/varmenne-issuer/internal/manual/delivery"
	"github.com/varmenne/varmenne-issuer/internal/manual/orderstate"
	"github.com/varmenne/varmenne-issuer/internal/pki"
)

// ofSameKey is what was brought back to another order for the same key, such as that of the Certificate before somebody
// has edited it, if it can be used for this one; else it says why it cannot.
func (r *Reconciler) ofSameKey(
	ctx context.Context, wanted wanted,
) (found orderstate.Delivery, problem string, err error) {
	others, err := r.others(ctx, wanted.order)
	others = slices.DeleteFunc(others, hasNothingLeft)
	for i := range others[:min(len(others), mostOthers)] {
		brought, err := r.delivery(ctx, wanted, &others[i])
		switch {
		case err != nil:
			return orderstate.Delivery{}, "", err
		case brought.Certificate != nil:
			return brought, "", nil
		case brought.Given:
			problem = fmt.Sprintf("what was brought back to ManualOrder %s, which is for the same private key, cannot be used "+
				"for this one: %s", others[i].Name, brought.Problem)
		}
	}
	if rest := len(others) - mostOthers; rest > 0 {
		problem = strings.TrimPrefix(fmt.Sprintf("%s; to %d more ManualOrders for the same private key something was "+
			"brought back, too, and was not looked at: delete those of them that are of no use", problem, rest), "; ")
	}
	return orderstate.Delivery{}, problem, err
}

// hasNothingLeft reports whether nothing was brought back to an order, or it has been used.
func hasNothingLeft(order v1alpha1.ManualOrder) bool {
	return order.Status.State == v1alpha1.ManualOrderIssued ||
		order.Spec.Certificate == "" && order.Spec.CertificateFrom == nil
}

// unwantedDelivery says what becomes of what was brought back to an order that no request waits for.
func (r *Reconciler) unwantedDelivery(
	ctx context.Context, order *v1alpha1.ManualOrder,
) (orderstate.Delivery, error) {
	others, err := r.others(ctx, order)
	if err != nil {
		return orderstate.Delivery{}, err
	}
	for i := range others { // also when what was brought is not there any more
		if serial := order.Status.SerialNumber; serial != "" && serial == others[i].Status.SerialNumber {
			return orderstate.Delivery{Given: true, UsedBy: others[i].Name}, nil
		}
	}
	data, problem, err := r.brought(ctx, order)
	switch {
	case err != nil || data == nil && problem == "":
		return orderstate.Delivery{}, err
	case problem != "":
		return orderstate.Delivery{Given: true, Problem: problem, Recheck: true}, nil
	}
	came, err := delivery.Read(data)
	if refusal, isRefusal := errors.AsType[*delivery.RefusalError](err); isRefusal {
		return orderstate.Delivery{Given: true, Problem: refusal.Message}, nil
	}
	for i := range others {
		if holds(&others[i], came) {
			return orderstate.Delivery{Given: true, UsedBy: others[i].Name, Certificate: recorded(&others[i].Status)}, nil
		}
	}
	if !bears(order, came) {
		return orderstate.Delivery{Given: true, Problem: "no certificate in it was issued for the key of this order"}, nil
	}
	return orderstate.Delivery{Given: true, Answers: true, Problem: keyOfNobody(others)}, nil
}

// bears reports whether one of the certificates has the key of an order.
func bears(order *v1alpha1.ManualOrder, came []*x509.Certificate) bool {
	return slices.ContainsFunc(came, func(certificate *x509.Certificate) bool {
		digest, err := pki.PublicKeyDigest(certificate.PublicKey)
		return err == nil && digest == order.Spec.PublicKeyDigest
	})
}

// holds reports whether an order has one of the certificates.
func holds(order *v1alpha1.ManualOrder, came []*x509.Certificate) bool {
	bundle, err := pki.ParseBundle(order.Status.Certificate)
	return err == nil && order.Status.NotBefore != nil && order.Status.NotAfter != nil &&
		slices.ContainsFunc(came, bundle.Certificates[0].Equal)
}

// recorded is the certificate that is in a status.
func recorded(status *v1alpha1.ManualOrderStatus) *orderstate.Certificate {
	return &orderstate.Certificate{
		Chain: status.Certificate, CA: status.CA, SerialNumber: status.SerialNumber,
		NotBefore: status.NotBefore.Time, NotAfter: status.NotAfter.Time, Changes: status.Changes,
	}
}

// keyOfNobody says why a certificate that came for an order that nobody waits for is of no use, as far as other orders
// for the same key show.
func keyOfNobody(others []v1alpha1.ManualOrder) string {
	for i := range others {
		if state := others[i].Status.State; state != v1alpha1.ManualOrderIssued && state != v1alpha1.ManualOrderStale {
			return fmt.Sprintf("ManualOrder %s, which is for the same private key, says why", others[i].Name)
		}
	}
	return "its private key is not in preparation any more; have the authority revoke the certificate, and delete this " +
		"order"
}

// mostOthers bounds the other orders for one key of which something is read, and those that are looked at when one
// changes: each edit of names makes one, and nobody edits so often while a key is in preparation. Whoever makes
// thousands by hand costs each of them no more than this.
const mostOthers = 16

// others are the other orders of the namespace for the key of an order, the latest first.
func (r *Reconciler) others(ctx context.Context, order *v1alpha1.ManualOrder) ([]v1alpha1.ManualOrder, error) {
	orders, err := find.ManualOrdersWithKey(ctx, r.Client, order.Namespace, order.Spec.PublicKeyDigest)
	isSelf := func(other v1alpha1.ManualOrder) bool { return other.UID == order.UID }
	others := slices.DeleteFunc(slices.Clone(orders), isSelf)
	slices.SortFunc(others, func(one, other v1alpha1.ManualOrder) int {
		return cmp.Or(other.CreationTimestamp.Compare(one.CreationTimestamp.Time), strings.Compare(one.Name, other.Name))
	})
	return others, err
}

// othersOfOrder are the orders that a change of one concerns beside itself: those first that somebody waits for. Such
// orders are looked at once an hour, too.
func (r *Reconciler) othersOfOrder(ctx context.Context, object client.Object) []reconcile.Request {
	order, isOrder := object.(*v1alpha1.ManualOrder)
	if !isOrder {
		return nil
	}
	others, err := r.others(ctx, order)
	slices.SortStableFunc(others, func(one, other v1alpha1.ManualOrder) int {
		return cmp.Compare(urgency(&one), urgency(&other))
	})
	return find.ToReconcile[v1alpha1.ManualOrder](ctx)(others[:min(len(others), mostOthers)], err)
}

// urgency is less for an order that waits.
func urgency(order *v1alpha1.ManualOrder) int {
	if state := order.Status.State; state == v1alpha1.ManualOrderStale || state == v1alpha1.ManualOrderIssued {
		return 1
	}
	return 0
}
