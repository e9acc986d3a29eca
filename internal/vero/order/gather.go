package order

import (
	"context"
	"errors"
	"fmt"
	"slices"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/kube/find"
	"github.com/varmenne/varmenne-issuer/internal/kube/status"
	"github.com/varmenne/varmenne-issuer/internal/limiter"
	"github.com/varmenne/varmenne-issuer/internal/owner"
	"github.com/varmenne/varmenne-issuer/internal/pki"
	"github.com/varmenne/varmenne-issuer/internal/secrets"
	"github.com/varmenne/varmenne-issuer/internal/vero/facts"
	"github.com/varmenne/varmenne-issuer/internal/vero/orderstate"
	"github.com/varmenne/varmenne-issuer/internal/vero/plan"
)

// gathered is the snapshot for a decision, and what carrying it out needs beyond that. It lives as long as one
// reconcile: keys and passwords are never kept.
type gathered struct {
	orderstate.Snapshot

	issuer   v1alpha1.GenericVeroIssuer
	bundles  *secrets.Bundles
	transfer secrets.Transfer
	identity *secrets.Identity
	// own: this process has made the order, and has not sent it.
	own bool
	// slot is what the call is made in, nil where none is made.
	slot *limiter.Taken
}

// gather reads what shows whether an order can make a call now: its issuer, from the cache, since a call says by its
// generation which one it was made with. gatherAuthorization reads the rest.
func (r *Reconciler) gather(ctx context.Context, order *v1alpha1.VeroOrder) (*gathered, error) {
	g := &gathered{Snapshot: orderstate.Snapshot{Now: r.Clock.Now(), Order: order}}
	switch order.Status.State {
	case v1alpha1.VeroOrderIssued, v1alpha1.VeroOrderFailed:
		return g, nil
	default: // also one that has ended once, and that a person has brought back
		return g, r.gatherIssuer(ctx, g)
	}
}

// gatherAuthorization reads from the API server what a submission spends, and who waits for it.
func (r *Reconciler) gatherAuthorization(ctx context.Context, g *gathered) error {
	switch g.Order.Status.State {
	case v1alpha1.VeroOrderIssued, v1alpha1.VeroOrderFailed, v1alpha1.VeroOrderSubmitted:
		return nil
	default:
	}
	waiting, err := r.waiting(ctx, g.Order)
	if err != nil || len(waiting) == 0 || g.issuer == nil {
		g.Wanted = len(waiting) > 0
		return err
	}
	g.Wanted = true
	switch {
	case g.Order.Spec.Renewal != nil:
		return r.gatherRenewal(ctx, g, waiting)
	case g.NeedsCredentials():
		return r.gatherTransfer(ctx, g, waiting)
	default:
		return nil
	}
}

