package commands

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/plugin/overview"
)

// anyKind is for verbs that take the name of a row of every kind.
const anyKind = ""

// completion is what a shell asks for behind a verb or a flag.
type completion = func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective)

// completeFlags has the shell complete values of flags.
func (p *program) completeFlags(root *cobra.Command) {
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
		if verb.Flags().Lookup("controller-namespace") != nil {
			_ = verb.RegisterFlagCompletionFunc("controller-namespace", p.complete(p.namespaces))
		}
	}
	for flag, names := range map[string]func(context.Context) []string{
		"namespace": p.namespaces,
		"context":   p.configured(func(c clientcmdapi.Config) []string { return slices.Collect(maps.Keys(c.Contexts)) }),
		"cluster":   p.configured(func(c clientcmdapi.Config) []string { return slices.Collect(maps.Keys(c.Clusters)) }),
		"user":      p.configured(func(c clientcmdapi.Config) []string { return slices.Collect(maps.Keys(c.AuthInfos)) }),
	} {
		_ = root.RegisterFlagCompletionFunc(flag, p.complete(names)) // it fails only for a flag that there is not
	}
}

// complete completes names of something.
func (*program) complete(names func(context.Context) []string) completion {
	return func(command *cobra.Command, _ []string, begun string) ([]string, cobra.ShellCompDirective) {
		found := slices.DeleteFunc(names(command.Context()), func(name string) bool {
			return !strings.HasPrefix(name, begun)
		})
		slices.Sort(found)
		return found, cobra.ShellCompDirectiveNoFileComp
	}
}

// namespaces are those of the cluster, none where they may not be listed.
func (p *program) namespaces(ctx context.Context) []string {
	access, _, err := p.connect()
	if err != nil {
		return nil
	}
	list := &corev1.NamespaceList{}
	if err := access.List(ctx, list); err != nil {
		return nil
	}
	names := make([]string, 0, len(list.Items))
	for i := range list.Items {
		names = append(names, list.Items[i].Name)
	}
	return names
}

// configured are names in the kubeconfig, none where it cannot be read.
func (p *program) configured(names func(clientcmdapi.Config) []string) func(context.Context) []string {
	return func(context.Context) []string {
		config, err := p.flags.ToRawKubeConfigLoader().RawConfig()
		if err != nil {
			return nil
		}
		return names(config)
	}
}

// offered says whether a verb can do something for an object in the chain of a row.
type offered = func(row *overview.Row, step overview.Step) bool

func isAny(*overview.Row, overview.Step) bool { return true }

// isOpen reports whether a person may still carry or bring something for an order.
func isOpen(row *overview.Row, step overview.Step) bool {
	return isUnissued(row, step) && step.State != string(v1alpha1.ManualOrderStale)
}

func isUnissued(_ *overview.Row, step overview.Step) bool {
	return step.State != string(v1alpha1.ManualOrderIssued) && step.State != string(v1alpha1.VeroOrderIssued)
}

func takesCredentials(row *overview.Row, _ overview.Step) bool {
	kind, _, _ := strings.Cut(row.Issuer, "/")
	return v1alpha1.NewVeroIssuer(kind) != nil
}

func isNoticeDue(row *overview.Row, _ overview.Step) bool {
	return row.State == v1alpha1.ConditionNoticeDue
}

// completeRows completes the names of objects of a kind that rows are about, or stand in their chains, and that the
// verb can do something for.
func (p *program) completeRows(kind string, is offered) completion {
	return func(command *cobra.Command, arguments []string, begun string) ([]string, cobra.ShellCompDirective) {
		if len(arguments) > 0 {
			return nil, cobra.ShellCompDirectiveDefault
		}
		inventory, _, err := p.list(command.Context(), false)
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		var names []string
		rows := overview.Of(inventory.Objects(), p.Clock.Now())
		for i := range rows {
			row := &rows[i]
			for _, step := range row.Chain {
				isMeant := kind == anyKind && step == row.Chain[0] || kind == step.Kind
				if isMeant && is(row, step) && strings.HasPrefix(step.Name, begun) {
					names = append(names, step.Name+"\t"+row.State)
				}
			}
		}
		slices.Sort(names)
		return slices.Compact(names), cobra.ShellCompDirectiveNoFileComp
	}
}
