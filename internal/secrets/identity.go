package secrets

import (
	"bytes"
	"context"
	"crypto"
	"crypto/x509"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/internal/kube/access"
	"github.com/varmenne/varmenne-issuer/internal/pki"
	"github.com/varmenne/varmenne-issuer/internal/sensitive"
)

// Identity is the certificate in a Certificate's Secret, with its key. It prints as [redacted].
type Identity struct {
	sensitive.Redaction

	// SecretName is the Secret it came from, in the namespace of the Certificate.
	SecretName string
	// Leaf is the certificate; nil when the Secret holds none that can be used, and then Problem says why.
	Leaf    *x509.Certificate
	Problem string
	// Absent reports whether there is no certificate yet, which is what a first issuance finds.
	Absent bool
	// Unreadable reports whether cert-manager does not read the Secret, though we do: it takes plain PEM only, and the
	// certificate of the key first.
	Unreadable bool
	// Issuer is the one that cert-manager takes the certificate for one of.
	Issuer NotedIssuer

	key crypto.Signer
}

// Key signs in the certificate's name; nil when Leaf is.
func (i *Identity) Key() crypto.Signer { return i.key }

// ReadIdentity gets certificate and key from a Secret. A Secret that is missing, incomplete or does not fit together
// comes as an Identity without Leaf; an error is the API server's.
func ReadIdentity(ctx context.Context, reader client.Reader, name types.NamespacedName) (*Identity, error) {
	identity := &Identity{SecretName: name.Name}
	secret := &corev1.Secret{}
	switch err := reader.Get(ctx, name, secret); {
	case apierrors.IsNotFound(err):
		identity.Problem, identity.Absent = fmt.Sprintf("Secret %s does not exist", name), true
		return identity, nil
	case err != nil:
		return nil, access.Error("Secret", name, "with the current certificate", err)
	}
	identity.Issuer = notedIssuer(secret)
	certificate, key := secret.Data[corev1.TLSCertKey], secret.Data[corev1.TLSPrivateKeyKey]
	if len(bytes.TrimSpace(certificate)) == 0 || len(bytes.TrimSpace(key)) == 0 {
		identity.Problem, identity.Absent = fmt.Sprintf("Secret %s holds no certificate with its key", name), true
		return identity, nil
	}
	readable, readableKey := pki.Readable(certificate), pki.Readable(key)
	leaf, signer, problem := pair(readable, readableKey)
	if problem != "" {
		identity.Problem = fmt.Sprintf("Secret %s %s", name, problem)
		return identity, nil
	}
	identity.Leaf, identity.key = leaf, signer
	plain := bytes.Equal(readable, certificate) && bytes.Equal(readableKey, key)
	identity.Unreadable = !plain || !leads(certificate, signer)
	return identity, nil
}