func (r *Reconciler) gatherIssuer(ctx context.Context, g *gathered) error {
	reference := g.Order.Spec.IssuerRef
	issuer, err := find.Issuer(ctx, r.Client, reference.Kind, g.Order.Namespace, reference.Name)
	if err != nil {
		return err
	}
	g.issuer = issuer
	g.Issuer = find.Describe(reference.Kind, reference.Name, issuer)
	if issuer == nil {
		return nil
	}
	bundles, err := r.Bundles.Of(ctx, issuer)
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

// waiter is a CertificateRequest that waits for an order, and the Certificate behind it, if there is one.
type waiter struct {
	request *cmapi.CertificateRequest
	owner   owner.Owner
}

// waiting finds who waits for the order. The cache finds them; the API server says whether they are still there, and
// whether somebody holds the private key, unless the gate has seen that seconds ago: what is spent for a request that
// nobody can use is lost.
func (r *Reconciler) waiting(ctx context.Context, order *v1alpha1.VeroOrder) ([]waiter, error) {
	found, err := find.RequestsWithKey(ctx, r.Outlines, order.Namespace, order.Spec.PublicKeyDigest)
	if err != nil {
		return nil, err
	}
	var waiting []waiter
	for i := range found {
		request := &cmapi.CertificateRequest{}
		err := r.Reader.Get(ctx, client.ObjectKeyFromObject(&found[i]), request)
		if err != nil && !apierrors.IsNotFound(err) {
			return nil, fmt.Errorf("get CertificateRequest %s: %w", found[i].Name, err)
		}
		if err != nil || !waitsFor(request, order) {
			continue
		}
		behind, err := r.Proofs.Take(ctx, r.Reader, request)
		if err != nil {
			return nil, err
		}
		if behind.Problem == "" {
			waiting = append(waiting, waiter{request: request, owner: behind})
		}
	}
	return waiting, nil
}

func waitsFor(request *cmapi.CertificateRequest, order *v1alpha1.VeroOrder) bool {
	reference := request.Spec.IssuerRef
	return reference.Group == v1alpha1.GroupName && reference.Kind == order.Spec.IssuerRef.Kind &&
		reference.Name == order.Spec.IssuerRef.Name && status.Waits(request)
}

// gatherTransfer reads the credentials that the order draws on, and notes where those who wait name others.
func (r *Reconciler) gatherTransfer(ctx context.Context, g *gathered, waiting []waiter) error {
	drawnOn := g.Order.Spec.Transfer
	credentials, transfer, err := r.readTransfer(ctx, g.Order.Namespace, drawnOn.SecretName)
	if err != nil {
		return err
	}
	g.transfer, g.Transfer = transfer, &orderstate.Transfer{Credentials: credentials}
	if named := g.named(waiting); len(named) > 0 && !slices.Contains(named, drawnOn.SecretName) {
		g.Transfer.Elsewhere = named[0]
	}
	g.Transfer.Orders, err = find.OrdersWithLabel(
		ctx, r.Client, g.Order.Namespace, v1alpha1.LabelTransferID, drawnOn.TransferIDDigest)
	return err
}

// named are the Secrets that those who wait name for transfer credentials.
func (g *gathered) named(waiting []waiter) []string {
	var named []string
	for _, w := range waiting {
		if name := secrets.TransferName(w.owner.Certificate, w.request, g.issuer.VeroSpec()); name != "" {
			named = append(named, name)
		}
	}
	return named
}

// readTransfer reads transfer credentials, and describes them to a decision.
func (r *Reconciler) readTransfer(
	ctx context.Context, namespace, name string,
) (facts.Transfer, secrets.Transfer, error) {
	described := facts.Transfer{SecretName: name}
	transfer, err := secrets.ReadTransfer(ctx, r.Reader, types.NamespacedName{Namespace: namespace, Name: name})
	if unusable, ok := errors.AsType[*secrets.UnusableError](err); ok {
		described.Problem = unusable.Error()
		return described, secrets.Transfer{}, nil
	} else if err != nil {
		return facts.Transfer{}, secrets.Transfer{}, err
	}
	described.IDDigest, described.Fingerprint = transfer.IDDigest(), transfer.Fingerprint()
	return described, transfer, nil
}

// gatherRenewal reads the certificate that signs, and where the decision depends on it, whether there are transfer
// credentials to use instead.
func (r *Reconciler) gatherRenewal(ctx context.Context, g *gathered, waiting []waiter) error {
	g.Renewal = &orderstate.Renewal{}
	if err := r.gatherIdentity(ctx, g, waiting); err != nil {
		return err
	}
	named := g.named(waiting)
	if len(named) == 0 || !g.NeedsCredentials() {
		return nil
	}
	transfer, _, err := r.readTransfer(ctx, g.Order.Namespace, named[0])
	if err != nil {
		return err
	}
	orders, err := find.OrdersWithLabel(
		ctx, r.Client, g.Order.Namespace, v1alpha1.LabelTransferID, transfer.IDDigest)
	if err != nil {
		return err
	}
	if (plan.Snapshot{Issuer: g.Issuer, Transfer: transfer, Orders: orders}).CredentialsAvailable() {
		g.Renewal.CredentialsIn = transfer.SecretName
	}
	return nil
}

// gatherIdentity reads the certificate that signs, once more through a Certificate that vouches for a request: an order
// that names a Secret is no permission to use the key in it.
func (r *Reconciler) gatherIdentity(ctx context.Context, g *gathered, waiting []waiter) error {
	secretName := g.Order.Spec.Renewal.SecretName
	if !slices.ContainsFunc(waiting, func(w waiter) bool { return w.owner.SecretName() == secretName }) {
		g.Renewal.Current.Problem = fmt.Sprintf(
			"Secret %s is not that of a Certificate which waits for the renewal", secretName)
		return nil
	}
	identity, err := secrets.ReadIdentity(ctx, r.Reader,
		types.NamespacedName{Namespace: g.Order.Namespace, Name: secretName})
	if err != nil {
		return err
	}
	g.identity = identity
	var trust pki.Trust
	if g.bundles != nil {
		trust = g.bundles.Issuance
	}
	g.Renewal.Current = facts.Examine(
		secretName, identity.Leaf, identity.Problem, g.Order.Spec.CustomerID, trust, g.Now)
	return nil
}
