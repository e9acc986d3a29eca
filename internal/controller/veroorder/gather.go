package veroorder

import (
	"context"
	"errors"
	"fmt"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/issuance"
	"github.com/varmenne/varmenne-issuer/internal/lookup"
	"github.com/varmenne/varmenne-issuer/internal/secrets"
	"github.com/varmenne/varmenne-issuer/internal/status"
)

// gathered is the snapshot for a decision, and what carrying it out needs beyond that. It lives as long as one
// reconcile: keys and passwords are never kept.
type gathered struct {
	issuance.Snapshot

	issuer   v1alpha1.Issuer
	bundles  *secrets.Bundles
	transfer secrets.Transfer
	identity *secrets.Identity
}

// gather reads the world once, all of it from the API server but the search for requests.
func (r *Reconciler) gather(ctx context.Context, order *v1alpha1.VeroOrder) (*gathered, error) {
	g := &gathered{Snapshot: issuance.Snapshot{Now: r.Clock.Now(), Order: order}}
	if order.Status.EndedAt != nil {
		return g, nil
	}
	if err := r.gatherIssuer(ctx, g); err != nil {
		return nil, err
	}
	if order.Status.Phase == v1alpha1.PhaseSubmitted || g.issuer == nil {
		g.Wanted = true
		return g, nil
	}
	request, err := r.requestFor(ctx, order)
	if err != nil {
		return nil, err
	}
	g.Wanted = request != nil
	switch {
	case request == nil:
		return g, nil
	case order.Spec.Operation == v1alpha1.OperationRenew:
		return g, r.gatherIdentity(ctx, g, request)
	default:
		return g, r.gatherTransfer(ctx, g)
	}
}

func (r *Reconciler) gatherIssuer(ctx context.Context, g *gathered) error {
	reference := g.Order.Spec.IssuerRef
	issuer, err := lookup.Issuer(ctx, r.Reader, reference.Kind, g.Order.Namespace, reference.Name)
	if err != nil {
		return err
	}
	g.issuer = issuer
	g.Issuer = lookup.Describe(reference.Kind, reference.Name, issuer, "")
	if issuer == nil {
		return nil
	}
	namespace := lookup.BundleNamespace(issuer, r.Namespace)
	bundles, err := secrets.ReadBundles(ctx, r.Reader, &issuer.IssuerSpec().Trust, namespace)
	var unusable *secrets.BundleError
	switch {
	case errors.As(err, &unusable):
		g.Issuer.Ready, g.Issuer.Message = false, unusable.Error()
		return nil
	case err != nil:
		return err
	}
	g.bundles, g.Issuer.TrustDigest = bundles, bundles.Digest()
	return nil
}

// requestFor is a CertificateRequest that waits for the order, nil if none does. The cache finds it; the API server
// says whether it is still there, since what is spent for a request that has just been deleted is lost.
func (r *Reconciler) requestFor(
	ctx context.Context, order *v1alpha1.VeroOrder,
) (*cmapi.CertificateRequest, error) {
	found, err := lookup.RequestsWithKey(ctx, r.Client, order.Namespace, order.Spec.PublicKeyDigest)
	if err != nil {
		return nil, err
	}
	for i := range found {
		request := &cmapi.CertificateRequest{}
		err := r.Reader.Get(ctx, client.ObjectKeyFromObject(&found[i]), request)
		if err != nil && !apierrors.IsNotFound(err) {
			return nil, fmt.Errorf("get CertificateRequest %s: %w", found[i].Name, err)
		}
		if err == nil && waitsFor(request, order) {
			return request, nil
		}
	}
	return nil, nil //nolint:nilnil // nobody waits: an answer, not a failure
}

func waitsFor(request *cmapi.CertificateRequest, order *v1alpha1.VeroOrder) bool {
	reference := request.Spec.IssuerRef
	return reference.Group == v1alpha1.GroupName && reference.Kind == order.Spec.IssuerRef.Kind &&
		reference.Name == order.Spec.IssuerRef.Name && request.DeletionTimestamp.IsZero() &&
		!status.IsFinal(request) && status.IsTrue(request, cmapi.CertificateRequestConditionApproved) &&
		!status.IsTrue(request, cmapi.CertificateRequestConditionDenied)
}

func (r *Reconciler) gatherTransfer(ctx context.Context, g *gathered) error {
	g.Transfer.SecretName = g.Order.Spec.Transfer.SecretName
	transfer, err := secrets.ReadTransfer(ctx, r.Reader,
		types.NamespacedName{Namespace: g.Order.Namespace, Name: g.Transfer.SecretName})
	var unusable *secrets.UnusableError
	switch {
	case errors.As(err, &unusable):
		g.Transfer.Problem = unusable.Error()
		return nil
	case err != nil:
		return err
	}
	g.transfer = transfer
	g.Transfer.IDDigest, g.Transfer.Fingerprint = transfer.IDDigest(), transfer.Fingerprint()
	return nil
}

// gatherIdentity reads the certificate that signs, once more through the Certificate that controls the request: an
// order that names a Secret is no permission to use the key in it.
func (r *Reconciler) gatherIdentity(ctx context.Context, g *gathered, request *cmapi.CertificateRequest) error {
	secretName, err := secrets.SecretOf(ctx, r.Reader, request)
	if err != nil {
		return err
	}
	if secretName != g.Order.Spec.Renewal.SecretName {
		g.Current.Problem = fmt.Sprintf("Secret %s is not that of the Certificate behind CertificateRequest %s",
			g.Order.Spec.Renewal.SecretName, request.Name)
		return nil
	}
	identity, err := secrets.ReadIdentity(ctx, r.Reader,
		types.NamespacedName{Namespace: g.Order.Namespace, Name: secretName})
	if err != nil {
		return err
	}
	g.Current = issuance.Current{SecretName: secretName, Problem: identity.Problem}
	if identity.Leaf == nil || g.bundles == nil {
		return nil
	}
	g.identity = identity
	g.Current = issuance.Examine(
		secretName, identity.Leaf, "", g.Order.Spec.CustomerID, g.bundles.Issuance, g.Now)
	return nil
}
