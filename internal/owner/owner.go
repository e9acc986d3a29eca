package owner

import (
	"context"
	"crypto"
	"fmt"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/internal/kube/access"
	"github.com/varmenne/varmenne-issuer/internal/pki"
)

// Owner is what stands behind a CertificateRequest.
type Owner struct {
	// Certificate controls the request and has the request's private key in preparation; nil if none does.
	Certificate *cmapi.Certificate
	// Problem says why nothing may be spent on the request for the time being: it says that it belongs to a
	// Certificate, and that one is gone or wants another key certified. Empty if nothing speaks against it, which is
	// also so for a request that belongs to nobody.
	Problem string
}

// Of finds the Certificate that a CertificateRequest was made for. This is a security boundary: the owner's
// private key signs renewals.
//
// Everybody who may create CertificateRequests can write any ownerReference into one, with the right UID, too; without
// more proof, a key of theirs would get a certificate that somebody else's key has signed for. So the Certificate has
// to vouch for the request: cert-manager keeps the private key that is to be certified in a Secret of its own until the
// issuance has ended, and names it in status.nextPrivateKeySecretName, with every rotationPolicy. Its public key must
// be the request's, and both must name the same issuer.
//
// The same proof saves money. A request whose private key is not in preparation any more (Certificate deleted, key
// regenerated, request left behind) can be satisfied, but nobody could use the certificate.
func Of(ctx context.Context, reader client.Reader, request *cmapi.CertificateRequest) (Owner, error) {
	reference := controllingCertificate(request)
	if orphan := request.Annotations[cmapi.CertificateNameKey]; reference == nil && orphan != "" {
		return orphaned(types.NamespacedName{Namespace: request.Namespace, Name: orphan}), nil
	}
	csr, err := pki.ParseCertificateRequest(request.Spec.Request)
	if reference == nil || err != nil {
		return Owner{}, nil //nolint:nilerr // a request that cannot be read is refused for that; it has no key to prove
	}
	name := types.NamespacedName{Namespace: request.Namespace, Name: reference.Name}
	certificate, err := get(ctx, reader, request, name)
	switch {
	case err != nil:
		return Owner{}, err
	case certificate == nil:
		return unproven(name, "does not exist any more"), nil
	case certificate.UID != reference.UID:
		return unproven(name, "is not the one that the request was made for"), nil
	case !certificate.DeletionTimestamp.IsZero():
		return unproven(name, "is being deleted"), nil
	case certificate.Spec.IssuerRef != request.Spec.IssuerRef:
		return unproven(name, "names another issuer by now"), nil
	}
	problem, err := checkNextPrivateKey(ctx, reader, certificate, csr.PublicKey)
	switch {
	case err != nil:
		return Owner{}, err
	case problem != "":
		return unproven(name, problem), nil
	default:
		return Owner{Certificate: certificate}, nil
	}
}

// ControllerOf is the Certificate that a CertificateRequest says it was made for, nil if there is none. It is no proof,
// and good for telling somebody about the request only.
func ControllerOf(
	ctx context.Context, reader client.Reader, request *cmapi.CertificateRequest,
) (*cmapi.Certificate, error) {
	reference := controllingCertificate(request)
	if reference == nil {
		return nil, nil //nolint:nilnil // there is none, as documented
	}
	name := types.NamespacedName{Namespace: request.Namespace, Name: reference.Name}
	certificate, err := get(ctx, reader, request, name)
	if err != nil || certificate == nil || certificate.UID != reference.UID {
		return nil, err
	}
	return certificate, nil
}

// get reads a Certificate, nil if it does not exist.
func get(
	ctx context.Context, reader client.Reader, request *cmapi.CertificateRequest, name types.NamespacedName,
) (*cmapi.Certificate, error) {
	certificate := &cmapi.Certificate{}
	switch err := reader.Get(ctx, name, certificate); {
	case apierrors.IsNotFound(err):
		return nil, nil //nolint:nilnil // there is none, as documented
	case err != nil:
		return nil, access.Error("Certificate", name, "that controls CertificateRequest "+request.Name, err)
	default:
		certificate.ManagedFields = nil // half of it, and it may be kept for seconds
		return certificate, nil
	}
}

