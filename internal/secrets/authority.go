package secrets

import (
	"context"
	"crypto/x509"
	"slices"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/pki"
)

// Authority is what the certificates of an authority without an API are checked with.
type Authority struct {
	// Trust leads to the anchors of spec.trust.
	Trust pki.Trust
	// Intermediates are those of spec.intermediates.
	Intermediates []*x509.Certificate
	// Names are the common names of all of them.
	Names []string
}

// ReadAuthority gets the bundles of an issuer whose certificates a person fetches. namespace is where its references
// resolve: its own, or the controller's for a cluster issuer. Errors are as those of ReadBundles.
func ReadAuthority(
	ctx context.Context, source client.Reader, spec *v1alpha1.ManualIssuerSpec, namespace string,
) (Authority, error) {
	anchors, err := ReadBundle(ctx, source, "spec.trust", &spec.Trust, namespace)
	if err != nil {
		return Authority{}, err
	}
	certificates := anchors.Certificates
	var between []*x509.Certificate
	if spec.Intermediates != nil {
		bundle, err := ReadBundle(ctx, source, "spec.intermediates", spec.Intermediates, namespace)
		if err != nil {
			return Authority{}, err
		}
		between = bundle.Certificates
	}
	trust, err := pki.NewTrust(certificates)
	if err != nil {
		return Authority{}, &BundleError{Field: "spec.trust", Err: err}
	}
	authority := Authority{Trust: trust, Intermediates: between}
	for _, certificate := range slices.Concat(certificates, between) {
		authority.Names = append(authority.Names, certificate.Subject.CommonName)
	}
	return authority, nil
}
