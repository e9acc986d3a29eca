package app

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/endpoints"
	veroclient "github.com/varmenne/varmenne-issuer/internal/vero/client"
)

// Options of the controller. Zero values are not useful: start from AddFlags.
type Options struct {
	Process

	// WatchNamespaces limits the controller to namespaces; none means all.
	WatchNamespaces []string
	// Workers is how many objects of a kind are worked on at once; limiter.New says how namespaces share them for calls
	// and handshakes. CallsPerIssuer is how many submissions may run at once to the service of one issuer,
	// and as many polls beside.
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
}

const (
	defaultWorkers   = 32
	defaultCalls     = 8
	defaultRetention = 30 * 24 * time.Hour
	// environmentPrefix and a flag's name in upper case make the variable that stands in for the flag.
	environmentPrefix = "VARMENNE_"
)

// AddFlags declares the flags and sets the defaults.
func (o *Options) AddFlags(flags *pflag.FlagSet) {
	o.addFlags(flags, name, "`namespace` of the controller: its lease, and the bundles of VeroClusterIssuers")
	flags.StringSliceVar(&o.WatchNamespaces, "watch-namespaces", nil,
		"`namespaces` to work in, separated by commas; left out, all")
	flags.IntVar(&o.Workers, "workers", defaultWorkers,
		"the `number` of objects of each kind that are worked on at once; for calls, a namespace gets at most half of it")
	flags.IntVar(&o.CallsPerIssuer, "calls-per-issuer", defaultCalls,
		"the largest `number` of submissions at a time to the service of one issuer, and as many that ask for certificates")
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
	if _, err := endpoints.Parse(o.AllowedEndpoints); err != nil {
		failures = append(failures, fmt.Errorf("--allowed-endpoints: %w", err))
	}
	return errors.Join(append(failures, o.validate()...)...)
}
