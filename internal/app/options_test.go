package app_test

import (
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"github.com/varmenne/varmenne-issuer/internal/app"
	"github.com/varmenne/varmenne-issuer/internal/must"
)

// parse is what main does with a command line and the environment.
func parse(t *testing.T, arguments ...string) (app.Options, error) {
	t.Helper()
	var options app.Options
	flags := pflag.NewFlagSet("controller", pflag.ContinueOnError)
	options.AddFlags(flags)
	must.Do(t, flags.Parse(arguments))
	return options, app.FromEnvironment(flags)
}

func TestDefaultsAreValid(t *testing.T) {
	options := must.Get(parse(t))(t)
	if err := options.Validate(); err != nil {
		t.Errorf("the defaults are refused: %v", err)
	}
	if got := strings.Join(options.AllowedEndpoints, " "); got != "pkiws-testi.vero.fi pkiws.vero.fi" {
		t.Errorf("VeroIssuers may have %q called, not the public endpoints", got)
	}
	if options.OrderRetention != 30*24*time.Hour {
		t.Errorf("orders are kept for %s, not for 30 days", options.OrderRetention)
	}
}

func TestEnvironmentStandsInForFlagsThatAreNotGiven(t *testing.T) {
	t.Setenv("VARMENNE_CALL_TIMEOUT", "7s")
	t.Setenv("VARMENNE_WORKERS", "3")
	t.Setenv("VARMENNE_WATCH_NAMESPACES", "one,two")
	options := must.Get(parse(t, "--workers=5"))(t)
	if options.CallTimeout != 7*time.Second {
		t.Errorf("the call timeout is %s, not that of the environment", options.CallTimeout)
	}
	if options.Workers != 5 {
		t.Errorf("%d workers: the environment has overruled the command line", options.Workers)
	}
	if got := strings.Join(options.WatchNamespaces, " "); got != "one two" {
		t.Errorf("the namespaces are %q, not those of the environment", got)
	}
}

func TestACertificateForMetricsNeedsSecureMetrics(t *testing.T) {
	for arguments, valid := range map[string]bool{
		"--metrics-secure": true, "--metrics-cert-dir=/tls": false, "--metrics-secure --metrics-cert-dir=/tls": true,
	} {
		options := must.Get(parse(t, strings.Fields(arguments)...))(t)
		if err := options.Validate(); (err == nil) != valid {
			t.Errorf("%s: error %v", arguments, err)
		}
	}
}

func TestProfilesStayOnLoopback(t *testing.T) {
	for address, valid := range map[string]bool{
		"": true, "127.0.0.1:6060": true, "127.9.9.9:0": true, "[::1]:6060": true, "[::ffff:127.0.0.1]:6060": true,
		":6060": false, "0.0.0.0:6060": false, "[::]:6060": false, "10.0.0.1:6060": false, "localhost:6060": false,
		"127.0.0.1": false, "0": false, "127.0.0.1.example:6060": false,
	} {
		options := must.Get(parse(t, "--pprof-bind-address="+address))(t)
		err := options.Validate()
		if (err == nil) != valid || err != nil && !strings.Contains(err.Error(), "--pprof-bind-address") {
			t.Errorf("%q: error %v", address, err)
		}
	}
}

func TestTheLeaseIsLostBeforeAnotherTakesIt(t *testing.T) {
	for arguments, complaint := range map[string]string{
		"--leader-elect-lease-duration=60s --leader-elect-renew-deadline=40s --leader-elect-retry-period=5s": "",
		"--leader-elect-lease-duration=10s":                                     "--leader-elect-lease-duration (10s)",
		"--leader-elect-renew-deadline=15s":                                     "two replicas would work at a time",
		"--leader-elect-renew-deadline=12s --leader-elect-retry-period=10s":     "longer than 12s",
		"--leader-elect-renew-deadline=12001ms --leader-elect-retry-period=10s": "",
		"--leader-elect-retry-period=0s":                                        "--leader-elect-retry-period must be",
		"--leader-elect-lease-duration=1s --leader-elect=false":                 "",
		"--leader-elect-retry-period=-1s --leader-elect-resource-name=":         "--leader-elect-resource-name",
	} {
		options := must.Get(parse(t, strings.Fields(arguments)...))(t)
		err := options.Validate()
		if (err == nil) != (complaint == "") || err != nil && !strings.Contains(err.Error(), complaint) {
			t.Errorf("%s: the error is %v, want one that says %q", arguments, err, complaint)
		}
	}
}

func TestEnvironmentThatCannotBeReadIsNamed(t *testing.T) {
	t.Setenv("VARMENNE_CALL_TIMEOUT", "soon")
	_, err := parse(t)
	must.Say(t, err, "VARMENNE_CALL_TIMEOUT")
}

func TestOptionsThatCannotWorkAreNamedTogether(t *testing.T) {
	options := must.Get(parse(t, "--workers=0", "--calls-per-issuer=0", "--call-timeout=0s", "--order-retention=-1h",
		"--namespace=", "--allowed-endpoints=pkiws.vero.fi,https://gateway.example/",
		"--leader-elect-resource-name=", "--log-level=loud", "--log-format=xml"))(t)
	err := options.Validate()
	if err == nil {
		t.Fatal("they are taken")
	}
	for _, flag := range []string{
		"--workers", "--calls-per-issuer", "--call-timeout", "--order-retention", "--namespace",
		"--allowed-endpoints", `"https://gateway.example/": write the host alone`,
		"--leader-elect-resource-name", "--log-level",
	} {
		if !strings.Contains(err.Error(), flag) {
			t.Errorf("the error does not name %s: %v", flag, err)
		}
	}
}

func TestLogFormatThatDoesNotExistIsNamed(t *testing.T) {
	options := must.Get(parse(t, "--log-format=xml"))(t)
	must.Say(t, options.Validate(), "--log-format")
}

func TestTheMessagesControllerWorksOnlyWhereItIsTold(t *testing.T) {
	for arguments, complaint := range map[string]string{
		"--namespaces=mail": "", "--namespaces=mail,tax --allowed-endpoints=gateway.example:8443": "",
		"": "--namespaces", "--namespaces=mail,": "no empty one", "--namespaces=mail --workers=0": "--workers",
		"--namespaces=mail --allowed-endpoints=https://gateway.example/": "--allowed-endpoints",
		"--namespaces=mail --leader-elect-lease-duration=1s":             "two replicas would work at a time",
	} {
		var options app.MessagesOptions
		flags := pflag.NewFlagSet("messages", pflag.ContinueOnError)
		options.AddFlags(flags)
		must.Do(t, flags.Parse(strings.Fields(arguments)))
		err := options.Validate()
		if (err == nil) != (complaint == "") || err != nil && !strings.Contains(err.Error(), complaint) {
			t.Errorf("%q: the error is %v, want one that says %q", arguments, err, complaint)
		}
		hosts := strings.Join(options.AllowedEndpoints, " ")
		if arguments == "" && hosts != "api.messages-qa.suomi.fi api.messages.suomi.fi" ||
			options.LeaseName != "varmenne-issuer-messages" {
			t.Errorf("the defaults are %+v", options)
		}
	}
}
