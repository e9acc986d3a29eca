package main

import (
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"github.com/varmenne/varmenne-issuer/internal/app"
	"github.com/varmenne/varmenne-issuer/internal/healthcheck"
	"github.com/varmenne/varmenne-issuer/internal/scaledown"
	"github.com/varmenne/varmenne-issuer/internal/simulator"
	"github.com/varmenne/varmenne-issuer/internal/simulator/samples"
)

// command is a subcommand with flags.
type command struct {
	name, about string
	add         func(*pflag.FlagSet)
}

// flagsPage lists the flags of the subcommands as `--help` does, with the variables that stand in for them.
func flagsPage() (string, error) {
	simulated := simulator.DefaultOptions()
	text := &strings.Builder{}
	fmt.Fprintf(text, generated, "the flags themselves")
	text.WriteString("# Flags and environment variables\n\nEvery flag has an environment variable that stands in for " +
		"it. The flag goes before the variable. `varmenne-issuer --help` and\n`varmenne-issuer simulator --help` print " +
		"the same.\n")
	for _, c := range []command{
		{"controller", "`varmenne-issuer`, or `varmenne-issuer controller`, runs the controller.", (&app.Options{}).AddFlags},
		{"messages", "`varmenne-issuer messages` rotates the passwords of MessagesPasswords, in a process of its own.",
			(&app.MessagesOptions{}).AddFlags},
		{"simulator", "`varmenne-issuer simulator` runs a simulator of the certificate service, for rehearsals and tests. " +
			"It is not for production: its keys are worthless.", func(flags *pflag.FlagSet) {
			simulated.AddFlags(flags)
			(&samples.Options{}).AddFlags(flags)
		}},
		{"healthcheck", "`varmenne-issuer healthcheck URL` waits until a URL answers HTTP 200, as `/readyz` of a running " +
			"controller does. `helm test` uses it.", (&healthcheck.Options{}).AddFlags},
		{"scale-down", "`varmenne-issuer scale-down` scales a Deployment to no replicas and waits until its Pods have " +
			"ended. `helm uninstall` does that first.", (&scaledown.Options{}).AddFlags},
	} {
		writeCommand(text, c)
	}
	text.WriteString("\n## Proxies\n\nCalls to the certificate service go through the proxy that `HTTPS_PROXY` and " +
		"`NO_PROXY` name, as is usual; see [Proxy](../operations/proxy.md).\n")
	return text.String(), nil
}

func writeCommand(text *strings.Builder, c command) {
	fmt.Fprintf(text, "\n## %s\n\n%s\n\n", c.name, c.about)
	text.WriteString("| Flag | Variable | Default | Meaning |\n| --- | --- | --- | --- |\n")
	flags := pflag.NewFlagSet(c.name, pflag.ContinueOnError)
	c.add(flags)
	flags.VisitAll(func(flag *pflag.Flag) {
		argument, usage := pflag.UnquoteUsage(flag)
		if argument != "" {
			argument = " " + argument
		}
		value := strings.Trim(flag.DefValue, "[]")
		if value != "" {
			value = "`" + value + "`"
		}
		variable := "VARMENNE_" + strings.ToUpper(strings.ReplaceAll(flag.Name, "-", "_"))
		fmt.Fprintf(text, "| `--%s%s` | `%s` | %s | %s |\n", flag.Name, argument, variable, value,
			strings.ReplaceAll(usage, "|", `\|`))
	})
}
