package simulator

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/go-logr/logr"
	"github.com/spf13/pflag"
	"k8s.io/utils/clock"

	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
	"github.com/varmenne/varmenne-issuer/internal/simulator/authority"
	"github.com/varmenne/varmenne-issuer/internal/simulator/protocol"
	"github.com/varmenne/varmenne-issuer/internal/simulator/response"
)

// RandomVariant as SignatureVariant writes every response in another of the variants.
const RandomVariant = "random"

// maximumValidity keeps customer certificates inside the lifetime of the CA.
const maximumValidity = 30 * 365 * 24 * time.Hour

// Options configure a simulator. Start from DefaultOptions: a zero duration means none, not the default.
type Options struct {
	// Address is where the service listens with TLS, host:port; port 0 picks a free one.
	Address string
	// AdminAddress is where the admin interface listens without TLS, host:port; it should stay on loopback, because
	// whoever reaches it mints credentials.
	AdminAddress string
	// InfoFile, when not empty, is written (as admin.Info) once both listeners are open, and removed at the end.
	InfoFile string
	// DataDirectory, when not empty, keeps the keys and certificates of the CAs, so that trust survives a restart.
	// Everything else is volatile.
	DataDirectory string
	// Authorities, when not nil, are the CAs, whatever DataDirectory says. Simulators may share them: making the keys is
	// what takes longest of making a simulator.
	Authorities *authority.Authorities
	// TLSNames are further host names or addresses in the server certificate, beside localhost, 127.0.0.1 and ::1.
	TLSNames []string
	// Environment is TEST or PRODUCTION; messages that say otherwise are answered with PKI005.
	Environment string
	// Validity is how long customer certificates live. The real service: 2 years.
	Validity time.Duration
	// RenewalWindow is how long before its end a certificate can be renewed. The real service: 60 days.
	RenewalWindow time.Duration
	// ProcessingDelay is how long the service works on an accepted request.
	ProcessingDelay time.Duration
	// MinimumRetrievalDelay is how long after the acceptance GetCertificate is answered with PKI099 in any case.
	MinimumRetrievalDelay time.Duration
	// MailDelay is how long after an application DVV mails the certificate. The real DVV: about a week.
	MailDelay time.Duration
	// TokenLifetime is how long tokens of the Messages API live, unless the account says otherwise.
	TokenLifetime time.Duration
	// CredentialValidity is how long minted credentials live unless the mint request says otherwise.
	CredentialValidity time.Duration
	// SignatureVariant is the name of a variant of package response, or RandomVariant.
	SignatureVariant string
	// Seed makes the choices of RandomVariant and of faults with a probability repeatable; 0 picks a seed.
	Seed uint64
	// Log takes the log; the zero value discards it.
	Log logr.Logger
	// Clock tells the time of everything but TLS; nil is the real one.
	Clock clock.Clock
	// Started, when not nil, runs beside the simulator from when it listens; its context ends with the simulator.
	Started func(context.Context, admin.Info)
}

// DefaultOptions are the options of the command line, which behave like the real service; only DVV is faster.
func DefaultOptions() Options {
	return Options{
		Address:               "127.0.0.1:8443",
		AdminAddress:          "127.0.0.1:8444",
		Environment:           protocol.EnvironmentTest,
		Validity:              2 * 365 * 24 * time.Hour,
		RenewalWindow:         1440 * time.Hour,
		ProcessingDelay:       5 * time.Second,
		MinimumRetrievalDelay: 10 * time.Second,
		MailDelay:             time.Minute,
		TokenLifetime:         time.Hour,
		CredentialValidity:    14 * 24 * time.Hour,
		SignatureVariant:      RandomVariant,
	}
}

