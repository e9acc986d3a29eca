package app

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"k8s.io/client-go/tools/leaderelection"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/endpoints"
	veroclient "github.com/varmenne/varmenne-issuer/internal/vero/client"
)

// Options of the controller. Zero values are not useful: start from AddFlags.
type Options struct {
	// Kubeconfig is a file; empty means the Pod's service account.
	Kubeconfig string
	// Namespace is the controller's own: leases and the bundles of cluster issuers are there.
	Namespace string
	// WatchNamespaces limits the controller to namespaces; none means all.
	WatchNamespaces []string
	// LeaderElect lets one of several replicas work at a time.
	LeaderElect bool
	// LeaseName is that of the lease in Namespace that the replicas share.
	LeaseName string
	// LeaseDuration is how long the others leave a lease alone that is not renewed, RenewDeadline how long the one that
	// works goes on trying to renew it before it stops, RetryPeriod how often all of them try.
	LeaseDuration, RenewDeadline, RetryPeriod time.Duration
	// MetricsAddress and ProbeAddress are host:port; "0" switches the server off.
	MetricsAddress string
	ProbeAddress   string
	// MetricsSecure serves metrics by HTTPS, to those who may get /metrics by the API server's authorization.
	MetricsSecure bool
	// MetricsCertDirectory has the certificate for that, tls.crt and tls.key, which is read again when it changes; empty
	// makes a self-signed one at each start.
	MetricsCertDirectory string
	// Workers is how many objects of a kind are worked on at once; limiter.New says how namespaces share them for calls
	// and handshakes. CallsPerIssuer is how many calls may run at once to the service of one issuer.
	Workers, CallsPerIssuer int
	// AllowedEndpoints are the hosts that VeroIssuers may have called, as endpoints.Parse reads them; VeroClusterIssuers
	// are bound by it where AllowedEndpointsCluster says so.
	AllowedEndpoints        []string
	AllowedEndpointsCluster bool
	// CallTimeout bounds a call to the certificate service.
	CallTimeout time.Duration
	// OrderRetention is how long a VeroOrder is kept after it has ended, and a ManualOrder after it was issued.
	OrderRetention time.Duration
	// Manual serves the kinds whose certificates a person fetches, and TrackedCertificates.
	Manual bool
	// LogLevel is debug, info, warn or error; LogFormat is json or text.
	LogLevel, LogFormat string
	// Version is told to the service as part of the User-Agent, and with Commit to whoever reads the metrics.
	Version, Commit string
}

const (
	defaultNamespace = "varmenne-issuer"
	defaultWorkers   = 32
	defaultCalls     = 8
	defaultRetention = 30 * 24 * time.Hour
	// As in Kubernetes' own components.
	defaultLeaseDuration = 15 * time.Second
	defaultRenewDeadline = 10 * time.Second
	defaultRetryPeriod   = 2 * time.Second
	// environmentPrefix and a flag's name in upper case make the variable that stands in for the flag.
	environmentPrefix = "VARMENNE_"
)

// AddFlags declares the flags and sets the defaults.
func (o *Options) AddFlags(flags *pflag.FlagSet) {
	flags.StringVar(&o.Kubeconfig, "kubeconfig", "",
		"kubeconfig `file`; left out, the service account of the Pod")
	flags.StringVar(&o.Namespace, "namespace", defaultNamespace,
		"`namespace` of the controller: its lease, and the bundles of VeroClusterIssuers")
	flags.StringSliceVar(&o.WatchNamespaces, "watch-namespaces", nil,
		"`namespaces` to work in, separated by commas; left out, all")
	flags.BoolVar(&o.LeaderElect, "leader-elect", true, "work only while holding the lease, so that replicas can wait")
	flags.StringVar(&o.LeaseName, "leader-elect-resource-name", name,
		"`name` of the lease, which the replicas of one installation share")
	flags.DurationVar(&o.LeaseDuration, "leader-elect-lease-duration", defaultLeaseDuration,
		"`time` that a lease which is not renewed is left alone; the longest that nobody works after a failure")
	flags.DurationVar(&o.RenewDeadline, "leader-elect-renew-deadline", defaultRenewDeadline,
		"`time` to go on trying to renew the lease before stopping; shorter than the lease's duration")
	flags.DurationVar(&o.RetryPeriod, "leader-elect-retry-period", defaultRetryPeriod,
		"`time` between two tries to take or renew the lease; 1.2 of them are shorter than the renew deadline")
	flags.StringVar(&o.MetricsAddress, "metrics-bind-address", ":8080", "`address` of the metrics server, 0 for none")
	flags.BoolVar(&o.MetricsSecure, "metrics-secure", false,
		"serve metrics by HTTPS, only to callers who may get the URL /metrics (TokenReview, SubjectAccessReview)")
	flags.StringVar(&o.MetricsCertDirectory, "metrics-cert-dir", "",
		"`directory` with tls.crt and tls.key for --metrics-secure; left out, a self-signed certificate")
	flags.StringVar(&o.ProbeAddress, "health-probe-bind-address", ":8081",
		"`address` of /healthz and /readyz, 0 for none")
	flags.IntVar(&o.Workers, "workers", defaultWorkers,
		"the `number` of objects of each kind that are worked on at once; for calls, a namespace gets at most half of it")
	flags.IntVar(&o.CallsPerIssuer, "calls-per-issuer", defaultCalls,
		"the largest `number` of calls at a time to the service of one issuer")
	flags.StringSliceVar(&o.AllowedEndpoints, "allowed-endpoints", v1alpha1.PublicHosts(),
		"`hosts` that VeroIssuers may have called, separated by commas: host (with port 443), host:port, host:* (any port), "+
			"or * for every host; loopback, link-local and metadata addresses only where the address itself is listed")
	flags.BoolVar(&o.AllowedEndpointsCluster, "allowed-endpoints-cluster", false,
		"let --allowed-endpoints bind VeroClusterIssuers, too; those addresses are refused to them in any case")
	flags.DurationVar(&o.CallTimeout, "call-timeout", veroclient.DefaultTimeout,
		"`time` that a call to the certificate service may take")
	flags.DurationVar(&o.OrderRetention, "order-retention", defaultRetention,
		"`time` that a VeroOrder is kept after it has ended, and a ManualOrder after it was issued")
	flags.BoolVar(&o.Manual, "manual", true,
		"serve ManualIssuers and ManualClusterIssuers, whose certificates a person fetches, and TrackedCertificates")
	flags.StringVar(&o.LogLevel, "log-level", "info", "debug, info, warn or error")
	flags.StringVar(&o.LogFormat, "log-format", "json", "json or text")
}

