package commands

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/varmenne/varmenne-issuer/internal/plugin/overview"
)

// anyKind is for verbs that take the name of a row of every kind.
const anyKind = ""

// completion is what a shell asks for behind a verb.
type completion = func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective)

// completeFlags has the shell complete values of flags.
func completeFlags(root *cobra.Command) {
	values := map[string][]string{
		"output":  {formatWide, formatJSON, formatYAML},
		"fail-on": {string(overview.Warning), string(overview.Critical)},
	}
	for _, verb := range root.Commands() {
		for flag, known := range values {
			if verb.Flags().Lookup(flag) != nil {
				_ = verb.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(known, cobra.ShellCompDirectiveNoFileComp))
			}
		}
	}
}

// completeRows completes the names of objects of a kind that rows are about, or stand in their chains.
func (p *program) completeRows(kind string) completion {
	return func(command *cobra.Command, arguments []string, begun string) ([]string, cobra.ShellCompDirective) {
		if len(arguments) > 0 {
			return nil, cobra.ShellCompDirectiveDefault
		}
		inventory, _, err := p.list(command.Context(), false)
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		var names []string
		for _, row := range overview.Of(inventory.Objects(), p.Clock.Now()) {
			for _, step := range row.Chain {
				if (kind == anyKind && step == row.Chain[0] || kind == step.Kind) && strings.HasPrefix(step.Name, begun) {
					names = append(names, step.Name+"\t"+row.State)
				}
			}
		}
		slices.Sort(names)
		return slices.Compact(names), cobra.ShellCompDirectiveNoFileComp
	}
}
