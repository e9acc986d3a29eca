package find

import (
	"context"
	"fmt"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
)

// Indexes of cached ManualOrders.
const (
	indexManualIssuer    = "varmenne.dev/issuer"
	indexManualPublicKey = "varmenne.dev/public-key"
)

// ManualOrdersWithKey lists the cached ManualOrders of a namespace that are for a key. They belong to the cache, and
// are to be looked at only.
func ManualOrdersWithKey(
	ctx context.Context, reader client.Reader, namespace, publicKeyDigest string,
) ([]v1alpha1.ManualOrder, error) {
	return manualOrders(ctx, reader, namespace, indexManualPublicKey, publicKeyDigest)
}

// ManualOrdersOfIssuer lists the cached ManualOrders of an issuer. They belong to the cache, and are to be looked at
// only.
func ManualOrdersOfIssuer(
	ctx context.Context, reader client.Reader, issuer v1alpha1.GenericManualIssuer,
) ([]v1alpha1.ManualOrder, error) {
	return manualOrders(
		ctx, reader, issuer.GetNamespace(), indexManualIssuer, issuer.IssuerKind()+"/"+issuer.GetName())
}

func manualOrders(
	ctx context.Context, reader client.Reader, namespace, index, value string,
) ([]v1alpha1.ManualOrder, error) {
	found := &v1alpha1.ManualOrderList{}
	err := reader.List(ctx, found, client.InNamespace(namespace), client.MatchingFields{index: value},
		client.UnsafeDisableDeepCopy)
	if err != nil {
		return nil, fmt.Errorf("list ManualOrders by %s: %w", index, err)
	}
	return found.Items, nil
}

func manualIndex(value func(*v1alpha1.ManualOrder) string) client.IndexerFunc {
	return func(object client.Object) []string {
		order, isOrder := object.(*v1alpha1.ManualOrder)
		if !isOrder {
			return nil
		}
		return []string{value(order)}
	}
}

func manualIssuer(order *v1alpha1.ManualOrder) string {
	return order.Spec.IssuerRef.Kind + "/" + order.Spec.IssuerRef.Name
}

func manualPublicKey(order *v1alpha1.ManualOrder) string { return order.Spec.PublicKeyDigest }
