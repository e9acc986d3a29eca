package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/kube/find"
	"github.com/varmenne/varmenne-issuer/internal/kube/outline"
	"github.com/varmenne/varmenne-issuer/internal/kube/status"
	"github.com/varmenne/varmenne-issuer/internal/limiter"
	manualissuer "github.com/varmenne/varmenne-issuer/internal/manual/issuer"
	manualorder "github.com/varmenne/varmenne-issuer/internal/manual/order"
	"github.com/varmenne/varmenne-issuer/internal/metrics"
	"github.com/varmenne/varmenne-issuer/internal/owner"
	"github.com/varmenne/varmenne-issuer/internal/secrets"
	"github.com/varmenne/varmenne-issuer/internal/tracked"
	"github.com/varmenne/varmenne-issuer/internal/vero/creation"
	veroissuer "github.com/varmenne/varmenne-issuer/internal/vero/issuer"
	veroorder "github.com/varmenne/varmenne-issuer/internal/vero/order"
)

// wing is what the controllers of one family of issuers are made from.
type wing struct {
	manager ctrl.Manager
	options *Options
	series  *metrics.Metrics
	events  status.Events
}

// handed is what the controllers hand one another in memory: nothing that they could not read.
type handed struct {
	proofs *owner.Proofs
	issued *outline.Issued
	fresh  *outline.Fresh
	turns  *limiter.Turns

	creations *creation.Intents
}

// registerVero adds the controllers of Vero's kinds.
func (w wing) registerVero(
	ctx context.Context, connector connector, bundles *secrets.KeptBundles, orders limiter.Calls, handed handed,
) error {
	collector := metrics.Orders{
		List: listed(w.manager, func() *v1alpha1.VeroOrderList { return &v1alpha1.VeroOrderList{} }),
	}
	if err := ctrlmetrics.Registry.Register(collector); err != nil {
		return fmt.Errorf("register metrics: %w", err)
	}
	return errors.Join(
		veroissuer.Register(w.manager, veroissuer.Options{
			Client: w.manager.GetClient(), Reader: w.manager.GetAPIReader(), Probe: connector.probe,
			Clock: clock.RealClock{}, Events: w.events, Metrics: w.series, Bundles: bundles,
		}, w.options.workers()),
		veroorder.Register(w.manager, veroorder.Options{
			Client: w.manager.GetClient(), Outlines: w.manager.GetCache(), Reader: w.manager.GetAPIReader(),
			Connect: connector.connect, Clock: clock.RealClock{}, Events: w.events, Metrics: w.series,
			Bundles: bundles, Calls: orders, Retention: w.options.OrderRetention, Shutdown: ctx,
			Turns: handed.turns, Creations: handed.creations, Proofs: handed.proofs, Issued: handed.issued,
		}, w.options.workers()),
	)
}

// registerManual adds the controllers of the kinds whose certificates a person fetches, or watches over.
func (w wing) registerManual(ctx context.Context) error {
	if err := find.IndexManual(ctx, w.manager.GetFieldIndexer()); err != nil {
		return err
	}
	collector := metrics.Persons{
		Orders: listed(w.manager, func() *outline.ManualOrderList { return &outline.ManualOrderList{} }), Lead: w.lead,
		Tracked: listed(w.manager, func() *v1alpha1.TrackedCertificateList { return &v1alpha1.TrackedCertificateList{} }),
	}
	if err := ctrlmetrics.Registry.Register(collector); err != nil {
		return fmt.Errorf("register metrics: %w", err)
	}
	return errors.Join(
		manualissuer.Register(w.manager, manualissuer.Options{
			Client: w.manager.GetClient(), Reader: w.manager.GetAPIReader(),
			Clock: clock.RealClock{}, Events: w.events, Metrics: w.series, Namespace: w.options.Namespace,
		}, w.options.workers()),
		tracked.Register(w.manager, tracked.Options{
			Client: w.manager.GetClient(), Reader: w.manager.GetAPIReader(), Clock: clock.RealClock{}, Events: w.events,
		}, w.options.workers()),
		manualorder.Register(w.manager, manualorder.Options{
			Client: w.manager.GetClient(), Outlines: w.manager.GetCache(), Reader: w.manager.GetAPIReader(),
			Clock: clock.RealClock{}, Events: w.events, Namespace: w.options.Namespace, Retention: w.options.OrderRetention,
		}, w.options.workers()),
	)
}

// lead is how long the authority of an order's issuer needs; the default where that cannot be read from the cache.
func (w wing) lead(ctx context.Context, order *outline.ManualOrder) time.Duration {
	reference := order.IssuerRef
	lead, _ := find.LeadTime(ctx, w.manager.GetClient(), reference.Kind, order.Namespace, reference.Name)
	return lead
}

// listed lists cached objects, in the replica that works: others would tell the same again.
func listed[T client.ObjectList](manager ctrl.Manager, empty func() T) func(context.Context) (T, error) {
	return func(ctx context.Context) (T, error) {
		var none T
		select {
		case <-manager.Elected():
		default:
			return none, nil
		}
		objects := empty()
		// They are only looked at, and copies of all of them at every scrape would be many.
		if err := manager.GetCache().List(ctx, objects, client.UnsafeDisableDeepCopy); err != nil {
			return none, fmt.Errorf("list for the metrics: %w", err)
		}
		return objects, nil
	}
}