// AddFlags sets the options to their defaults and registers a flag for each of them.
func (o *Options) AddFlags(flags *pflag.FlagSet) {
	given := *o
	*o = DefaultOptions()
	o.Authorities, o.Log, o.Clock, o.Started = given.Authorities, given.Log, given.Clock, given.Started
	flags.StringVar(&o.Address, "address", o.Address, "address of the service (HTTPS); port 0 picks a free port")
	flags.StringVar(&o.AdminAddress, "admin-address", o.AdminAddress,
		"address of the admin interface (HTTP, no authentication: keep it on loopback); port 0 picks a free port")
	flags.StringVar(&o.InfoFile, "info-file", o.InfoFile,
		"file to write the URLs to, as JSON, once the simulator listens; removed when it ends")
	flags.StringVar(&o.DataDirectory, "data-dir", o.DataDirectory,
		"directory that keeps the CA keys and certificates over restarts; empty makes new ones at each start")
	flags.StringSliceVar(&o.TLSNames, "tls-name", o.TLSNames,
		"further host name or address for the server certificate; may be repeated")
	flags.StringVar(&o.Environment, "environment", o.Environment, "environment that is simulated: TEST or PRODUCTION")
	flags.DurationVar(&o.Validity, "validity", o.Validity, "validity of issued certificates")
	flags.DurationVar(&o.RenewalWindow, "renewal-window", o.RenewalWindow,
		"how long before its end a certificate can be renewed")
	flags.DurationVar(&o.ProcessingDelay, "processing-delay", o.ProcessingDelay,
		"how long the service works on an accepted request")
	flags.DurationVar(&o.MinimumRetrievalDelay, "min-retrieval-delay", o.MinimumRetrievalDelay,
		"how long after the acceptance a certificate cannot be fetched in any case")
	flags.DurationVar(&o.MailDelay, "mail-delay", o.MailDelay,
		"how long after an application the certificate of DVV is mailed")
	flags.DurationVar(&o.TokenLifetime, "token-lifetime", o.TokenLifetime,
		"how long tokens of the Messages API live, unless the account says otherwise")
	flags.DurationVar(&o.CredentialValidity, "credential-validity", o.CredentialValidity,
		"how long transfer credentials live")
	flags.StringVar(&o.SignatureVariant, "signature-variant", o.SignatureVariant,
		"how responses are written: the name of a variant, or random")
	flags.Uint64Var(&o.Seed, "seed", o.Seed, "seed for random choices of variants and faults; 0 picks one")
}

// Validate says everything that is wrong with the options.
func (o *Options) Validate() error {
	var failures []error
	fail := func(format string, arguments ...any) { failures = append(failures, fmt.Errorf(format, arguments...)) }
	if _, _, err := net.SplitHostPort(o.Address); err != nil {
		fail("--address: %w; use host:port", err)
	}
	if _, _, err := net.SplitHostPort(o.AdminAddress); err != nil {
		fail("--admin-address: %w; use host:port", err)
	}
	if o.Environment != protocol.EnvironmentTest && o.Environment != protocol.EnvironmentProduction {
		fail("--environment %q: use TEST or PRODUCTION", o.Environment)
	}
	if o.Validity < time.Second || o.Validity > maximumValidity {
		fail("--validity %s: use 1s to %s", o.Validity, maximumValidity)
	}
	if o.CredentialValidity <= 0 {
		fail("--credential-validity %s: use a duration above 0", o.CredentialValidity)
	}
	if o.TokenLifetime < time.Second {
		fail("--token-lifetime %s: use 1s or more", o.TokenLifetime)
	}
	if min(o.RenewalWindow, o.ProcessingDelay, o.MinimumRetrievalDelay, o.MailDelay) < 0 {
		fail("--renewal-window %s, --processing-delay %s, --min-retrieval-delay %s, --mail-delay %s: none can be negative",
			o.RenewalWindow, o.ProcessingDelay, o.MinimumRetrievalDelay, o.MailDelay)
	}
	if _, known := response.VariantNamed(o.SignatureVariant); !known && o.SignatureVariant != RandomVariant {
		fail("--signature-variant %q: use %s or one of %v", o.SignatureVariant, RandomVariant, variantNames())
	}
	for _, name := range o.TLSNames {
		if name == "" {
			fail("--tls-name: a name is empty")
		}
	}
	return errors.Join(failures...)
}

func variantNames() []string {
	variants := response.Variants()
	names := make([]string, 0, len(variants))
	for _, variant := range variants {
		names = append(names, variant.Name)
	}
	return names
}
