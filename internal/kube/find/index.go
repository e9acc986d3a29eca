package find

import (
	"context"
	"fmt"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
)

// Index prepares a cache for the functions that find CertificateRequests and VeroOrders by what they hold.
func Index(ctx context.Context, indexer client.FieldIndexer) error {
	return addIndexes(ctx, indexer, []index{
		{&cmapi.CertificateRequest{}, indexIssuer, issuerIndex},
		{&cmapi.CertificateRequest{}, indexPublicKey, publicKeyIndex},
		{&v1alpha1.VeroOrder{}, indexOrderIssuer, orderIndex(orderIssuer)},
		{&v1alpha1.VeroOrder{}, indexOrderPublicKey, orderIndex(orderPublicKey)},
		{&v1alpha1.VeroOrder{}, indexRetrievalID, orderIndex(orderRetrievalID)},
		{&v1alpha1.VeroOrder{}, indexCertificate, orderIndex(orderCertificate)},
	})
}

// IndexManual prepares a cache for what finds ManualOrders.
func IndexManual(ctx context.Context, indexer client.FieldIndexer) error {
	return addIndexes(ctx, indexer, []index{
		{&v1alpha1.ManualOrder{}, indexManualIssuer, manualIndex(manualIssuer)},
		{&v1alpha1.ManualOrder{}, indexManualPublicKey, manualIndex(manualPublicKey)},
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
