package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/varmenne/varmenne-issuer/internal/plugin/commands"
)

// pluginPage lists the verbs of kubectl varmenne with their flags, as their help does.
func pluginPage() (string, error) {
	root := commands.New(commands.Options{})
	text := &strings.Builder{}
	fmt.Fprintf(text, generated, "the verbs themselves")
	fmt.Fprintf(text, "# kubectl varmenne\n\n%s\n\n[What waits for whom](../how-to/kubectl-plugin.md) shows how it is "+
		"used. "+
		"`--help` of each verb prints the same as this page.\n", root.Long)
	for _, verb := range root.Commands() {
		writeVerb(text, verb)
	}
	text.WriteString("\n## Flags of all verbs\n\nThey are kubectl's own, and mean the same.\n\n")
	writeFlags(text, root.PersistentFlags())
	return text.String(), nil
}

func writeVerb(text *strings.Builder, verb *cobra.Command) {
	fmt.Fprintf(text, "\n## %s\n\n`kubectl varmenne %s`\n\n%s\n\n```\n%s\n```\n", verb.Name(), verb.Use,
		inMarkdown(description(verb)), strings.ReplaceAll(strings.TrimSpace(verb.Example), "\n  ", "\n"))
	if verb.LocalNonPersistentFlags().HasAvailableFlags() {
		text.WriteString("\n")
		writeFlags(text, verb.LocalNonPersistentFlags())
	}
}

func description(verb *cobra.Command) string {
	if verb.Long == "" {
		return verb.Short + "."
	}
	return verb.Long
}

func writeFlags(text *strings.Builder, flags *pflag.FlagSet) {
	text.WriteString("| Flag | Default | Meaning |\n| --- | --- | --- |\n")
	flags.VisitAll(func(flag *pflag.Flag) {
		argument, usage := pflag.UnquoteUsage(flag)
		if argument != "" {
			argument = " " + argument
		}
		value := strings.Trim(flag.DefValue, "[]")
		if strings.Contains(value, "/.kube/") { // it is in the home of whoever runs it
			value = "~/.kube/cache"
		}
		if value != "" {
			value = "`" + value + "`"
		}
		short := ""
		if flag.Shorthand != "" {
			short = ", `-" + flag.Shorthand + "`"
		}
		fmt.Fprintf(text, "| `--%s%s`%s | %s | %s |\n", flag.Name, argument, short, value, inMarkdown(usage))
	})
}

// inMarkdown is a text of a help on a page.
func inMarkdown(text string) string {
	return strings.NewReplacer("|", `\|`, "<", `\<`).Replace(text)
}
