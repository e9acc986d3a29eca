// Package backend is what the Vero kinds do with an approved CertificateRequest: it reads the issuer, the orders, the
// credentials and the current certificate, and lets package plan decide which order the request needs.
package backend

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/gate"
	"github.com/varmenne/varmenne-issuer/internal/kube/find"
	"github.com/varmenne/varmenne-issuer/internal/kube/outline"
	"github.com/varmenne/varmenne-issuer/internal/limiter"
	"github.com/varmenne/varmenne-issuer/internal/secrets"
	"github.com/varmenne/varmenne-issuer/internal/vero/creation"
	"github.com/varmenne/varmenne-issuer/internal/vero/orderstate"
	"github.com/varmenne/varmenne-issuer/internal/vero/plan"
)

// credentialsInterval is how often transfer credentials are read again while the request waits for something else: they
// may be replaced, or go, and a Secret may not be watched.
const credentialsInterval = 10 * time.Minute

// Backend serves requests that name a VeroIssuer or a VeroClusterIssuer.
type Backend struct {
	// Client reads from the cache, which find.Index has prepared, and Outlines from the same cache what it keeps outlines
	// of; Reader reads from the API server.
	Client   client.Client
	Outlines client.Reader
	Reader   client.Reader
	// Bundles are those of the issuers.
	Bundles *secrets.KeptBundles
	// Creations are told of orders that are sent right after they are made; nil makes none such.
	Creations *creation.Intents
	// Issued has orders whole that were issued moments ago; nil has none.
	Issued *outline.Issued

	examined examined
}

var _ gate.Backend = (*Backend)(nil)

//+kubebuilder:rbac:groups=varmenne.dev,resources=veroorders,verbs=get;list;watch;create
//+kubebuilder:rbac:groups=varmenne.dev,resources=veroissuers;veroclusterissuers,verbs=get;list;watch
//+kubebuilder:rbac:groups="",resources=secrets;configmaps,verbs=get

// Kinds are those of Vero.
func (b *Backend) Kinds() []string {
	return []string{v1alpha1.KindVeroIssuer, v1alpha1.KindVeroClusterIssuer}
}

// Slot implements gate.Backend.
func (b *Backend) Slot(
	ctx context.Context, cached *outline.CertificateRequest,
) (slot limiter.Slot, waits bool) {
	if !cached.Waits || cached.PublicKeyDigest == "" {
		return limiter.Slot{}, false
	}
	known, err := find.OrdersWithLabel(
		ctx, b.Client, cached.Namespace, v1alpha1.LabelPublicKey, cached.PublicKeyDigest)
	if err != nil || !queues(cached.UID, cached.PublicKeyDigest, known) {
		return limiter.Slot{}, false
	}
	return find.Slot(cached.Namespace, cached.IssuerRef.Kind, cached.IssuerRef.Name), true
}

// queues reports whether a request waits for its turn before an order is made for it, by the orders there are: with the
// same key none is on its way, and none was made for this very request, which has to say at once what came of it.
func queues(request types.UID, publicKeyDigest string, known []v1alpha1.VeroOrder) bool {
	return !slices.ContainsFunc(known, func(order v1alpha1.VeroOrder) bool {
		state := orderstate.StateOf(&order)
		ended := state == v1alpha1.VeroOrderIssued || state == v1alpha1.VeroOrderFailed
		return order.Spec.PublicKeyDigest == publicKeyDigest && (!ended || order.Spec.RequestUID == request)
	})
}

// Decide reads the world once, and decides by it.
func (b *Backend) Decide(
	ctx context.Context, request *cmapi.CertificateRequest, behind gate.Owner, now time.Time,
) (gate.Decision, error) {
	snapshot, err := b.gather(ctx, request, behind, now)
	if err != nil {
		return gate.Decision{}, err
	}
	action := plan.Decide(snapshot)
	if action.Verb == plan.Deliver {
		if action.Order, err = b.whole(ctx, action.Order); err != nil {
			return gate.Decision{}, err
		}
	}
	decision := gate.Decision{
		Verb: gate.Verb(action.Verb), Reason: action.Reason, Message: action.Message, At: action.At,
		Order: shown(action.Order),
	}
	if action.Verb == plan.Create {
		order := plan.NewOrder(snapshot, action)
		if queues(request.UID, snapshot.Request.PublicKeyDigest, snapshot.Orders) { // else it is not known when it is sent
			b.Creations.Express(order)
		}
		create(&decision, order, snapshot)
	}
	if snapshot.Unspent() {
		decision.Credentials = &gate.Credentials{
			SecretName: snapshot.Transfer.SecretName, Written: snapshot.Transfer.Written,
		}
		if again := now.Add(credentialsInterval); decision.At.IsZero() || decision.At.After(again) {
			decision.At = again
		}
	}
	return decision, nil
}

