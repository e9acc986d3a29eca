package find

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/kube/outline"
)

// ManualOrdersWithKey lists the cached ManualOrders of a namespace that are for a key.
func ManualOrdersWithKey(
	ctx context.Context, outlines client.Reader, namespace, publicKeyDigest string,
) ([]outline.ManualOrder, error) {
	return manualOrders(ctx, outlines, key{byPublicKey, namespace, publicKeyDigest})
}

// ManualOrdersOfIssuer lists the cached ManualOrders of an issuer.
func ManualOrdersOfIssuer(
	ctx context.Context, outlines client.Reader, issuer v1alpha1.GenericManualIssuer,
) ([]outline.ManualOrder, error) {
	return manualOrders(ctx, outlines, issuerKey(issuer.IssuerKind(), issuer.GetNamespace(), issuer.GetName()))
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

func manualOrders(ctx context.Context, outlines client.Reader, wanted key) ([]outline.ManualOrder, error) {
	found := &outline.ManualOrderList{}
	err := listBucket(ctx, outlines, wanted, found)
	return having(found.Items, wanted, manualKey), err
}

func manualKey(order *outline.ManualOrder, by string) key {
	if by == byIssuer {
		return issuerKey(order.IssuerRef.Kind, order.Namespace, order.IssuerRef.Name)
	}
	return key{by, order.Namespace, order.PublicKeyDigest}
}
