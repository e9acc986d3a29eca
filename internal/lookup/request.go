package lookup

import (
	"context"
	"fmt"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/pki"
)

// Indexes of cached CertificateRequests.
const (
	indexIssuer    = "varmenne.dev/issuer"
	indexPublicKey = "varmenne.dev/public-key"
)

// Index prepares a cache for RequestsOfIssuer and RequestsWithKey.
func Index(ctx context.Context, indexer client.FieldIndexer) error {
	if err := indexer.IndexField(ctx, &cmapi.CertificateRequest{}, indexIssuer, issuerIndex); err != nil {
		return fmt.Errorf("index CertificateRequests by issuer: %w", err)
	}
	if err := indexer.IndexField(ctx, &cmapi.CertificateRequest{}, indexPublicKey, publicKeyIndex); err != nil {
		return fmt.Errorf("index CertificateRequests by public key: %w", err)
	}
	return nil
}

// ConcernsUs is whether a CertificateRequest names one of our kinds.
func ConcernsUs(request *cmapi.CertificateRequest) bool {
	reference := request.Spec.IssuerRef
	return reference.Group == v1alpha1.GroupName && v1alpha1.NewIssuer(reference.Kind) != nil
}

// PublicKeyDigest is the digest of the key in a CertificateRequest, empty if it cannot be read.
func PublicKeyDigest(request *cmapi.CertificateRequest) string {
	csr, err := pki.ParseCertificateRequest(request.Spec.Request)
	if err != nil {
		return ""
	}
	digest, err := pki.PublicKeyDigest(csr.PublicKey)
	if err != nil {
		return ""
	}
	return digest
}

// RequestsWithKey lists the cached CertificateRequests of a namespace that bear a key.
func RequestsWithKey(
	ctx context.Context, reader client.Reader, namespace, publicKeyDigest string,
) ([]cmapi.CertificateRequest, error) {
	return list(ctx, reader, namespace, indexPublicKey, publicKeyDigest)
}

// RequestsOfIssuer lists the cached CertificateRequests that name an issuer.
func RequestsOfIssuer(
	ctx context.Context, reader client.Reader, issuer v1alpha1.Issuer,
) ([]cmapi.CertificateRequest, error) {
	return list(ctx, reader, issuer.GetNamespace(), indexIssuer, issuer.IssuerKind()+"/"+issuer.GetName())
}

func list(
	ctx context.Context, reader client.Reader, namespace, index, value string,
) ([]cmapi.CertificateRequest, error) {
	found := &cmapi.CertificateRequestList{}
	err := reader.List(ctx, found, client.InNamespace(namespace), client.MatchingFields{index: value})
	if err != nil {
		return nil, fmt.Errorf("list CertificateRequests by %s: %w", index, err)
	}
	return found.Items, nil
}

func issuerIndex(object client.Object) []string {
	request, ok := object.(*cmapi.CertificateRequest)
	if !ok || !ConcernsUs(request) {
		return nil
	}
	return []string{request.Spec.IssuerRef.Kind + "/" + request.Spec.IssuerRef.Name}
}

func publicKeyIndex(object client.Object) []string {
	request, ok := object.(*cmapi.CertificateRequest)
	if !ok || !ConcernsUs(request) {
		return nil
	}
	if digest := PublicKeyDigest(request); digest != "" {
		return []string{digest}
	}
	return nil
}