// SecretName is where the Certificate keeps its certificate and key, empty if there is no Certificate.
func (o Owner) SecretName() string {
	if o.Certificate == nil {
		return ""
	}
	return o.Certificate.Spec.SecretName
}

// RenewBefore is how long before its end the Certificate wants to be renewed, zero if it does not say; and whether it
// says so as a percentage of the life of the certificate in use.
func (o Owner) RenewBefore() (before time.Duration, percentage bool) {
	if o.Certificate == nil {
		return 0, false
	}
	spec, status := &o.Certificate.Spec, &o.Certificate.Status
	if spec.RenewBeforePercentage == nil {
		return ptr.Deref(spec.RenewBefore, metav1.Duration{}).Duration, false
	}
	if status.NotBefore == nil || status.NotAfter == nil {
		return 0, true
	}
	const whole = 100
	life := status.NotAfter.Sub(status.NotBefore.Time)
	return life / whole * time.Duration(*spec.RenewBeforePercentage), true
}

// controllingCertificate is the controller ownerReference of a request if it is a Certificate of cert-manager, of
// whatever version.
func controllingCertificate(request *cmapi.CertificateRequest) *metav1.OwnerReference {
	reference := metav1.GetControllerOf(request)
	if reference == nil || reference.Kind != cmapi.CertificateKind || !access.IsName(reference.Name) {
		return nil
	}
	version, err := schema.ParseGroupVersion(reference.APIVersion)
	if err != nil || version.Group != cmapi.SchemeGroupVersion.Group {
		return nil
	}
	return reference
}

// orphaned is a request that cert-manager has made for a Certificate, and that has lost its owner: a restore from a
// backup does that. To serve it as the request of somebody without a Certificate would spend credentials on a key that
// nobody waits for any more.
func orphaned(certificate types.NamespacedName) Owner {
	return Owner{Problem: fmt.Sprintf("nothing is sent for this request, because it was made for Certificate %s, which "+
		"does not control it any more, as after a restore from a backup: delete it, and cert-manager makes another one",
		certificate)}
}

func unproven(certificate types.NamespacedName, problem string) Owner {
	return Owner{Problem: fmt.Sprintf("nothing is sent for this request, because Certificate %s, which controls it, %s; "+
		"cert-manager makes another request if one is needed, else delete this one", certificate, problem)}
}

// checkNextPrivateKey says what keeps a Certificate from vouching for a public key, empty if nothing does.
func checkNextPrivateKey(
	ctx context.Context, reader client.Reader, certificate *cmapi.Certificate, publicKey crypto.PublicKey,
) (problem string, err error) {
	staged := certificate.Status.NextPrivateKeySecretName
	if staged == nil || !access.IsName(*staged) {
		return "has no private key in preparation", nil
	}
	name := types.NamespacedName{Namespace: certificate.Namespace, Name: *staged}
	secret := &corev1.Secret{}
	switch err := reader.Get(ctx, name, secret); {
	case apierrors.IsNotFound(err):
		return fmt.Sprintf("has its next private key in Secret %s, which does not exist", *staged), nil
	case err != nil:
		return "", access.Error("Secret", name, "with the next private key of Certificate "+certificate.Name, err)
	case !metav1.IsControlledBy(secret, certificate) || secret.Labels[cmapi.IsNextPrivateKeySecretLabelKey] != "true":
		return fmt.Sprintf("has its next private key in Secret %s, which cert-manager has not made for it", *staged), nil
	}
	if !pki.IsKeyOf(pki.PrivateKey(secret.Data[corev1.TLSPrivateKeyKey]), publicKey) {
		return fmt.Sprintf("has another private key in preparation, in Secret %s, than the request's", *staged), nil
	}
	return "", nil
}
