package commands

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/internal/plugin/actions"
	"github.com/varmenne/varmenne-issuer/internal/plugin/cluster"
)

// Options of the program.
type Options struct {
	// Streams are where it reads from and writes to.
	Streams genericiooptions.IOStreams
	// Clock tells the time.
	Clock clock.WithTicker
	// Terminal asks the person who runs the program, nil where nobody can be asked.
	Terminal Terminal
	// Descriptor opens a file descriptor that was handed down, for reading.
	Descriptor func(number uint) io.ReadCloser
	// Browse opens an address in the person's browser, nil where there is none; end removes what that has left.
	Browse func(ctx context.Context, address string) (end func(), err error)
	// Version and Commit are those of the program.
	Version, Commit string
}

// Terminal is where a person sits.
type Terminal interface {
	// Ask shows a text and reads a line.
	Ask(prompt string) (string, error)
	// AskHidden is Ask without showing what is typed.
	AskHidden(prompt string) (string, error)
}

// Exit codes of the program.
const (
	// exitError: something did not work.
	exitError = 1
	// exitFound: `status --fail-on` has found what it looks for.
	exitFound = 2
)

// Complaint is what a command that has failed says of it on a terminal.
func Complaint(err error) string { return actions.VisibleLines("kubectl varmenne: " + err.Error()) }

// ExitCode is that of the program whose command has returned an error, zero for none.
func ExitCode(err error) int {
	switch _, found := errors.AsType[*foundError](err); {
	case err == nil:
		return 0
	case found:
		return exitFound
	default:
		return exitError
	}
}

// program is what the verbs share.
type program struct {
	Options

	flags *genericclioptions.ConfigFlags
}

// New is the root command.
func New(options Options) *cobra.Command {
	p := &program{Options: options, flags: genericclioptions.NewConfigFlags(true)}
	root := &cobra.Command{
		Use:   "kubectl-varmenne",
		Short: "What waits for whom: certificates and passwords of varmenne-issuer",
		Long: "What waits for whom: every certificate and password of varmenne-issuer in one table, and what a person " +
			"has to do for them.\n\nIt works with your own rights, and names the one that is missing. No verb reads a " +
			"Secret, but for `complete` where an issuer has its bundle in one, which it says; `credentials` writes one.",
		Annotations:   map[string]string{cobra.CommandDisplayNameAnnotation: "kubectl varmenne"},
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
		RunE:          func(command *cobra.Command, _ []string) error { return command.Help() },
	}
	root.SetIn(options.Streams.In)
	root.SetOut(options.Streams.Out)
	root.SetErr(options.Streams.ErrOut)
	p.flags.AddFlags(root.PersistentFlags())
	for _, verb := range p.verbs() {
		verb.Args = withUsage(verb.Args)
		root.AddCommand(verb)
	}
	p.completeFlags(root)
	return root
}

// withUsage says what to write in the place of arguments that are too few or too many.
func withUsage(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(verb *cobra.Command, arguments []string) error {
		if err := check(verb, arguments); err != nil {
			return fmt.Errorf("%w: write `%s`; `%s --help` has an example", err, verb.UseLine(), verb.CommandPath())
		}
		return nil
	}
}

func (p *program) verbs() []*cobra.Command {
	return []*cobra.Command{
		p.status(), p.why(), p.csr(), p.applied(), p.completeOrder(), p.recover(), p.credentials(), p.rotate(), p.notice(),
		p.calendar(), p.ui(), p.migrate(), p.version(),
	}
}

// connect makes a client, and says which namespace is meant.
func (p *program) connect() (access client.WithWatch, namespace string, err error) {
	config, err := p.flags.ToRESTConfig()
	if err != nil {
		return nil, "", fmt.Errorf("find the cluster: %w", err)
	}
	if namespace, _, err = p.flags.ToRawKubeConfigLoader().Namespace(); err != nil {
		return nil, "", fmt.Errorf("find the namespace: %w", err)
	}
	access, err = cluster.Connect(config)
	return access, namespace, err
}

// list lists what an overview is made of, in the namespace that is meant or in all.
func (p *program) list(ctx context.Context, all bool) (*cluster.Inventory, client.WithWatch, error) {
	access, namespace, err := p.connect()
	if err != nil {
		return nil, nil, err
	}
	if all {
		namespace = ""
	}
	inventory, err := cluster.List(ctx, access, namespace)
	if err == nil && inventory.IsEmpty() {
		err = cluster.RefuseAbsent(ctx, access, namespace)
	}
	return inventory, access, err
}

// warnf tells the person something beside the result.
func (p *program) warnf(format string, arguments ...any) {
	fmt.Fprintln(p.Streams.ErrOut, actions.VisibleLines(fmt.Sprintf(format, arguments...)))
}

// sayf tells the person what was done.
func (p *program) sayf(format string, arguments ...any) {
	fmt.Fprintln(p.Streams.Out, actions.VisibleLines(fmt.Sprintf(format, arguments...)))
}

func (p *program) version() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version of the plugin", Args: cobra.NoArgs,
		Example: "  kubectl varmenne version",
		RunE: func(*cobra.Command, []string) error {
			p.sayf("kubectl-varmenne %s (commit %s)", p.Version, p.Commit)
			return nil
		},
	}
}
