package app

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/pflag"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/endpoints"
	"github.com/varmenne/varmenne-issuer/internal/kube/status"
	messagesclient "github.com/varmenne/varmenne-issuer/internal/messages/client"
	"github.com/varmenne/varmenne-issuer/internal/messages/rotation"
	"github.com/varmenne/varmenne-issuer/internal/messages/rotator"
	"github.com/varmenne/varmenne-issuer/internal/metrics"
)

// MessagesOptions are those of the controller that rotates passwords of Suomi.fi Messages. Zero values are not useful:
// start from AddFlags.
type MessagesOptions struct {
	Process

	// Namespaces are all that it works in.
	Namespaces []string
	// AllowedEndpoints are the hosts that MessagesPasswords may have called, as endpoints.Parse reads them.
	AllowedEndpoints []string
	// Workers is how many passwords are worked on at once.
	Workers int
}

const (
	messagesName           = name + "-messages"
	defaultMessagesWorkers = 4
)

// AddFlags declares the flags and sets the defaults.
func (o *MessagesOptions) AddFlags(flags *pflag.FlagSet) {
	o.addFlags(flags, messagesName, "`namespace` of the controller, in which its lease is")
	flags.StringSliceVar(&o.Namespaces, "namespaces", nil,
		"`namespaces` to work in, separated by commas; at least one, because Secrets are read and written in no other")
	flags.StringSliceVar(&o.AllowedEndpoints, "allowed-endpoints", messagesclient.PublicHosts(),
		"`hosts` that MessagesPasswords may have called, separated by commas: host (with port 443), host:port, host:* (any "+
			"port), or * for every host; loopback, link-local and metadata addresses only where the address itself is listed")
	flags.IntVar(&o.Workers, "workers", defaultMessagesWorkers, "the `number` of passwords that are worked on at once")
}

// Validate reports every option that cannot work.
func (o *MessagesOptions) Validate() error {
	var failures []error
	if len(o.Namespaces) == 0 || slices.Contains(o.Namespaces, "") {
		failures = append(failures, errors.New("--namespaces must name at least one namespace, and no empty one"))
	}
	if o.Workers < 1 {
		failures = append(failures, errors.New("--workers must be at least 1"))
	}
	if _, err := endpoints.Parse(o.AllowedEndpoints); err != nil {
		failures = append(failures, fmt.Errorf("--allowed-endpoints: %w", err))
	}
	return errors.Join(append(failures, o.validate()...)...)
}

// RunMessages rotates passwords until the context ends, then finishes and records the calls that are under way.
func RunMessages(ctx context.Context, options MessagesOptions) error {
	if err := options.Validate(); err != nil {
		return err
	}
	log, err := options.setUp()
	if err != nil {
		return err
	}
	series, err := newMessagesMetrics()
	if err != nil {
		return err
	}
	manager, err := options.manager(series)
	if err != nil {
		return err
	}
	if err := options.register(manager, series); err != nil {
		return err
	}
	log.Info("starting", "version", options.Version, "namespace", options.Namespace, "namespaces", options.Namespaces)
	if err := manager.Start(ctx); err != nil {
		return fmt.Errorf("run the controller: %w", err)
	}
	log.Info("stopped")
	return nil
}

// messagesDrain is how long a shutdown may take, so that what was sent is answered and recorded. Whoever is ended
// before has written down what was about to be sent.
const messagesDrain = rotation.CallTimeout + shutdownMargin

// manager makes a manager whose client caches nothing but MessagesPasswords, in the namespaces that are named.
func (o *MessagesOptions) manager(series *metrics.Messages) (ctrl.Manager, error) {
	namespaces := map[string]cache.Config{}
	for _, namespace := range o.Namespaces {
		namespaces[namespace] = cache.Config{}
	}
	return o.newManager(messagesDrain, func(special *ctrl.Options) {
		special.Cache = cache.Options{
			DefaultNamespaces: namespaces, DefaultTransform: cache.TransformStripManagedFields(),
			DefaultWatchErrorHandler: countWatchErrors(series),
		}
		special.Client = client.Options{Cache: &client.CacheOptions{
			DisableFor: []client.Object{&corev1.Secret{}, &corev1.ConfigMap{}},
		}}
	})
}

// newMessagesMetrics makes the counters, which begin at zero for all that there can be.
func newMessagesMetrics() (*metrics.Messages, error) {
	outcomes := make([]string, 0, len(messagesclient.Outcomes()))
	for _, outcome := range messagesclient.Outcomes() {
		outcomes = append(outcomes, string(outcome))
	}
	series, err := metrics.NewMessages(ctrlmetrics.Registry, rotator.Operations(), outcomes)
	if err != nil {
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	return series, nil
}

// register adds controller, probes and metrics to the manager.
func (o *MessagesOptions) register(manager ctrl.Manager, series *metrics.Messages) error {
	collector := metrics.Passwords{
		List: listed(manager, func() *v1alpha1.MessagesPasswordList { return &v1alpha1.MessagesPasswordList{} }),
	}
	info := metrics.BuildInfo(metrics.ComponentMessages, o.Version, o.Commit)
	if err := errors.Join(ctrlmetrics.Registry.Register(collector), ctrlmetrics.Registry.Register(info)); err != nil {
		return fmt.Errorf("register metrics: %w", err)
	}
	allowed, err := endpoints.Parse(o.AllowedEndpoints)
	if err != nil {
		return fmt.Errorf("--allowed-endpoints: %w", err)
	}
	return errors.Join(
		rotator.Register(manager, rotator.Options{
			Client: manager.GetClient(), Reader: manager.GetAPIReader(), Connect: o.connector(allowed),
			Random: rand.Reader, Clock: clock.RealClock{}, Metrics: series,
			Events: status.Events{Recorder: manager.GetEventRecorder(messagesName)},
		}, backingOff(o.Workers)),
		manager.AddHealthzCheck("ping", healthz.Ping),
		manager.AddReadyzCheck("ping", healthz.Ping),
	)
}

// messagesTimeout bounds one call, so that two fit into the time that a decision has for its calls.
const messagesTimeout = 25 * time.Second

// connector makes clients of the service, every one within the rule for hosts: whoever makes a MessagesPassword chooses
// its URL.
func (o *MessagesOptions) connector(
	allowed endpoints.List,
) func(*v1alpha1.MessagesPassword, []*x509.Certificate) (rotator.Service, error) {
	return func(object *v1alpha1.MessagesPassword, roots []*x509.Certificate) (rotator.Service, error) {
		return messagesclient.New(messagesclient.Options{
			URL: rotator.URL(object), TLS: roots, Endpoints: endpoints.Rule{Allowed: allowed, Bound: true},
			Timeout: messagesTimeout, ResponseTimeout: messagesTimeout, UserAgent: name + "/" + o.Version,
		})
	}
}
