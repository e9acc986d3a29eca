package find

import (
	"context"
	"fmt"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/kube/outline"
)

// Index prepares a cache for the functions that find CertificateRequests and VeroOrders by what they hold.
func Index(ctx context.Context, indexer client.FieldIndexer) error {
	byLabel := make([]index, 0, len(labels()))
	for _, label := range labels() {
		byLabel = append(byLabel, index{&v1alpha1.VeroOrder{}, labelIndex(label), orderIndex(orderLabel(label))})
	}
	return addIndexes(ctx, indexer, append(byLabel, []index{
		{&outline.CertificateRequest{}, indexIssuer, issuerIndex},
		{&outline.CertificateRequest{}, indexPublicKey, publicKeyIndex},
		{&v1alpha1.VeroOrder{}, indexOrderIssuer, orderIndex(orderIssuer)},
		{&v1alpha1.VeroOrder{}, indexOrderPublicKey, orderIndex(orderPublicKey)},
		{&v1alpha1.VeroOrder{}, indexRetrievalID, orderIndex(orderRetrievalID)},
		{&v1alpha1.VeroOrder{}, indexCertificate, orderIndex(orderCertificate)},
	}...))
}

// IndexManual prepares a cache for what finds ManualOrders.
func IndexManual(ctx context.Context, indexer client.FieldIndexer) error {
	return addIndexes(ctx, indexer, []index{
		{&outline.ManualOrder{}, indexManualIssuer, manualIndex(manualIssuer)},
		{&outline.ManualOrder{}, indexManualPublicKey, manualIndex(manualPublicKey)},
	})
}

// index of cached objects of a kind.
type index struct {
	object client.Object
	name   string
	of     client.IndexerFunc
}

func addIndexes(ctx context.Context, indexer client.FieldIndexer, indexes []index) error {
	for _, index := range indexes {
		if err := indexer.IndexField(ctx, index.object, index.name, index.of); err != nil {
			return fmt.Errorf("index %T by %s: %w", index.object, index.name, err)
		}
	}
	return nil
}
