package lookup

import (
	"context"
	"fmt"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
)

// OrdersWithLabel lists the cached VeroOrders of a namespace whose label is what v1alpha1.LabelValue makes of digits.
// Without digits there are none.
func OrdersWithLabel(
	ctx context.Context, reader client.Reader, namespace, label, digits string,
) ([]v1alpha1.VeroOrder, error) {
	if digits == "" {
		return nil, nil
	}
	found := &v1alpha1.VeroOrderList{}
	selector := client.MatchingLabels{label: v1alpha1.LabelValue(digits)}
	if err := reader.List(ctx, found, client.InNamespace(namespace), selector); err != nil {
		return nil, fmt.Errorf("list VeroOrders by %s: %w", label, err)
	}
	return found.Items, nil
}
