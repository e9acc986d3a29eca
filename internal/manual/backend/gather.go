package backend

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/varmenne/varmenne-issuer/internal/gate"
	"github.com/varmenne/varmenne-issuer/internal/kube/find"
	"github.com/varmenne/varmenne-issuer/internal/kube/outline"
	"github.com/varmenne/varmenne-issuer/internal/manual/csr"
	"github.com/varmenne/varmenne-issuer/internal/pki"
	"github.com/varmenne/varmenne-issuer/internal/secrets"
)

// gather reads the world once. Orders are found in the cache: where it does not have one yet, the decision ends at the
// API server, which refuses a second order of the same name.
func (b *Backend) gather(
	ctx context.Context, request *cmapi.CertificateRequest, behind gate.Owner, now time.Time,
) (snapshot, error) {
	s := snapshot{now: now, request: request}
	var err error
	reference := request.Spec.IssuerRef
	if s.issuer, err = find.ManualIssuer(ctx, b.Client, reference.Kind, request.Namespace, reference.Name); err != nil {
		return s, err
	}
	if err := s.examine(); err != nil || s.invalid != "" {
		return s, err
	}
	owner, err := behind(ctx)
	if err != nil {
		return s, err
	}
	s.unproven = owner.Problem
	if err := b.gatherCurrent(ctx, &s, owner.SecretName()); err != nil {
		return s, err
	}
	found, err := find.ManualOrdersWithKey(ctx, b.Outlines, request.Namespace, s.digest)
	if err != nil {
		return s, err
	}
	s.orders, err = find.ReadManualOrders(ctx, b.Reader, candidates(found, reference.Kind, reference.Name))
	return s, err
}

// mostCandidates bounds the orders for one key that are read: each edit of names makes one, and nobody edits so often
// while a key is in preparation.
const mostCandidates = 16

// candidates are the orders of an issuer that a request may wait for: those that are nearest to their end, and the
// latest of them, so that nobody can hide one behind many.
func candidates(found []outline.ManualOrder, issuerKind, issuerName string) []outline.ManualOrder {
	found = slices.DeleteFunc(found, func(order outline.ManualOrder) bool {
		return order.IssuerRef.Kind != issuerKind || order.IssuerRef.Name != issuerName
	})
	slices.SortFunc(found, func(one, other outline.ManualOrder) int {
		return cmp.Or(rank(other.State)-rank(one.State),
			other.CreationTimestamp.Compare(one.CreationTimestamp.Time), strings.Compare(one.Name, other.Name))
	})
	return found[:min(len(found), mostCandidates)]
}

// examine judges the signing request before anybody carries it anywhere.
func (s *snapshot) examine() error {
	var err error
	if s.csr, err = pki.ParseCertificateRequest(s.request.Spec.Request); err != nil {
		s.invalid = fmt.Sprintf("spec.request cannot be read: %v; it has to be one PEM block of the type "+
			"CERTIFICATE REQUEST", err)
		return nil
	}
	if s.digest, err = pki.PublicKeyDigest(s.csr.PublicKey); err != nil {
		return fmt.Errorf("digest the public key of spec.request: %w", err)
	}
	if s.request.Spec.IsCA {
		s.invalid = "spec.isCA is true, and a person fetches no authorities here: remove spec.isCA from the Certificate"
		return nil
	}
	if s.issuer == nil {
		return nil
	}
	algorithm, size := csr.Key(s.csr)
	if spec := s.issuer.ManualSpec(); !spec.Accepts(algorithm, size) {
		s.invalid = fmt.Sprintf("the authority of %s %s takes no %s key of %d bits, but %s: set spec.privateKey of the "+
			"Certificate", s.issuer.IssuerKind(), s.issuer.GetName(), algorithm, size, describeKeys(spec.AcceptedKeys()))
	}
	return nil
}

// gatherCurrent reads the certificate that the request would replace.
func (b *Backend) gatherCurrent(ctx context.Context, s *snapshot, secretName string) error {
	if secretName == "" {
		return nil
	}
	name := types.NamespacedName{Namespace: s.request.Namespace, Name: secretName}
	identity, err := secrets.ReadIdentity(ctx, b.Reader, name)
	if err != nil || identity.Leaf == nil || pki.IsTemporary(identity.Leaf) {
		return err
	}
	s.current, s.serialNumber = identity.Leaf, pki.SerialNumber(identity.Leaf)
	return nil
}
