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
	for _, index := range []struct {
		object client.Object
		name   string
		of     client.IndexerFunc
	}{
		{&cmapi.CertificateRequest{}, indexIssuer, issuerIndex},
		{&cmapi.CertificateRequest{}, indexPublicKey, publicKeyIndex},
		{&v1alpha1.VeroOrder{}, indexOrderIssuer, orderIndex(orderIssuer)},
		{&v1alpha1.VeroOrder{}, indexOrderPublicKey, orderIndex(orderPublicKey)},
		{&v1alpha1.VeroOrder{}, indexRetrievalID, orderIndex(orderRetrievalID)},
		{&v1alpha1.VeroOrder{}, indexCertificate, orderIndex(orderCertificate)},
	} {
		if err := indexer.IndexField(ctx, index.object, index.name, index.of); err != nil {
			return fmt.Errorf("index %T by %s: %w", index.object, index.name, err)
		}
	}
	return nil
}
