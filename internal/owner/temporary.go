package owner

import (
	"context"
	"crypto/x509"
	"encoding/pem"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/internal/kube/access"
	"github.com/varmenne/varmenne-issuer/internal/pki"
)

// HoldsTemporary reports whether the Secret of a Certificate holds no more than a temporary certificate of
// cert-manager. Of the Secret nothing but the certificate is looked at. One that cannot be read holds none for all that
// is known: whoever depends on it is rather warned without need than not at all.
func HoldsTemporary(ctx context.Context, reader client.Reader, certificate *cmapi.Certificate) bool {
	name := types.NamespacedName{Namespace: certificate.Namespace, Name: certificate.Spec.SecretName}
	secret := &corev1.Secret{}
	if !access.IsName(name.Name) || reader.Get(ctx, name, secret) != nil {
		return false
	}
	block, _ := pem.Decode(secret.Data[corev1.TLSCertKey])
	if block == nil {
		return false
	}
	leaf, err := x509.ParseCertificate(block.Bytes)
	return err == nil && pki.IsTemporary(leaf)
}