// whole is an order with its chain, which the cache keeps the leaf of. What was decided about that leaf has to hold for
// the chain that is delivered.
func (b *Backend) whole(ctx context.Context, order *v1alpha1.VeroOrder) (*v1alpha1.VeroOrder, error) {
	if !outline.Trimmed(order) {
		return order, nil
	}
	if kept := b.Issued.Take(order); kept != nil {
		return kept, nil
	}
	whole := &v1alpha1.VeroOrder{}
	if err := b.Reader.Get(ctx, client.ObjectKeyFromObject(order), whole); err != nil {
		return nil, fmt.Errorf("read the chain of VeroOrder %s: %w", order.Name, err)
	}
	if whole.UID != order.UID || !bytes.HasPrefix(whole.Status.Certificate, order.Status.Certificate) {
		return nil, fmt.Errorf("%w: VeroOrder %s; it is looked at again", errChanged, order.Name)
	}
	return whole, nil
}

// errChanged is that of an order which is another one than was decided about.
var errChanged = errors.New("the certificate has changed meanwhile")

// create completes a decision to create an order. That it takes the place of a deleted one is told.
func create(decision *gate.Decision, order *v1alpha1.VeroOrder, snapshot plan.Snapshot) {
	deleted := decision.Message
	decision.Message = fmt.Sprintf("VeroOrder %s was created for %s", order.Name, order.Spec.Operation)
	if deleted != "" {
		decision.Message += "; " + deleted
		decision.Warning = true
	}
	decision.New = &gate.New{
		Order: order, Caution: snapshot.Request.Caution, CautionReason: v1alpha1.ReasonLargeKey,
		CheckExisting: checkLabels(order),
	}
}

// shown is what a request shows of an order, nil if there is none.
func shown(order *v1alpha1.VeroOrder) *gate.Order {
	if order == nil {
		return nil
	}
	view := &gate.Order{
		Created: order.CreationTimestamp.Time, Operation: string(order.Spec.Operation), Receipt: order.Status.RetrievalID,
		Certificate: slices.Clone(order.Status.Certificate), CA: slices.Clone(order.Status.CA),
		Annotations: plan.Annotations(order), Disowned: orderstate.Disowned(order),
		Disturbed: order.Status.LastError != nil,
	}
	if order.Status.AcceptanceTime != nil {
		view.Accepted = order.Status.AcceptanceTime.Time
	}
	return view
}

// RenewalWindow is that of the request's issuer, or the service's own where there is no issuer.
func (b *Backend) RenewalWindow(ctx context.Context, request *cmapi.CertificateRequest) (time.Duration, error) {
	reference := request.Spec.IssuerRef
	issuer, err := find.Issuer(ctx, b.Client, reference.Kind, request.Namespace, reference.Name)
	if err != nil || issuer == nil {
		return v1alpha1.DefaultRenewalWindow, err
	}
	return issuer.VeroSpec().Window(), nil
}

// Watches are orders, of which matters to the requests with their key what they show of them, and issuers whose spec or
// readiness has changed.
func (b *Backend) Watches() []gate.Watch {
	ofIssuer, changed := find.ToReconcileOfIssuer(b.Outlines), []predicate.Predicate{find.IssuerChanged()}
	return []gate.Watch{
		{Object: &v1alpha1.VeroOrder{}, Requests: b.requestsOfOrder, Predicates: []predicate.Predicate{shownChanged()}},
		{Object: &v1alpha1.VeroIssuer{}, Requests: ofIssuer, Predicates: changed},
		{Object: &v1alpha1.VeroClusterIssuer{}, Requests: ofIssuer, Predicates: changed},
	}
}

// shownChanged lets through what a request shows of its order, or decides by. It is not the order's creation, which the
// gate knows of, or its request does that waits for it; nor that it is being sent, which lasts for moments; nor that a
// poll has brought nothing.
func shownChanged() predicate.Predicate {
	return predicate.Funcs{
		CreateFunc: func(creation event.CreateEvent) bool {
			order, isOrder := creation.Object.(*v1alpha1.VeroOrder)
			return isOrder && !orderstate.Untouched(order)
		},
		UpdateFunc: func(update event.UpdateEvent) bool {
			before, wasOrder := update.ObjectOld.(*v1alpha1.VeroOrder)
			after, isOrder := update.ObjectNew.(*v1alpha1.VeroOrder)
			if !wasOrder || !isOrder {
				return false
			}
			return decisive(before) != decisive(after) && orderstate.Reason(after) != v1alpha1.ReasonSubmitting ||
				!before.Status.AcceptanceTime.Equal(after.Status.AcceptanceTime) ||
				!maps.Equal(before.Labels, after.Labels) || !maps.Equal(before.Annotations, after.Annotations) ||
				before.DeletionTimestamp.IsZero() != after.DeletionTimestamp.IsZero()
		},
	}
}

// decisive is what a request shows of an order or decides by, as far as it changes. A certificate comes with the state.
func decisive(order *v1alpha1.VeroOrder) [5]string {
	return [...]string{
		string(orderstate.StateOf(order)), orderstate.Reason(order), orderstate.Message(order), order.Status.RetrievalID,
		order.Status.RefusedRetrievalID,
	}
}

func (b *Backend) requestsOfOrder(ctx context.Context, object client.Object) []reconcile.Request {
	order, ok := object.(*v1alpha1.VeroOrder)
	if !ok {
		return nil
	}
	return find.ToReconcileWithKey(ctx, b.Outlines, order.Namespace, order.Spec.PublicKeyDigest)
}
