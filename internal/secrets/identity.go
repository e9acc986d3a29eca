package secrets

import (
	"bytes"
	"context"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Identity is the certificate in a Certificate's Secret, with its key. It prints as [redacted].
type Identity struct {
	// SecretName is the Secret it came from, in the namespace of the Certificate.
	SecretName string
	// Leaf is the certificate; nil when the Secret holds none that can be used, and then Problem says why.
	Leaf    *x509.Certificate
	Problem string

	key crypto.Signer
}

// Key signs in the certificate's name; nil when Leaf is.
func (i *Identity) Key() crypto.Signer { return i.key }

// String is [redacted].
func (*Identity) String() string { return "[redacted]" }

// GoString is [redacted].
func (*Identity) GoString() string { return "[redacted]" }

// MarshalText is [redacted], for encoders of every kind.
func (*Identity) MarshalText() ([]byte, error) { return []byte("[redacted]"), nil }

// LogValue is [redacted].
func (*Identity) LogValue() slog.Value { return slog.StringValue("[redacted]") }

// SecretOf is the name of the Secret that belongs to the Certificate which controls a CertificateRequest, empty if
// no Certificate does. This is a security boundary: the way leads through the controller ownerReference, by UID,
// which only cert-manager's own rights can set on an object that they guard with the Certificate; an annotation that
// claims a Certificate is no permission to sign with its key.
func SecretOf(ctx context.Context, reader client.Reader, request *cmapi.CertificateRequest) (string, error) {
	owner := metav1.GetControllerOf(request)
	if owner == nil || owner.Kind != cmapi.CertificateKind ||
		owner.APIVersion != cmapi.SchemeGroupVersion.String() {
		return "", nil
	}
	certificate := &cmapi.Certificate{}
	name := types.NamespacedName{Namespace: request.Namespace, Name: owner.Name}
	switch err := reader.Get(ctx, name, certificate); {
	case apierrors.IsNotFound(err):
		return "", nil
	case err != nil:
		return "", fmt.Errorf("get Certificate %s that controls CertificateRequest %s: %w", name, request.Name, err)
	case certificate.UID != owner.UID:
		return "", nil
	default:
		return certificate.Spec.SecretName, nil
	}
}

// ReadIdentity gets certificate and key from a Secret. A Secret that is missing, incomplete or does not fit together
// comes as an Identity without Leaf; an error is the API server's.
func ReadIdentity(ctx context.Context, reader client.Reader, name types.NamespacedName) (*Identity, error) {
	identity := &Identity{SecretName: name.Name}
	secret := &corev1.Secret{}
	switch err := reader.Get(ctx, name, secret); {
	case apierrors.IsNotFound(err):
		identity.Problem = fmt.Sprintf("Secret %s does not exist", name)
		return identity, nil
	case err != nil:
		return nil, fmt.Errorf("get Secret %s with the current certificate: %w", name, err)
	}
	certificate, key := secret.Data[corev1.TLSCertKey], secret.Data[corev1.TLSPrivateKeyKey]
	if len(bytes.TrimSpace(certificate)) == 0 || len(bytes.TrimSpace(key)) == 0 {
		identity.Problem = fmt.Sprintf("Secret %s holds no certificate with its key", name)
		return identity, nil
	}
	// The error of X509KeyPair may describe the key's encoding; it says nothing that a reader could act on.
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		identity.Problem = fmt.Sprintf("Secret %s holds a certificate and a key that do not fit together", name)
		return identity, nil
	}
	signer, ok := pair.PrivateKey.(crypto.Signer)
	if !ok {
		identity.Problem = fmt.Sprintf("Secret %s holds a key that cannot sign", name)
		return identity, nil
	}
	identity.Leaf, identity.key = pair.Leaf, signer
	return identity, nil
}
