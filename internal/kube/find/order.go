package find

import (
	"context"
	"fmt"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/vero/facts"
)

// Indexes of cached VeroOrders.
const (
	indexOrderIssuer    = "varmenne.dev/order-issuer"
	indexOrderPublicKey = "varmenne.dev/order-public-key"
	indexRetrievalID    = "varmenne.dev/retrieval-id"
	indexCertificate    = "varmenne.dev/certificate"
)

// OrdersOfIssuer lists the cached VeroOrders that name an issuer. They belong to the cache, and are to be looked at
// only; so it is with the lists of the functions below.
func OrdersOfIssuer(
	ctx context.Context, reader client.Reader, issuer v1alpha1.GenericVeroIssuer,
) ([]v1alpha1.VeroOrder, error) {
	return listOrders(ctx, reader, issuer.GetNamespace(), indexOrderIssuer, issuer.IssuerKind()+"/"+issuer.GetName())
}

// OrdersWithKey lists the cached VeroOrders of a namespace that are for a public key and have not ended.
func OrdersWithKey(
	ctx context.Context, reader client.Reader, namespace, publicKeyDigest string,
) ([]v1alpha1.VeroOrder, error) {
	return listOrders(ctx, reader, namespace, indexOrderPublicKey, publicKeyDigest)
}

// OrdersWithRetrievalID lists the cached VeroOrders of all namespaces that have a RetrievalId.
func OrdersWithRetrievalID(ctx context.Context, reader client.Reader, id string) ([]v1alpha1.VeroOrder, error) {
	return listOrders(ctx, reader, "", indexRetrievalID, id)
}

// OrdersWithCertificate lists the cached VeroOrders of a namespace that are for a public key and have borne the
// certificate with a serial number, as facts.SerialNumber writes it.
func OrdersWithCertificate(
	ctx context.Context, reader client.Reader, namespace, publicKeyDigest, serialNumber string,
) ([]v1alpha1.VeroOrder, error) {
	return listOrders(ctx, reader, namespace, indexCertificate, publicKeyDigest+"/"+serialNumber)
}

func listOrders(
	ctx context.Context, reader client.Reader, namespace, index, value string,
) ([]v1alpha1.VeroOrder, error) {
	found := &v1alpha1.VeroOrderList{}
	err := reader.List(ctx, found, client.InNamespace(namespace), client.MatchingFields{index: value},
		client.UnsafeDisableDeepCopy)
	if err != nil {
		return nil, fmt.Errorf("list VeroOrders by %s: %w", index, err)
	}
	return found.Items, nil
}

// orderIndex makes an index of what an order tells; empty for nothing.
func orderIndex(value func(*v1alpha1.VeroOrder) string) client.IndexerFunc {
	return func(object client.Object) []string {
		order, ok := object.(*v1alpha1.VeroOrder)
		if !ok {
			return nil
		}
		if found := value(order); found != "" {
			return []string{found}
		}
		return nil
	}
}

func orderIssuer(order *v1alpha1.VeroOrder) string {
	return order.Spec.IssuerRef.Kind + "/" + order.Spec.IssuerRef.Name
}

// orderPublicKey is the key of an order that may be waited for. An index takes more memory than the key, and thousands
// that have ended are kept.
func orderPublicKey(order *v1alpha1.VeroOrder) string {
	if order.Status.CompletionTime != nil {
		return ""
	}
	return order.Spec.PublicKeyDigest
}

func orderRetrievalID(order *v1alpha1.VeroOrder) string { return order.Status.RetrievalID }

func orderCertificate(order *v1alpha1.VeroOrder) string {
	leaf, err := facts.Leaf(order)
	if err != nil {
		return ""
	}
	return order.Spec.PublicKeyDigest + "/" + facts.SerialNumber(leaf)
}

// OrdersWithLabel lists the cached VeroOrders of a namespace whose label, one of labels, is what v1alpha1.LabelValue
// makes of digits. Without digits there are none.
func OrdersWithLabel(
	ctx context.Context, reader client.Reader, namespace, label, digits string,
) ([]v1alpha1.VeroOrder, error) {
	if digits == "" {
		return nil, nil
	}
	return listOrders(ctx, reader, namespace, labelIndex(label), v1alpha1.LabelValue(digits))
}

// labels are those by which orders are found. A selector would be compared with every order of the namespace.
func labels() []string {
	return []string{v1alpha1.LabelPublicKey, v1alpha1.LabelTransferID, v1alpha1.LabelRenews}
}

// labelIndex is the name of the index of a label. The label is what counts, not what it was made from: where somebody
// has taken it away, the order is not found, and a request says so.
func labelIndex(label string) string { return "label/" + label }

func orderLabel(label string) func(*v1alpha1.VeroOrder) string {
	return func(order *v1alpha1.VeroOrder) string { return order.Labels[label] }
}
