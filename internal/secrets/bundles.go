package secrets

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/kube/access"
	"github.com/varmenne/varmenne-issuer/internal/pki"
)

// Bundles are the trust anchors of an issuer, as they are now.
type Bundles struct {
	// TLS verifies the service's server certificate; none where the issuer relies on the system's roots.
	TLS []*x509.Certificate
	// Responses verifies signatures of responses, Issuance issued certificates.
	Responses, Issuance pki.Trust
	// Skipped says which certificates in the bundles are not used, because they cannot be read; none mostly.
	Skipped []string

	digest string
}

// Digest changes when any of the bundles does.
func (b *Bundles) Digest() string {
	if b.digest != "" {
		return b.digest
	}
	digest := sha256.New()
	for _, certificate := range b.TLS {
		digest.Write(certificate.Raw)
	}
	digest.Write([]byte("/" + b.Responses.Digest() + "/" + b.Issuance.Digest()))
	return hex.EncodeToString(digest.Sum(nil))
}

// BundleError says which bundle of an issuer cannot be used and why.
type BundleError struct {
	// Field is the path in the issuer's spec.
	Field string
	// Missing reports whether the object or key that the field names does not exist, or may not be read.
	Missing bool
	// Err is the cause.
	Err error
}

func (e *BundleError) Error() string { return fmt.Sprintf("%s: %v", e.Field, e.Err) }

// Unwrap is the cause.
func (e *BundleError) Unwrap() error { return e.Err }

// BundleNamespace is where the references of an issuer's bundles resolve: its own namespace, or that of the
// controller for a cluster issuer.
func BundleNamespace(issuer v1alpha1.GenericIssuer, controllerNamespace string) string {
	if v1alpha1.IsClusterKind(issuer.IssuerKind()) {
		return controllerNamespace
	}
	return issuer.GetNamespace()
}

// readers bounds how many issuers' bundles are read at once. Three of 1 MiB take some 30 MB on the way, and whoever may
// create issuers can have every worker read theirs; a usual one takes milliseconds.
//
//nolint:gochecknoglobals // it is the memory of the process that is bounded
var readers = make(chan struct{}, 4)

