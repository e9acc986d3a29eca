package actions

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/kube/find"
	"github.com/varmenne/varmenne-issuer/internal/manual/delivery"
	"github.com/varmenne/varmenne-issuer/internal/manual/requirements"
	"github.com/varmenne/varmenne-issuer/internal/pki"
	"github.com/varmenne/varmenne-issuer/internal/plugin/cluster"
	"github.com/varmenne/varmenne-issuer/internal/secrets"
)

// ordered gathers what the controller would judge by.
func (c Checking) ordered(
	ctx context.Context, access client.Client, order *v1alpha1.ManualOrder, came []*x509.Certificate,
) (delivery.Order, error) {
	request, err := waiterOf(ctx, access, order)
	if err != nil {
		return delivery.Order{}, err
	}
	certificate, err := certificateOf(ctx, access, request)
	if err != nil {
		return delivery.Order{}, err
	}
	reference := order.Spec.IssuerRef
	issuer, err := find.ManualIssuer(ctx, access, reference.Kind, order.Namespace, reference.Name)
	switch {
	case apierrors.IsForbidden(err) && c.SkipChain:
		issuer = v1alpha1.NewManualIssuer(reference.Kind) // without a policy of its own
	case err != nil:
		return delivery.Order{}, ExplainIssuer(err, reference.Kind, order.Namespace, reference.Name)
	case issuer == nil:
		return delivery.Order{}, fmt.Errorf("%s %s does not exist: create it first", reference.Kind, reference.Name)
	}
	authority, err := c.authority(ctx, access, issuer, came)
	if err != nil {
		return delivery.Order{}, err
	}
	earlier, err := earlierOrders(ctx, access, order, came)
	if err != nil {
		return delivery.Order{}, err
	}
	return requirements.Of(requirements.Order{
		Order: order, Request: request, Certificate: certificate, Issuer: issuer.ManualSpec(), Trust: authority.Trust,
		Intermediates: authority.Intermediates, Earlier: earlier,
	})
}

// ExplainIssuer says what has kept an issuer from being read.
func ExplainIssuer(err error, kind, namespace, name string) error {
	if v1alpha1.IsClusterKind(kind) {
		namespace = ""
	}
	return cluster.Explain(err, "get", cluster.Resource(v1alpha1.GroupVersion.WithKind(kind)), namespace,
		fmt.Sprintf("get %s %s", kind, name))
}

// waiterOf is the request that waits for an order.
func waiterOf(
	ctx context.Context, access client.Client, order *v1alpha1.ManualOrder,
) (*cmapi.CertificateRequest, error) {
	list := &cmapi.CertificateRequestList{}
	if err := access.List(ctx, list, client.InNamespace(order.Namespace)); err != nil {
		return nil, cluster.Explain(err, "list", "certificaterequests.cert-manager.io", order.Namespace,
			"list CertificateRequests")
	}
	for i := range list.Items {
		if requirements.WaitsFor(&list.Items[i], order) {
			return &list.Items[i], nil
		}
	}
	return nil, fmt.Errorf("no CertificateRequest waits for ManualOrder %s any more: its private key is not in use, and "+
		"nothing was sent; `kubectl varmenne why -n %s %s` shows what is known", order.Name, order.Namespace, order.Name)
}

// earlierOrders are the other orders of the namespace that are for the key of something that came.
func earlierOrders(
	ctx context.Context, access client.Client, order *v1alpha1.ManualOrder, came []*x509.Certificate,
) ([]delivery.EarlierOrder, error) {
	list := &v1alpha1.ManualOrderList{}
	if err := access.List(ctx, list, client.InNamespace(order.Namespace)); err != nil {
		return nil, cluster.Explain(err, "list", ManualOrders, order.Namespace, "list ManualOrders")
	}
	var earlier []delivery.EarlierOrder
	for _, certificate := range came {
		digest, err := pki.PublicKeyDigest(certificate.PublicKey)
		if err != nil || digest == order.Spec.PublicKeyDigest {
			continue
		}
		others := slices.DeleteFunc(slices.Clone(list.Items), func(other v1alpha1.ManualOrder) bool {
			return other.Spec.PublicKeyDigest != digest
		})
		earlier = append(earlier, requirements.Earlier(others, digest)...)
	}
	return earlier, nil
}

// authority reads the issuer's bundles. Where the chain is left to the controller, whatever came is trusted.
func (c Checking) authority(
	ctx context.Context, access client.Client, issuer v1alpha1.GenericManualIssuer, came []*x509.Certificate,
) (secrets.Authority, error) {
	if c.SkipChain {
		anyone := slices.DeleteFunc(slices.Clone(came), pki.SelfIssued)
		if len(anyone) == 0 {
			anyone = came
		}
		trust, err := pki.NewTrust(anyone)
		return secrets.Authority{Trust: trust}, err
	}
	namespace := secrets.BundleNamespace(issuer, c.ControllerNamespace)
	for _, source := range []*v1alpha1.BundleSource{&issuer.ManualSpec().Trust, issuer.ManualSpec().Intermediates} {
		if source != nil && source.SecretKeyRef != nil {
			c.Notef("note: Secret %s/%s is read: it holds authorities that %s %s trusts", namespace, source.SecretKeyRef.Name,
				issuer.IssuerKind(), issuer.GetName())
		}
	}
	authority, err := secrets.ReadAuthority(ctx, cluster.Named(access), issuer.ManualSpec(), namespace)
	if _, refused := errors.AsType[*cluster.RefusedError](err); refused {
		return authority, fmt.Errorf("%w; or leave the chain to the controller with --skip-chain", err)
	}
	return authority, err
}
