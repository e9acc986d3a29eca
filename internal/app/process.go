package app

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"runtime"
	"time"

	"github.com/go-logr/logr"
	"github.com/spf13/pflag"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/config"
)

// Process is what every controller process of ours has: a way to the API server, a lease, metrics, probes and a log.
type Process struct {
	// Kubeconfig is a file; empty means the Pod's service account.
	Kubeconfig string
	// Namespace is the controller's own, in which its lease is, among others.
	Namespace string
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
	// PprofAddress is host:port of profiles for go tool pprof, on a loopback address; empty switches the server off.
	PprofAddress string
	// LogLevel is debug, info, warn or error; LogFormat is json or text.
	LogLevel, LogFormat string
	// Version is told to the service as part of the User-Agent, and with Commit to whoever reads the metrics.
	Version, Commit string
}

const (
	defaultNamespace = "varmenne-issuer"
	// As in Kubernetes' own components.
	defaultLeaseDuration = 15 * time.Second
	defaultRenewDeadline = 10 * time.Second
	defaultRetryPeriod   = 2 * time.Second
)

// addFlags declares the flags and sets the defaults. The lease's name and what is in the namespace differ from process
// to process.
func (p *Process) addFlags(flags *pflag.FlagSet, lease, namespace string) {
	flags.StringVar(&p.Kubeconfig, "kubeconfig", "",
		"kubeconfig `file`; left out, the service account of the Pod")
	flags.StringVar(&p.Namespace, "namespace", defaultNamespace, namespace)
	flags.BoolVar(&p.LeaderElect, "leader-elect", true, "work only while holding the lease, so that replicas can wait")
	flags.StringVar(&p.LeaseName, "leader-elect-resource-name", lease,
		"`name` of the lease, which the replicas of one installation share")
	flags.DurationVar(&p.LeaseDuration, "leader-elect-lease-duration", defaultLeaseDuration,
		"`time` that a lease which is not renewed is left alone; the longest that nobody works after a failure")
	flags.DurationVar(&p.RenewDeadline, "leader-elect-renew-deadline", defaultRenewDeadline,
		"`time` to go on trying to renew the lease before stopping; shorter than the lease's duration")
	flags.DurationVar(&p.RetryPeriod, "leader-elect-retry-period", defaultRetryPeriod,
		"`time` between two tries to take or renew the lease; 1.2 of them are shorter than the renew deadline")
	flags.StringVar(&p.MetricsAddress, "metrics-bind-address", ":8080", "`address` of the metrics server, 0 for none")
	flags.BoolVar(&p.MetricsSecure, "metrics-secure", false,
		"serve metrics by HTTPS, only to callers who may get the URL /metrics (TokenReview, SubjectAccessReview)")
	flags.StringVar(&p.MetricsCertDirectory, "metrics-cert-dir", "",
		"`directory` with tls.crt and tls.key for --metrics-secure; left out, a self-signed certificate")
	flags.StringVar(&p.ProbeAddress, "health-probe-bind-address", ":8081",
		"`address` of /healthz and /readyz, 0 for none")
	flags.StringVar(&p.PprofAddress, "pprof-bind-address", "",
		"`address` of profiles below /debug/pprof/, on loopback only, such as 127.0.0.1:6060; left out, none")
	flags.StringVar(&p.LogLevel, "log-level", "info", "debug, info, warn or error")
	flags.StringVar(&p.LogFormat, "log-format", "json", "json or text")
}

// validate reports everything that cannot work.
func (p *Process) validate() []error {
	var failures []error
	if p.Namespace == "" {
		failures = append(failures, errors.New("--namespace must not be empty"))
	}
	failures = append(failures, p.validateLease()...)
	if p.MetricsCertDirectory != "" && !p.MetricsSecure {
		failures = append(failures, errors.New("--metrics-cert-dir needs --metrics-secure"))
	}
	if err := p.validatePprof(); err != nil {
		failures = append(failures, err)
	}
	if _, err := p.logHandler(); err != nil {
		failures = append(failures, err)
	}
	return failures
}

