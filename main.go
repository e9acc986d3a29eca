// Command varmenne-issuer is an external issuer for cert-manager that obtains certificates from the certificate service
// of the Finnish Tax Administration, and a simulator of that service for rehearsals and tests.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"

	"github.com/go-logr/logr"
	"github.com/spf13/pflag"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/varmenne/varmenne-issuer/internal/app"
	"github.com/varmenne/varmenne-issuer/internal/healthcheck"
	"github.com/varmenne/varmenne-issuer/internal/scaledown"
	"github.com/varmenne/varmenne-issuer/internal/simulator"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
	"github.com/varmenne/varmenne-issuer/internal/simulator/samples"
)

// version and commit are set when the program is linked.
//
//nolint:gochecknoglobals // the linker can set nothing else
var (
	version = "dev"
	commit  = "unknown"
)

const usage = `varmenne-issuer obtains certificates for cert-manager from the Finnish Tax Administration's service.

Usage:
  varmenne-issuer [controller] [flags]   run the controller
  varmenne-issuer messages [flags]       rotate the passwords of MessagesPasswords (Suomi.fi Messages)
  varmenne-issuer simulator [flags]      run a simulator of the certificate service
  varmenne-issuer healthcheck URL        wait until URL answers HTTP 200, which /readyz of a running controller does
  varmenne-issuer scale-down [flags]     end the Pods of a Deployment, which helm uninstall does first
  varmenne-issuer version                print the version

Every flag can also be given as an environment variable: --call-timeout as VARMENNE_CALL_TIMEOUT.
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil && !errors.Is(err, pflag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "varmenne-issuer:", err)
		os.Exit(1)
	}
}

// run picks the subcommand; the controller is what runs without one.
func run(ctx context.Context, arguments []string) error {
	command := "controller"
	if len(arguments) > 0 && !strings.HasPrefix(arguments[0], "-") {
		command, arguments = arguments[0], arguments[1:]
	}
	switch command {
	case "controller":
		options := app.Options{Process: app.Process{Version: version, Commit: commit}}
		return parsed(command, arguments, options.AddFlags, func() error { return app.Run(ctx, options) })
	case "messages":
		options := app.MessagesOptions{Process: app.Process{Version: version, Commit: commit}}
		return parsed(command, arguments, options.AddFlags, func() error { return app.RunMessages(ctx, options) })
	case "simulator":
		return simulate(ctx, arguments)
	case "healthcheck":
		return checkHealth(ctx, arguments)
	case "scale-down":
		return scaleDown(ctx, arguments)
	case "version":
		printVersion()
		return nil
	default:
		return fmt.Errorf("unknown command %q; see varmenne-issuer --help", command)
	}
}

// simulate runs the simulator, and applies samples beside it where that is asked for.
func simulate(ctx context.Context, arguments []string) error {
	log := textLog()
	options, applied := simulator.DefaultOptions(), samples.Options{}
	options.Log = log
	add := func(flags *pflag.FlagSet) {
		options.AddFlags(flags)
		applied.AddFlags(flags)
	}
	return parsed("simulator", arguments, add, func() error {
		if err := applied.Validate(); err != nil {
			return err
		}
		if !applied.Wanted() {
			return simulator.Run(ctx, options)
		}
		cluster, err := app.Client(applied.Kubeconfig)
		if err != nil {
			return err
		}
		options.Started = func(ctx context.Context, info admin.Info) { samples.Run(ctx, applied, cluster, info, log) }
		return simulator.Run(ctx, options)
	})
}

// scaleDown ends the controller's Pods.
func scaleDown(ctx context.Context, arguments []string) error {
	log := textLog()
	options := scaledown.Options{}
	return parsed("scale-down", arguments, options.AddFlags, func() error {
		if err := options.Validate(); err != nil {
			return err
		}
		cluster, err := app.Client(options.Kubeconfig)
		if err != nil {
			return err
		}
		return scaledown.Run(ctx, options, cluster, log)
	})
}

// textLog is the log of what is not the controller.
func textLog() logr.Logger {
	log := logr.FromSlogHandler(slog.NewTextHandler(os.Stderr, nil))
	ctrllog.SetLogger(log)
	return log
}

// checkHealth takes a URL before its flags.
func checkHealth(ctx context.Context, arguments []string) error {
	options := healthcheck.Options{}
	if len(arguments) > 0 && !strings.HasPrefix(arguments[0], "-") {
		options.URL, arguments = arguments[0], arguments[1:]
	}
	return parsed("healthcheck", arguments, options.AddFlags, func() error { return healthcheck.Check(ctx, options) })
}

// parsed reads flags and environment, then starts.
func parsed(command string, arguments []string, add func(*pflag.FlagSet), start func() error) error {
	flags := pflag.NewFlagSet(command, pflag.ContinueOnError)
	flags.Usage = func() { fmt.Fprintf(os.Stderr, "%s\nFlags of %s:\n%s", usage, command, flags.FlagUsages()) }
	add(flags)
	showVersion := flags.Bool("version", false, "print the version and end")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	if *showVersion {
		printVersion()
		return nil
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q; see varmenne-issuer --help", flags.Arg(0))
	}
	if err := app.FromEnvironment(flags); err != nil {
		return err
	}
	return start()
}

func printVersion() {
	fmt.Printf("varmenne-issuer %s (commit %s, %s)\n", version, commit, runtime.Version())
}