// FromEnvironment sets the flags that the command line has not set from variables: --call-timeout from
// VARMENNE_CALL_TIMEOUT, and so on.
func FromEnvironment(flags *pflag.FlagSet) error {
	var failures []error
	flags.VisitAll(func(flag *pflag.Flag) {
		name := environmentPrefix + strings.ToUpper(strings.ReplaceAll(flag.Name, "-", "_"))
		value, found := os.LookupEnv(name)
		if !found || flag.Changed {
			return
		}
		if err := flags.Set(flag.Name, value); err != nil {
			failures = append(failures, fmt.Errorf("environment variable %s: %w", name, err))
		}
	})
	return errors.Join(failures...)
}

// Validate reports every option that cannot work.
func (o *Options) Validate() error {
	var failures []error
	if o.Workers < 1 {
		failures = append(failures, errors.New("--workers must be at least 1"))
	}
	if o.CallsPerIssuer < 1 {
		failures = append(failures, errors.New("--calls-per-issuer must be at least 1"))
	}
	if o.CallTimeout <= 0 {
		failures = append(failures, errors.New("--call-timeout must be longer than nothing"))
	}
	if o.OrderRetention <= 0 {
		failures = append(failures, errors.New("--order-retention must be longer than nothing"))
	}
	if o.Namespace == "" {
		failures = append(failures, errors.New("--namespace must not be empty"))
	}
	if _, err := endpoints.Parse(o.AllowedEndpoints); err != nil {
		failures = append(failures, fmt.Errorf("--allowed-endpoints: %w", err))
	}
	failures = append(failures, o.validateLease()...)
	if o.MetricsCertDirectory != "" && !o.MetricsSecure {
		failures = append(failures, errors.New("--metrics-cert-dir needs --metrics-secure"))
	}
	if _, err := o.logHandler(); err != nil {
		failures = append(failures, err)
	}
	return errors.Join(failures...)
}

// validateLease holds the lease to the rules of leader election: whoever works has to notice that the lease is lost
// before somebody else may take it, and to have tried at least once more before.
func (o *Options) validateLease() []error {
	if !o.LeaderElect {
		return nil
	}
	var failures []error
	if o.LeaseName == "" {
		failures = append(failures, errors.New("--leader-elect-resource-name must not be empty"))
	}
	if o.LeaseDuration <= o.RenewDeadline {
		failures = append(failures, fmt.Errorf("--leader-elect-lease-duration (%s) must be longer than "+
			"--leader-elect-renew-deadline (%s): two replicas would work at a time", o.LeaseDuration, o.RenewDeadline))
	}
	if longest := time.Duration(leaderelection.JitterFactor * float64(o.RetryPeriod)); o.RenewDeadline <= longest {
		failures = append(failures, fmt.Errorf("--leader-elect-renew-deadline (%s) must be longer than %s, which two "+
			"tries may be apart with --leader-elect-retry-period=%s", o.RenewDeadline, longest, o.RetryPeriod))
	}
	if o.RetryPeriod <= 0 {
		failures = append(failures, errors.New("--leader-elect-retry-period must be longer than nothing"))
	}
	return failures
}

// logHandler writes structured logs to standard error.
func (o *Options) logHandler() (slog.Handler, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(o.LogLevel)); err != nil {
		return nil, fmt.Errorf("--log-level must be debug, info, warn or error: %w", err)
	}
	options := &slog.HandlerOptions{Level: level}
	switch o.LogFormat {
	case "json":
		return slog.NewJSONHandler(os.Stderr, options), nil
	case "text":
		return slog.NewTextHandler(os.Stderr, options), nil
	default:
		return nil, errors.New("--log-format must be json or text")
	}
}
