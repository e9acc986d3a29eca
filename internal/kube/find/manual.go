package find

import (
	"context"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/kube/outline"
)

// Indexes of cached ManualOrders.
const (
	indexManualIssuer    = "varmenne.dev/issuer"
	indexManualPublicKey = "varmenne.dev/public-key"
)

// ManualOrdersWithKey lists the cached ManualOrders of a namespace that are for a key.
func ManualOrdersWithKey(
	ctx context.Context, outlines client.Reader, namespace, publicKeyDigest string,
) ([]outline.ManualOrder, error) {
	found, err := manualOrders(ctx, outlines, namespace, indexManualPublicKey, keyBucket(publicKeyDigest))
	return slices.DeleteFunc(found, func(order outline.ManualOrder) bool {
		return order.PublicKeyDigest != publicKeyDigest
	}), err
}

// ManualOrdersOfIssuer lists the cached ManualOrders of an issuer.
func ManualOrdersOfIssuer(
	ctx context.Context, outlines client.Reader, issuer v1alpha1.GenericManualIssuer,
) ([]outline.ManualOrder, error) {
	return manualOrders(
		ctx, outlines, issuer.GetNamespace(), indexManualIssuer, issuer.IssuerKind()+"/"+issuer.GetName())
}

// ReadManualOrders reads the ManualOrders that were found in the cache from the API server, in the same order. Those
// that are gone meanwhile are left out.
func ReadManualOrders(
	ctx context.Context, reader client.Reader, found []outline.ManualOrder,
) ([]v1alpha1.ManualOrder, error) {
	orders := make([]v1alpha1.ManualOrder, 0, len(found))
	for i := range found {
		var order v1alpha1.ManualOrder
		switch err := reader.Get(ctx, client.ObjectKeyFromObject(&found[i]), &order); {
		case apierrors.IsNotFound(err):
		case err != nil:
			return nil, fmt.Errorf("get ManualOrder %s: %w", found[i].Name, err)
		default:
			orders = append(orders, order)
		}
	}
	return orders, nil
}

func manualOrders(
	ctx context.Context, outlines client.Reader, namespace, index, value string,
) ([]outline.ManualOrder, error) {
	found := &outline.ManualOrderList{}
	err := outlines.List(ctx, found, client.InNamespace(namespace), client.MatchingFields{index: value},
		client.UnsafeDisableDeepCopy)
	if err != nil {
		return nil, fmt.Errorf("list ManualOrders by %s: %w", index, err)
	}
	return found.Items, nil
}

func manualIndex(value func(*outline.ManualOrder) string) client.IndexerFunc {
	return func(object client.Object) []string {
		order, isOrder := object.(*outline.ManualOrder)
		if !isOrder {
			return nil
		}
		return []string{value(order)}
	}
}

func manualIssuer(order *outline.ManualOrder) string {
	return order.IssuerRef.Kind + "/" + order.IssuerRef.Name
}

func manualPublicKey(order *outline.ManualOrder) string { return keyBucket(order.PublicKeyDigest) }
