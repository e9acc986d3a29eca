package order

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/kube/find"
	"github.com/varmenne/varmenne-issuer/internal/manual/delivery"
	"github.com/varmenne/varmenne-issuer/internal/manual/orderstate"
	"github.com/varmenne/varmenne-issuer/internal/manual/requirements"
	"github.com/varmenne/varmenne-issuer/internal/pki"
	"github.com/varmenne/varmenne-issuer/internal/secrets"
)

// delivery reads and checks, for an order that is wanted, what a person has brought back to it, or to another one.
func (r *Reconciler) delivery(
	ctx context.Context, wanted wanted, to *v1alpha1.ManualOrder,
) (orderstate.Delivery, error) {
	data, problem, err := r.brought(ctx, to)
	switch {
	case err != nil:
		return orderstate.Delivery{}, err
	case problem != "" && len(wanted.order.Status.Certificate) == 0:
		return orderstate.Delivery{Given: true, Problem: problem}, nil
	case data == nil: // or it was taken, and removed after that
		return orderstate.Delivery{}, nil
	}
	came, err := delivery.Read(data)
	if refusal, isRefusal := errors.AsType[*delivery.RefusalError](err); isRefusal {
		return orderstate.Delivery{Given: true, Problem: refusal.Message}, nil
	}
	return r.judge(ctx, came, wanted)
}

// kept checks once more, for an order that is wanted, the certificate that it has kept in its status: it may have been
// taken long ago, or for another order with the same key.
func (r *Reconciler) kept(ctx context.Context, wanted wanted) (orderstate.Delivery, error) {
	bundle, err := pki.ParseBundle(wanted.order.Status.Certificate)
	if err != nil {
		return orderstate.Delivery{}, nil //nolint:nilerr // there is none
	}
	kept, err := r.judge(ctx, bundle.Certificates, wanted)
	if kept.Problem != "" {
		kept.Problem = "the certificate that is kept in status.certificate cannot be handed over: " + kept.Problem
	}
	return kept, err
}

// judge says whether the order's certificate is among those that came, and can be used.
func (r *Reconciler) judge(
	ctx context.Context, came []*x509.Certificate, wanted wanted,
) (orderstate.Delivery, error) {
	issued, err := r.check(ctx, came, wanted)
	refusal, isRefusal := errors.AsType[*delivery.RefusalError](err)
	unusable, isUnusable := errors.AsType[*secrets.BundleError](err)
	switch {
	case isRefusal:
		return orderstate.Delivery{Given: true, Problem: refusal.Message, Recheck: refusal.Reason.DependsOnTrust()}, nil
	case isUnusable:
		return orderstate.Delivery{Given: true, Recheck: true, Problem: fmt.Sprintf("what was brought back cannot be "+
			"checked, because of %s %s: %v", wanted.issuer.IssuerKind(), wanted.issuer.GetName(), unusable)}, nil
	case err != nil:
		return orderstate.Delivery{}, err
	}
	return orderstate.Delivery{Given: true, Certificate: taken(issued)}, nil
}

// taken is a certificate as an order records it.
func taken(issued delivery.Issued) *orderstate.Certificate {
	chain, ca := pki.EncodeChain(issued.Chain)
	taken := &orderstate.Certificate{
		Chain: chain, CA: ca, SerialNumber: pki.SerialNumber(issued.Leaf),
		NotBefore: issued.Leaf.NotBefore, NotAfter: issued.Leaf.NotAfter,
	}
	for _, change := range issued.Changes {
		taken.Changes = append(taken.Changes, v1alpha1.SubjectChange{
			Field: change.Field, Old: bounded(change.Old), New: bounded(change.New),
		})
	}
	return taken
}

// check finds the order's certificate among those that came. What is wrong with them comes as
// *delivery.RefusalError, with the issuer's bundles as *secrets.BundleError.
func (r *Reconciler) check(
	ctx context.Context, came []*x509.Certificate, wanted wanted,
) (delivery.Issued, error) {
	order, waiting, issuer := wanted.order, wanted.waiter, wanted.issuer
	authority, err := secrets.ReadAuthority(
		ctx, r.Reader, issuer.ManualSpec(), secrets.BundleNamespace(issuer, r.Namespace))
	if err != nil {
		return delivery.Issued{}, err
	}
	earlier, err := r.earlier(ctx, order, came)
	if err != nil {
		return delivery.Issued{}, err
	}
	ordered, err := requirements.Of(requirements.Order{
		Order: order, Request: waiting.request, Certificate: waiting.certificate, Issuer: issuer.ManualSpec(),
		Trust: authority.Trust, Intermediates: authority.Intermediates, Earlier: earlier,
	})
	if err != nil {
		return delivery.Issued{}, err
	}
	return delivery.Match(came, ordered, wanted.now)
}

// earlier are the other orders of the namespace that are for the key of something that came: a person may take the
// certificate of one for that of another.
func (r *Reconciler) earlier(
	ctx context.Context, order *v1alpha1.ManualOrder, came []*x509.Certificate,
) ([]delivery.EarlierOrder, error) {
	var earlier []delivery.EarlierOrder
	for _, certificate := range came {
		digest, err := pki.PublicKeyDigest(certificate.PublicKey)
		if err != nil || digest == order.Spec.PublicKeyDigest {
			continue
		}
		others, err := find.ManualOrdersWithKey(ctx, r.Outlines, order.Namespace, digest)
		if err != nil {
			return nil, err
		}
		earlier = append(earlier, requirements.Earlier(others, digest)...)
	}
	return earlier, nil
}

// bounded are the values of a field as far as status.changes takes them: 64 that are not empty, of 1,024 bytes each,
// without what moves the cursor of a terminal that shows them.
func bounded(values []string) []string {
	const most, longest = 64, 1024
	var kept []string
	for _, value := range values {
		if value == "" || len(kept) == most {
			continue
		}
		kept = append(kept, strings.Map(visible, strings.ToValidUTF8(value[:min(len(value), longest)], "")))
	}
	return kept
}

// visible is a character, or a question mark for one that nobody sees: as long as that in bytes, or shorter.
func visible(r rune) rune {
	if !unicode.IsGraphic(r) {
		return '?'
	}
	return r
}
