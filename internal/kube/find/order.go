package find

import (
	"context"
	"slices"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/vero/facts"
)

// OrdersOfIssuer lists the cached VeroOrders that name an issuer. They belong to the cache, and are to be looked at
// only; so it is with the lists of the functions below.
func OrdersOfIssuer(
	ctx context.Context, reader client.Reader, issuer v1alpha1.GenericVeroIssuer,
) ([]v1alpha1.VeroOrder, error) {
	return orders(ctx, reader, issuerKey(issuer.IssuerKind(), issuer.GetNamespace(), issuer.GetName()))
}

// OrdersWithKey lists the cached VeroOrders of a namespace that are for a public key and have not ended.
func OrdersWithKey(
	ctx context.Context, reader client.Reader, namespace, publicKeyDigest string,
) ([]v1alpha1.VeroOrder, error) {
	found, err := orders(ctx, reader, key{byPublicKey, namespace, publicKeyDigest})
	return slices.DeleteFunc(found, func(order v1alpha1.VeroOrder) bool {
		return order.Status.CompletionTime != nil
	}), err
}

// OrdersWithRetrievalID lists the cached VeroOrders of all namespaces that have a RetrievalId.
func OrdersWithRetrievalID(ctx context.Context, reader client.Reader, id string) ([]v1alpha1.VeroOrder, error) {
	return orders(ctx, reader, key{by: byRetrievalID, value: id})
}

// OrdersWithCertificate lists the cached VeroOrders of a namespace that are for a public key and have borne the
// certificate with a serial number, as facts.SerialNumber writes it.
func OrdersWithCertificate(
	ctx context.Context, reader client.Reader, namespace, publicKeyDigest, serialNumber string,
) ([]v1alpha1.VeroOrder, error) {
	found, err := orders(ctx, reader, key{byPublicKey, namespace, publicKeyDigest})
	return slices.DeleteFunc(found, func(order v1alpha1.VeroOrder) bool {
		leaf, err := facts.Leaf(&order)
		return err != nil || facts.SerialNumber(leaf) != serialNumber
	}), err
}

// OrdersWithLabel lists the cached VeroOrders of a namespace whose label is what v1alpha1.LabelValue makes of digits.
// Without digits there are none. The label is what counts, not what it was made from: where somebody has taken it away,
// the order is not found, and a request says so.
func OrdersWithLabel(
	ctx context.Context, reader client.Reader, namespace, label, digits string,
) ([]v1alpha1.VeroOrder, error) {
	if digits == "" {
		return nil, nil
	}
	value := v1alpha1.LabelValue(digits)
	// Alone, a selector would be compared with every order; so, others of the bucket are not copied.
	return orders(ctx, reader, key{label, namespace, value}, client.MatchingLabels{label: value})
}

func orders(
	ctx context.Context, reader client.Reader, wanted key, options ...client.ListOption,
) ([]v1alpha1.VeroOrder, error) {
	found := &v1alpha1.VeroOrderList{}
	err := listBucket(ctx, reader, wanted, found, options...)
	return having(found.Items, wanted, orderKey), err
}

func orderKey(order *v1alpha1.VeroOrder, by string) key {
	switch by {
	case byIssuer:
		return issuerKey(order.Spec.IssuerRef.Kind, order.Namespace, order.Spec.IssuerRef.Name)
	case byPublicKey:
		return key{by, order.Namespace, order.Spec.PublicKeyDigest}
	case byRetrievalID:
		return key{by: by, value: order.Status.RetrievalID}
	default:
		return key{by, order.Namespace, order.Labels[by]}
	}
}
