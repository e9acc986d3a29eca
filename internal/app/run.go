package app

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/endpoints"
	"github.com/varmenne/varmenne-issuer/internal/gate"
	"github.com/varmenne/varmenne-issuer/internal/kube/find"
	"github.com/varmenne/varmenne-issuer/internal/kube/outline"
	"github.com/varmenne/varmenne-issuer/internal/kube/status"
	"github.com/varmenne/varmenne-issuer/internal/limiter"
	manualbackend "github.com/varmenne/varmenne-issuer/internal/manual/backend"
	"github.com/varmenne/varmenne-issuer/internal/metrics"
	"github.com/varmenne/varmenne-issuer/internal/owner"
	"github.com/varmenne/varmenne-issuer/internal/secrets"
	"github.com/varmenne/varmenne-issuer/internal/vero/backend"
	"github.com/varmenne/varmenne-issuer/internal/vero/creation"
)

// name of the product: of its events, its User-Agent and, unless a flag says another, its lease.
const name = "varmenne-issuer"

// shutdownMargin is how much longer than a call a shutdown may take, so that the call's outcome is written.
const shutdownMargin = 25 * time.Second

// recordAfterLoss is how long after the lease was lost outcomes are tried to be written, beyond the time of a call.
const recordAfterLoss = 10 * time.Minute

// startTime is after what time the start has come to its end, mostly.
const startTime = 5 * time.Second

// The distance before a reconcile that has failed is tried again. It doubles each time.
const (
	firstBackoff   = 5 * time.Millisecond
	longestBackoff = 5 * time.Minute
)

// Run runs the controller until the context ends, then finishes and records the calls that are under way.
func Run(ctx context.Context, options Options) error {
	if err := options.Validate(); err != nil {
		return err
	}
	log, err := options.setUp()
	if err != nil {
		return err
	}
	series, err := metrics.New(ctrlmetrics.Registry)
	if err != nil {
		return fmt.Errorf("register metrics: %w", err)
	}
	handed := handed{
		proofs: owner.NewProofs(clock.RealClock{}), issued: outline.NewIssued(), fresh: outline.NewFresh(),
		creations: creation.NewIntents(clock.RealClock{}),
		turns:     limiter.NewTurns(options.Workers, options.CallsPerIssuer),
	}
	manager, err := newManager(&options, series, handed.fresh)
	if err != nil {
		return err
	}
	orders := limiter.NewCalls(options.Workers, options.CallsPerIssuer)
	// Outcomes are given up, and told in the log, some time after the controller was asked to stop, or has stopped.
	recording, giveUp := context.WithCancel(ctx)
	defer giveUp()
	if err := register(recording, manager, &options, orders, series, handed); err != nil {
		return err
	}
	defer time.AfterFunc(startTime, releaseProgram).Stop()
	go returnMemory(ctx, clock.RealClock{}, collections, func() { debug.FreeOSMemory(); releaseProgram() })
	log.Info("starting", "version", options.Version, "namespace", options.Namespace)
	err = manager.Start(ctx)
	// Whoever loses the lease is stopped at once, but what was sent is still to be recorded.
	defer time.AfterFunc(options.CallTimeout+recordAfterLoss, giveUp).Stop()
	unfinished, cancel := context.WithTimeout(context.WithoutCancel(ctx), options.drainTime(ctx.Err() != nil))
	defer cancel()
	orders.Drain(unfinished)
	if err != nil {
		return fmt.Errorf("run the controllers: %w", err)
	}
	log.Info("stopped")
	return nil
}

// drainTime is how long what was sent may take to be answered and recorded. Who was asked to stop has until the kill.
// Who has lost the lease waits for the API server, which is why it was lost: nobody else has the responses. But it
// works on nothing else meanwhile, so it does not wait for as long as a running one tries to write an outcome.
func (o *Options) drainTime(asked bool) time.Duration {
	if asked {
		return o.CallTimeout + shutdownMargin
	}
	return o.CallTimeout + recordAfterLoss + shutdownMargin
}

