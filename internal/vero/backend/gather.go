package backend

import (
	"context"
	"errors"
	"fmt"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/gate"
	"github.com/varmenne/varmenne-issuer/internal/kube/find"
	"github.com/varmenne/varmenne-issuer/internal/pki"
	"github.com/varmenne/varmenne-issuer/internal/secrets"
	"github.com/varmenne/varmenne-issuer/internal/vero/facts"
	"github.com/varmenne/varmenne-issuer/internal/vero/plan"
)

// gather reads the world once. Orders come from the cache: a decision made from an old one ends at the API server,
// which refuses a second order of the same name.
func (b *Backend) gather(
	ctx context.Context, request *cmapi.CertificateRequest, behind gate.Owner, now time.Time,
) (plan.Snapshot, error) {
	reference := request.Spec.IssuerRef
	issuer, err := find.Issuer(ctx, b.Client, reference.Kind, request.Namespace, reference.Name)
	if err != nil {
		return plan.Snapshot{}, err
	}
	snapshot := plan.Snapshot{
		Now:     now,
		Issuer:  find.Describe(reference.Kind, reference.Name, issuer),
		Request: described(request),
	}
	if err := b.examined.judge(&snapshot, request); err != nil {
		return plan.Snapshot{}, err
	}
	if err := b.addOrders(ctx, &snapshot, request.Namespace,
		v1alpha1.LabelPublicKey, snapshot.Request.PublicKeyDigest); err != nil {
		return plan.Snapshot{}, err
	}
	if !snapshot.NeedsAuthorization() {
		return snapshot, nil
	}
	owner, err := behind(ctx)
	if err != nil {
		return plan.Snapshot{}, err
	}
	snapshot.Request.OwnerProblem = owner.Problem
	snapshot.Request.RenewBefore, snapshot.Request.ByPercentage = owner.RenewBefore()
	if err := b.gatherCurrent(ctx, &snapshot, owner.SecretName(), request, issuer); err != nil {
		return plan.Snapshot{}, err
	}
	if issuer == nil {
		return snapshot, nil
	}
	snapshot.Transfer.Named = secrets.NamesTransfer(owner.Certificate)
	return snapshot, b.gatherTransfer(
		ctx, &snapshot, secrets.TransferName(owner.Certificate, request, issuer.VeroSpec()), request.Namespace)
}

// described is what a decision needs to know of a request, as far as the request says it.
func described(request *cmapi.CertificateRequest) plan.Request {
	return plan.Request{
		Namespace: request.Namespace, Name: request.Name, UID: request.UID, CSR: request.Spec.Request,
		CertificateName: request.Annotations[cmapi.CertificateNameKey], Receipt: plan.ReceiptOf(request.Annotations),
	}
}

// gatherCurrent reads the certificate that the request would replace. Without an issuer, or without its bundles, it
// cannot be judged, and is only told from others.
func (b *Backend) gatherCurrent(
	ctx context.Context, snapshot *plan.Snapshot, secretName string, request *cmapi.CertificateRequest,
	issuer v1alpha1.GenericVeroIssuer,
) error {
	if secretName == "" {
		return nil
	}
	namespace := request.Namespace
	identity, err := secrets.ReadIdentity(ctx, b.Reader, types.NamespacedName{Namespace: namespace, Name: secretName})
	if err != nil {
		return err
	}
	trust, err := b.issuanceTrust(ctx, snapshot, issuer)
	if err != nil {
		return err
	}
	snapshot.Current = facts.Examine(
		secretName, identity.Leaf, identity.Problem, snapshot.Issuer.CustomerID, trust, snapshot.Now)
	snapshot.Current.Absent = snapshot.Current.Absent || identity.Absent
	snapshot.Current.Unreadable = identity.Unreadable
	snapshot.Current.NotOurs = identity.Issuer.Differs(request.Spec.IssuerRef)
	return b.addOrders(ctx, snapshot, namespace, v1alpha1.LabelRenews, snapshot.Current.SerialNumber)
}

// issuanceTrust is what issued certificates chain to. The issuer's own controller says on the issuer what is wrong with
// its bundles; here the request waits for that.
func (b *Backend) issuanceTrust(
	ctx context.Context, snapshot *plan.Snapshot, issuer v1alpha1.GenericVeroIssuer,
) (pki.Trust, error) {
	if issuer == nil {
		return pki.Trust{}, nil
	}
	bundles, err := b.Bundles.Of(ctx, issuer)
	if unusable, ok := errors.AsType[*secrets.BundleError](err); ok {
		snapshot.Issuer.Ready, snapshot.Issuer.Message = false, unusable.Error()
		return pki.Trust{}, nil
	}
	if err != nil {
		return pki.Trust{}, err
	}
	return bundles.Issuance, nil
}

// gatherTransfer reads the transfer credentials in the Secret of that name.
func (b *Backend) gatherTransfer(
	ctx context.Context, snapshot *plan.Snapshot, name, namespace string,
) error {
	if name == "" {
		snapshot.Transfer.Problem = fmt.Sprintf("no transfer credentials are named: create a Secret with the keys %s "+
			"and %s in namespace %s, and name it in the annotation %s of the Certificate or in spec.transferSecretRef "+
			"of %s", v1alpha1.KeyTransferID, v1alpha1.KeyTransferPassword, namespace,
			v1alpha1.AnnotationTransferSecret, snapshot.Issuer)
		return nil
	}
	snapshot.Transfer.SecretName = name
	transfer, err := secrets.ReadTransfer(ctx, b.Reader, types.NamespacedName{Namespace: namespace, Name: name})
	var unusable *secrets.UnusableError
	switch {
	case errors.As(err, &unusable):
		snapshot.Transfer.Problem = unusable.Error()
		return nil
	case err != nil:
		return err
	}
	snapshot.Transfer.IDDigest, snapshot.Transfer.Fingerprint = transfer.IDDigest(), transfer.Fingerprint()
	snapshot.Transfer.Written = transfer.Written
	return b.addOrders(ctx, snapshot, namespace, v1alpha1.LabelTransferID, snapshot.Transfer.IDDigest)
}

// addOrders adds the orders of a namespace whose label begins as the value does, each once.
func (b *Backend) addOrders(
	ctx context.Context, snapshot *plan.Snapshot, namespace, label, value string,
) error {
	found, err := find.OrdersWithLabel(ctx, b.Client, namespace, label, value)
	if err != nil {
		return err
	}
	known := make(map[types.UID]bool, len(snapshot.Orders))
	for i := range snapshot.Orders {
		known[snapshot.Orders[i].UID] = true
	}
	for i := range found {
		if !known[found[i].UID] {
			snapshot.Orders = append(snapshot.Orders, found[i])
		}
	}
	return nil
}
