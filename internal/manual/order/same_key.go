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
	"github.com/varmenne/varmenne-issuer/internal/kube/outline"
	"github.com/varmenne/varmenne-issuer/internal/manual/delivery"
	"github.com/varmenne/varmenne-issuer/internal/manual/orderstate"
	"github.com/varmenne/varmenne-issuer/internal/pki"
)

// ofSameKey is what was brought back to another order for the same key, such as that of the Certificate before somebody
// has edited it, if it can be used for this one; else it says why it cannot.
func (r *Reconciler) ofSameKey(
	ctx context.Context, wanted wanted,
) (delivered orderstate.Delivery, problem string, err error) {
	found, err := r.findOthers(ctx, wanted.order, wanted.order.Spec.PublicKeyDigest)
	if err != nil {
		return orderstate.Delivery{}, "", err
	}
	found = slices.DeleteFunc(found, hasNothingLeft)
	others, err := find.ReadManualOrders(ctx, r.Reader, atMost(found))
	for i := range others {
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
	if rest := len(found) - mostOthers; rest > 0 {
		problem = strings.TrimPrefix(fmt.Sprintf("%s; to %d more ManualOrders for the same private key something was "+
			"brought back, too, and was not looked at: delete those of them that are of no use", problem, rest), "; ")
	}
	return orderstate.Delivery{}, problem, err
}

// hasNothingLeft reports whether nothing was brought back to an order, or it has been used.
func hasNothingLeft(order outline.ManualOrder) bool {
	return !order.Brought || order.State == v1alpha1.ManualOrderIssued
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

// others reads the other orders of the namespace for the key of an order: the latest of those that are not stale, and
// of the stale ones, as many as are looked at.
func (r *Reconciler) others(ctx context.Context, order *v1alpha1.ManualOrder) ([]v1alpha1.ManualOrder, error) {
	found, err := r.findOthers(ctx, order, order.Spec.PublicKeyDigest)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(found, func(one, other outline.ManualOrder) int {
		return rank(one.State == v1alpha1.ManualOrderStale) - rank(other.State == v1alpha1.ManualOrderStale)
	})
	return find.ReadManualOrders(ctx, r.Reader, atMost(found))
}

// findOthers finds the other orders for a key in the cache, the latest first.
func (r *Reconciler) findOthers(
	ctx context.Context, order client.Object, publicKeyDigest string,
) ([]outline.ManualOrder, error) {
	others, err := find.ManualOrdersWithKey(ctx, r.Outlines, order.GetNamespace(), publicKeyDigest)
	others = slices.DeleteFunc(others, func(other outline.ManualOrder) bool { return other.UID == order.GetUID() })
	slices.SortFunc(others, func(one, other outline.ManualOrder) int {
		return cmp.Or(other.CreationTimestamp.Compare(one.CreationTimestamp.Time), strings.Compare(one.Name, other.Name))
	})
	return others, err
}

// othersOfOrder are the orders that a change of one concerns beside itself: those first that somebody waits for. Such
// orders are looked at once an hour, too.
func (r *Reconciler) othersOfOrder(ctx context.Context, object client.Object) []reconcile.Request {
	order, isOrder := object.(*outline.ManualOrder)
	if !isOrder {
		return nil
	}
	others, err := r.findOthers(ctx, order, order.PublicKeyDigest)
	slices.SortStableFunc(others, func(one, other outline.ManualOrder) int {
		return rank(ended(one)) - rank(ended(other))
	})
	return find.ToReconcile[outline.ManualOrder](ctx)(atMost(others), err)
}

// ended reports whether nobody waits for an order.
func ended(order outline.ManualOrder) bool {
	return order.State == v1alpha1.ManualOrderStale || order.State == v1alpha1.ManualOrderIssued
}

// rank sorts what is said of last.
func rank(last bool) int {
	if last {
		return 1
	}
	return 0
}

// atMost are as many orders as are looked at.
func atMost(others []outline.ManualOrder) []outline.ManualOrder {
	return others[:min(len(others), mostOthers)]
}
