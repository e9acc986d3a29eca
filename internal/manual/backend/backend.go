// Package backend is what the Manual kinds do with an approved CertificateRequest: they find the ManualOrder that a
// person fills, or say which one has to be created.
package backend

import (
	"context"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/gate"
	"github.com/varmenne/varmenne-issuer/internal/kube/find"
	"github.com/varmenne/varmenne-issuer/internal/kube/outline"
	"github.com/varmenne/varmenne-issuer/internal/limiter"
)

// Backend serves requests that name a ManualIssuer or a ManualClusterIssuer.
type Backend struct {
	// Client reads from the cache, which find.Index has prepared, and Outlines from the same cache what it keeps outlines
	// of; Reader reads from the API server.
	Client   client.Client
	Outlines client.Reader
	Reader   client.Reader
}

var _ gate.Backend = (*Backend)(nil)

//+kubebuilder:rbac:groups=varmenne.dev,resources=manualorders,verbs=get;list;watch;create
//+kubebuilder:rbac:groups=varmenne.dev,resources=manualissuers;manualclusterissuers,verbs=get;list;watch
//+kubebuilder:rbac:groups="",resources=secrets,verbs=get

// Kinds are those whose certificates a person fetches.
func (*Backend) Kinds() []string {
	return []string{v1alpha1.KindManualIssuer, v1alpha1.KindManualClusterIssuer}
}

// Decide finds the order of a request.
func (b *Backend) Decide(
	ctx context.Context, request *cmapi.CertificateRequest, behind gate.Owner, now time.Time,
) (gate.Decision, error) {
	snapshot, err := b.gather(ctx, request, behind, now)
	if err != nil {
		return gate.Decision{}, err
	}
	return decide(&snapshot), nil
}

// Slot implements gate.Backend: an order for a person is only written down, and waits for weeks.
func (b *Backend) Slot(context.Context, *outline.CertificateRequest) (slot limiter.Slot, queues bool) {
	return limiter.Slot{}, false
}

// RenewalWindow is the issuer's lead time: what has not begun by then is late.
func (b *Backend) RenewalWindow(ctx context.Context, request *cmapi.CertificateRequest) (time.Duration, error) {
	reference := request.Spec.IssuerRef
	return find.LeadTime(ctx, b.Client, reference.Kind, request.Namespace, reference.Name)
}

// Watches are orders, of which every change matters to the requests with their key, and issuers whose spec or readiness
// has changed.
func (b *Backend) Watches() []gate.Watch {
	ofIssuer, changed := find.ToReconcileOfIssuer(b.Outlines), []predicate.Predicate{find.IssuerChanged()}
	return []gate.Watch{
		{Object: &outline.ManualOrder{}, Requests: b.requestsOfOrder},
		{Object: &v1alpha1.ManualIssuer{}, Requests: ofIssuer, Predicates: changed},
		{Object: &v1alpha1.ManualClusterIssuer{}, Requests: ofIssuer, Predicates: changed},
	}
}

func (b *Backend) requestsOfOrder(ctx context.Context, object client.Object) []reconcile.Request {
	order, isOrder := object.(*outline.ManualOrder)
	if !isOrder {
		return nil
	}
	return find.ToReconcileWithKey(ctx, b.Outlines, order.Namespace, order.PublicKeyDigest)
}