// ReadBundles gets the bundles of an issuer. namespace is where its references resolve: its own, or the controller's
// for a cluster issuer. What is missing or unusable comes as *BundleError; any other error is the API server's, or that
// of the context. A few are read at once; others wait.
func ReadBundles(
	ctx context.Context, source client.Reader, trust *v1alpha1.VeroTrust, namespace string,
) (*Bundles, error) {
	select {
	case readers <- struct{}{}:
		defer func() { <-readers }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	reader := &onceReader{Reader: source, read: map[string]client.Object{}}
	bundles := &Bundles{}
	var err error
	if trust.TLS != nil {
		if bundles.TLS, err = bundles.read(ctx, reader, "spec.trust.tls", trust.TLS, namespace); err != nil {
			return nil, err
		}
	}
	if bundles.Responses, err = bundles.readTrust(
		ctx, reader, "spec.trust.responses", &trust.Responses, namespace); err != nil {
		return nil, err
	}
	if bundles.Issuance, err = bundles.readTrust(
		ctx, reader, "spec.trust.issuance", &trust.Issuance, namespace); err != nil {
		return nil, err
	}
	bundles.digest = bundles.Digest()
	return bundles, nil
}

// ReadBundle gets one bundle that a field of an issuer's spec names, as ReadBundles does.
func ReadBundle(
	ctx context.Context, source client.Reader, field string, from *v1alpha1.BundleSource, namespace string,
) (pki.Bundle, error) {
	select {
	case readers <- struct{}{}:
		defer func() { <-readers }()
	case <-ctx.Done():
		return pki.Bundle{}, ctx.Err()
	}
	reader := &onceReader{Reader: source, read: map[string]client.Object{}}
	data, err := readBundle(ctx, reader, field, from, namespace)
	if err != nil {
		return pki.Bundle{}, err
	}
	bundle, err := pki.ParseBundle(data)
	if err != nil {
		return pki.Bundle{}, &BundleError{Field: field, Err: err}
	}
	return bundle, nil
}

func (b *Bundles) readTrust(
	ctx context.Context, reader *onceReader, field string, source *v1alpha1.BundleSource, namespace string,
) (pki.Trust, error) {
	certificates, err := b.read(ctx, reader, field, source, namespace)
	if err != nil {
		return pki.Trust{}, err
	}
	trust, err := pki.NewTrust(certificates)
	if err != nil {
		return pki.Trust{}, &BundleError{Field: field, Err: err}
	}
	return trust, nil
}

// read returns the certificates of one bundle, and notes which are skipped.
func (b *Bundles) read(
	ctx context.Context, reader *onceReader, field string, source *v1alpha1.BundleSource, namespace string,
) ([]*x509.Certificate, error) {
	data, err := readBundle(ctx, reader, field, source, namespace)
	if err != nil {
		return nil, err
	}
	bundle, err := pki.ParseBundle(data)
	if err != nil {
		return nil, &BundleError{Field: field, Err: err}
	}
	for _, skipped := range bundle.Skipped {
		b.Skipped = append(b.Skipped, field+": "+skipped)
	}
	return bundle.Certificates, nil
}

func readBundle(
	ctx context.Context, reader *onceReader, field string, source *v1alpha1.BundleSource, namespace string,
) ([]byte, error) {
	switch {
	case source.ConfigMapKeyRef != nil:
		from := where{field + ".configMapKeyRef", "ConfigMap", namespace, source.ConfigMapKeyRef}
		configMap, err := readOnce(ctx, reader, from, &corev1.ConfigMap{})
		if err != nil {
			return nil, err
		}
		if text, found := configMap.Data[source.ConfigMapKeyRef.KeyOrDefault()]; found {
			return []byte(text), nil
		}
		return from.value(configMap.BinaryData)
	case source.SecretKeyRef != nil:
		from := where{field + ".secretKeyRef", "Secret", namespace, source.SecretKeyRef}
		secret, err := readOnce(ctx, reader, from, &corev1.Secret{})
		if err != nil {
			return nil, err
		}
		return from.value(secret.Data)
	default:
		return source.CABundle, nil
	}
}

// ReadValue gets the value of the key that a field of an object in a namespace names. What is missing comes as
// *BundleError; any other error is the API server's.
func ReadValue(
	ctx context.Context, source client.Reader, field string, from *v1alpha1.CertificateSource, namespace string,
) ([]byte, error) {
	bundle := &v1alpha1.BundleSource{}
	if reference := from.ConfigMapKeyRef; reference != nil {
		bundle.ConfigMapKeyRef = &v1alpha1.BundleReference{Name: reference.Name, Key: reference.Key}
	}
	if reference := from.SecretKeyRef; reference != nil {
		bundle.SecretKeyRef = &v1alpha1.BundleReference{Name: reference.Name, Key: reference.Key}
	}
	reader := &onceReader{Reader: source, read: map[string]client.Object{}}
	return readBundle(ctx, reader, field, bundle, namespace)
}

// onceReader reads every object once: most issuers have their three bundles in one ConfigMap.
type onceReader struct {
	client.Reader

	read map[string]client.Object
}

func readOnce[T client.Object](ctx context.Context, reader *onceReader, from where, object T) (T, error) {
	if known, found := reader.read[from.String()].(T); found {
		return known, nil
	}
	err := from.get(ctx, reader, object)
	if err == nil {
		reader.read[from.String()] = object
	}
	return object, err
}

// where is what a reference names, and the field that holds it.
type where struct {
	field, kind, namespace string
	reference              *v1alpha1.BundleReference
}

func (w where) String() string { return fmt.Sprintf("%s %s/%s", w.kind, w.namespace, w.reference.Name) }

// missing says that there is nothing to be read there.
func (w where) missing(format string, arguments ...any) error {
	return &BundleError{Field: w.field, Missing: true, Err: fmt.Errorf("%s %s", w, fmt.Sprintf(format, arguments...))}
}

func (w where) get(ctx context.Context, reader client.Reader, object client.Object) error {
	if !access.IsName(w.reference.Name) {
		return w.missing("cannot exist, because that is no name of a %s: correct it", w.kind)
	}
	name := types.NamespacedName{Namespace: w.namespace, Name: w.reference.Name}
	switch err := reader.Get(ctx, name, object); {
	case apierrors.IsNotFound(err):
		return w.missing("does not exist: create it with the key %s", w.reference.KeyOrDefault())
	case apierrors.IsForbidden(err):
		return w.missing("%s", access.NotAllowed(w.kind, w.namespace))
	case err != nil:
		return fmt.Errorf("get %s that %s names: %w", w, w.field, err)
	default:
		return nil
	}
}

func (w where) value(data map[string][]byte) ([]byte, error) {
	if value, found := data[w.reference.KeyOrDefault()]; found {
		return value, nil
	}
	return nil, w.missing("has no key %s: add it, or name another key", w.reference.KeyOrDefault())
}