// newManager makes a manager whose client never caches a Secret, ConfigMap or Certificate: those are read one by one,
// when they are used, and without the right to list them.
func newManager(options *Options, series *metrics.Metrics, fresh *outline.Fresh) (ctrl.Manager, error) {
	namespaces := map[string]cache.Config{}
	for _, namespace := range options.WatchNamespaces {
		namespaces[namespace] = cache.Config{}
	}
	return options.newManager(options.drainTime(true), func(special *ctrl.Options) {
		special.Cache = cache.Options{
			DefaultNamespaces: namespaces, DefaultTransform: cache.TransformStripManagedFields(),
			DefaultWatchErrorHandler: countWatchErrors(series), NewInformer: find.NewInformer,
		}
		special.Client = client.Options{Cache: &client.CacheOptions{
			DisableFor: []client.Object{&corev1.Secret{}, &corev1.ConfigMap{}, &cmapi.Certificate{}},
		}}
		outline.Prepare(special, fresh)
	})
}

// Client is for programs beside the controller: uncached, and for objects of every kind.
func Client(kubeconfig string) (client.Client, error) {
	connection, err := restConfig(kubeconfig, rest.InClusterConfig)
	if err != nil {
		return nil, err
	}
	kinds, err := newScheme()
	if err != nil {
		return nil, err
	}
	return client.New(connection, client.Options{Scheme: kinds})
}

func newScheme() (*runtime.Scheme, error) {
	kinds := runtime.NewScheme()
	return kinds, errors.Join(scheme.AddToScheme(kinds), cmapi.AddToScheme(kinds), v1alpha1.AddToScheme(kinds))
}

// workers are those of one controller.
func (o *Options) workers() controller.Options { return backingOff(o.Workers) }

// backingOff are so many workers. What has failed is tried again at least as often as what cannot reach the service:
// somebody who has given a permission back does not want to wait for a quarter of an hour.
func backingOff(workers int) controller.Options {
	return controller.Options{
		MaxConcurrentReconciles: workers,
		RateLimiter: workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](
			firstBackoff, longestBackoff),
	}
}

// register adds indexes, controllers, probes and metrics to the manager.
func register(
	ctx context.Context, manager ctrl.Manager, options *Options, orders limiter.Calls, series *metrics.Metrics,
	handed handed,
) error {
	info := metrics.BuildInfo(metrics.ComponentController, options.Version, options.Commit)
	if err := ctrlmetrics.Registry.Register(info); err != nil {
		return fmt.Errorf("register metrics: %w", err)
	}
	if err := find.Index(ctx, manager.GetFieldIndexer()); err != nil {
		return err
	}
	events := status.Events{Recorder: manager.GetEventRecorder(name)}
	allowed, err := endpoints.Parse(options.AllowedEndpoints)
	if err != nil {
		return fmt.Errorf("--allowed-endpoints: %w", err)
	}
	connector := newConnector(options, allowed)
	bundles := secrets.NewKeptBundles(manager.GetAPIReader(), options.Namespace, clock.RealClock{})
	wing := wing{manager: manager, options: options, series: series, events: events}
	backends := []gate.Backend{&backend.Backend{
		Client: manager.GetClient(), Outlines: manager.GetCache(), Reader: manager.GetAPIReader(), Bundles: bundles,
		Creations: handed.creations, Issued: handed.issued,
	}}
	if options.Manual {
		if err := wing.registerManual(ctx); err != nil {
			return err
		}
		backends = append(backends, &manualbackend.Backend{
			Client: manager.GetClient(), Outlines: manager.GetCache(), Reader: manager.GetAPIReader(),
		})
	}
	return errors.Join(
		wing.registerVero(ctx, connector, bundles, orders, handed),
		gate.Register(manager, gate.Options{
			Client: manager.GetClient(), Outlines: manager.GetCache(), Reader: manager.GetAPIReader(),
			Clock: clock.RealClock{}, Events: events, Metrics: series, Proofs: handed.proofs, Fresh: handed.fresh,
			Turns: handed.turns, Backends: backends,
		}, options.workers()),
		manager.AddHealthzCheck("ping", healthz.Ping),
		manager.AddReadyzCheck("ping", healthz.Ping),
	)
}