// validatePprof keeps profiles on the machine: they tell what the process does, nobody is asked who they are, and
// making one takes CPU. A name is not taken, because somebody else says what address it stands for.
func (p *Process) validatePprof() error {
	if p.PprofAddress == "" {
		return nil
	}
	address, err := netip.ParseAddrPort(p.PprofAddress)
	if err != nil || !address.Addr().Unmap().IsLoopback() {
		return fmt.Errorf("--pprof-bind-address must be a loopback address with a port, such as 127.0.0.1:6060 or "+
			"[::1]:6060, not %q: kubectl port-forward reaches it there", p.PprofAddress)
	}
	return nil
}

// validateLease holds the lease to the rules of leader election: whoever works has to notice that the lease is lost
// before somebody else may take it, and to have tried at least once more before.
func (p *Process) validateLease() []error {
	if !p.LeaderElect {
		return nil
	}
	var failures []error
	if p.LeaseName == "" {
		failures = append(failures, errors.New("--leader-elect-resource-name must not be empty"))
	}
	if p.LeaseDuration <= p.RenewDeadline {
		failures = append(failures, fmt.Errorf("--leader-elect-lease-duration (%s) must be longer than "+
			"--leader-elect-renew-deadline (%s): two replicas would work at a time", p.LeaseDuration, p.RenewDeadline))
	}
	if longest := time.Duration(leaderelection.JitterFactor * float64(p.RetryPeriod)); p.RenewDeadline <= longest {
		failures = append(failures, fmt.Errorf("--leader-elect-renew-deadline (%s) must be longer than %s, which two "+
			"tries may be apart with --leader-elect-retry-period=%s", p.RenewDeadline, longest, p.RetryPeriod))
	}
	if p.RetryPeriod <= 0 {
		failures = append(failures, errors.New("--leader-elect-retry-period must be longer than nothing"))
	}
	return failures
}

// logHandler writes structured logs to standard error.
func (p *Process) logHandler() (slog.Handler, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(p.LogLevel)); err != nil {
		return nil, fmt.Errorf("--log-level must be debug, info, warn or error: %w", err)
	}
	options := &slog.HandlerOptions{Level: level}
	switch p.LogFormat {
	case "json":
		return slog.NewJSONHandler(os.Stderr, options), nil
	case "text":
		return slog.NewTextHandler(os.Stderr, options), nil
	default:
		return nil, errors.New("--log-format must be json or text")
	}
}

// setUp makes the log that everything writes to, and keeps to the memory that the process may have.
func (p *Process) setUp() (logr.Logger, error) {
	handler, err := p.logHandler()
	if err != nil {
		return logr.Logger{}, err
	}
	log := logr.FromSlogHandler(handler)
	ctrl.SetLogger(log)
	klog.SetLogger(log)
	mindMemory(log, os.DirFS("/sys/fs/cgroup"))
	collectSooner()
	if p.PprofAddress == "" {
		runtime.MemProfileRate = 0 // nobody can read what is recorded, which takes a megabyte or two
	}
	return log, nil
}

// newManager makes a manager; special sets what differs from process to process.
func (p *Process) newManager(graceful time.Duration, special func(*ctrl.Options)) (ctrl.Manager, error) {
	connection, err := restConfig(p.Kubeconfig, rest.InClusterConfig)
	if err != nil {
		return nil, err
	}
	kinds, err := newScheme()
	if err != nil {
		return nil, err
	}
	options := ctrl.Options{
		Scheme: kinds,
		// The priority queue lets what it found at its start wait, for as long as it is put back, behind all that is new:
		// on a busy day a renewal would miss the opening of its window.
		Controller:                    config.Controller{UsePriorityQueue: new(false)},
		Metrics:                       p.metricsServer(),
		HealthProbeBindAddress:        p.ProbeAddress,
		PprofBindAddress:              p.PprofAddress,
		LeaderElection:                p.LeaderElect,
		LeaderElectionID:              p.LeaseName,
		LeaderElectionNamespace:       p.Namespace,
		LeaderElectionReleaseOnCancel: true,
		LeaseDuration:                 &p.LeaseDuration,
		RenewDeadline:                 &p.RenewDeadline,
		RetryPeriod:                   &p.RetryPeriod,
		GracefulShutdownTimeout:       &graceful,
	}
	special(&options)
	manager, err := ctrl.NewManager(connection, options)
	if err != nil {
		return nil, fmt.Errorf("set up the controllers: %w", err)
	}
	return manager, nil
}
