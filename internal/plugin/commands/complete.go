package commands

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/manual/delivery"
	"github.com/varmenne/varmenne-issuer/internal/pki"
	"github.com/varmenne/varmenne-issuer/internal/plugin/actions"
	"github.com/varmenne/varmenne-issuer/internal/plugin/overview"
)

// standardInput stands for it among files.
const standardInput = "-"

// completeOptions are the flags of complete.
type completeOptions struct {
	dryRun, yes, skipChain bool
	controllerNamespace    string
	wait                   time.Duration
}

func (p *program) completeOrder() *cobra.Command {
	var options completeOptions
	command := &cobra.Command{
		Use:   "complete NAME FILE...",
		Short: "Check what an authority has sent, and bring it to its order",
		Long: "Check what an authority has sent for a ManualOrder, as the controller would, and put it into the order: PEM " +
			"anywhere in a text or a mail, DER, base64, PKCS#7 (.p7b), several certificates in any order, in one file or " +
			"several, or from standard input (-). What cannot be used is refused with a reason before anything is sent to the " +
			"cluster; a private key never leaves this machine.\n\nIt shows what the authority has changed, and the " +
			"certificate " +
			"that is replaced. Where the authority has changed something, it asks first; --yes answers.\n\n" + nameOrOfOwner,
		Example: "  kubectl varmenne complete -n stamping interface certificate.pem\n" +
			"  kubectl varmenne complete -n stamping interface --dry-run - < mail.eml",
		Args: cobra.MinimumNArgs(2), //nolint:mnd // a name and a file
		RunE: func(command *cobra.Command, arguments []string) error {
			return p.bring(command.Context(), arguments[0], arguments[1:], options)
		},
		ValidArgsFunction: p.completeRows(overview.KindManualOrder, isOpen),
	}
	flags := command.Flags()
	flags.BoolVar(&options.dryRun, "dry-run", false, "check and show only")
	flags.BoolVarP(&options.yes, "yes", "y", false, "take what the authority has changed")
	flags.BoolVar(&options.skipChain, "skip-chain", false, "leave the chain to the controller, for who may not read the "+
		"issuer's bundles")
	flags.StringVar(&options.controllerNamespace, "controller-namespace", "varmenne-issuer", "`namespace` of the "+
		"controller, where the bundles of a ManualClusterIssuer are")
	flags.DurationVar(&options.wait, "wait", time.Minute, "how `long` to wait for what the controller says; 0 not to")
	return command
}

func (p *program) bring(ctx context.Context, name string, files []string, options completeOptions) error {
	came, err := p.readAll(files) // before anybody is asked anything
	if err != nil {
		return err
	}
	access, order, err := p.openOrder(ctx, name)
	if err != nil {
		return err
	}
	issued, err := actions.Check(ctx, access, order, came, actions.Checking{
		SkipChain: options.skipChain, ControllerNamespace: options.controllerNamespace, Now: p.Clock.Now(), Notef: p.warnf,
	})
	if err != nil {
		return err
	}
	p.showIssued(order, issued)
	if options.dryRun {
		p.sayf("Nothing was sent: --dry-run.")
		return nil
	}
	if err := p.confirm(issued, files, options); err != nil {
		return err
	}
	return p.send(ctx, access, order, issued, came, options)
}

// readAll reads the certificates of all files.
func (p *program) readAll(files []string) ([]*x509.Certificate, error) {
	var came []*x509.Certificate
	for _, file := range files {
		data, err := p.readFile(file)
		if err != nil {
			return nil, err
		}
		if file == standardInput {
			file = "standard input"
		}
		if came, err = actions.Read(came, file, data); err != nil {
			return nil, err
		}
	}
	return came, nil
}

// readFile reads a file, or standard input, as far as it may be long.
func (p *program) readFile(name string) ([]byte, error) {
	from := p.Streams.In
	if name != standardInput {
		opened, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer opened.Close()
		from = opened
	}
	data, err := io.ReadAll(io.LimitReader(from, delivery.MaximumBytes+1))
	if err != nil {
		return nil, fmt.Errorf("bring a file that can be read: %w", err)
	}
	return data, nil
}

// showIssued shows what is replaced by what, and what the authority has changed.
func (p *program) showIssued(order *v1alpha1.ManualOrder, issued delivery.Issued) {
	leaf := issued.Leaf
	if renews := order.Spec.Renews; renews != nil {
		p.sayf("in use:  serial number %s, until %s", renews.SerialNumber, actions.At(&renews.NotAfter))
	} else {
		p.sayf("in use:  none")
	}
	p.sayf("came:    serial number %s, from %s until %s\n         %s", pki.SerialNumber(leaf),
		actions.At(&metav1.Time{Time: leaf.NotBefore}), actions.At(&metav1.Time{Time: leaf.NotAfter}),
		pki.QuoteName(leaf.Subject))
	if !issued.ValidFrom.IsZero() {
		p.sayf("         it is handed over when it begins; the one in use stays until then")
	}
	for _, changed := range issued.Changes {
		p.sayf("changed: %s", changed)
	}
}

// confirm asks the person about what the authority has changed.
func (p *program) confirm(issued delivery.Issued, files []string, options completeOptions) error {
	if len(issued.Changes) == 0 || options.yes {
		return nil
	}
	if p.Terminal == nil || slices.Contains(files, standardInput) {
		return errors.New("the authority has changed what is shown above: if that is right, say so with --yes; nothing was " +
			"sent")
	}
	answer, err := p.Terminal.Ask("Take the certificate with these changes? [y/N] ")
	if err != nil {
		return fmt.Errorf("nothing was sent: %w", err)
	}
	if answer = strings.ToLower(strings.TrimSpace(answer)); answer != "y" && answer != "yes" {
		return errors.New("nothing was sent")
	}
	return nil
}

// send puts what came into the order, and tells what the controller says.
func (p *program) send(
	ctx context.Context, access client.Client, order *v1alpha1.ManualOrder, issued delivery.Issued,
	came []*x509.Certificate, options completeOptions,
) error {
	if err := actions.Complete(ctx, access, order, actions.Encode(issued.Leaf, came)); err != nil {
		return err
	}
	p.sayf("ManualOrder %s/%s has the certificate.", order.Namespace, order.Name)
	if options.wait <= 0 {
		return nil
	}
	generation := order.Generation
	settled, err := p.await(ctx, access, order, options.wait, func() bool {
		return order.Status.ObservedGeneration >= generation
	})
	switch {
	case err != nil:
		return err
	case !settled:
		p.warnf("warning: the controller has not said anything yet: kubectl varmenne why -n %s %s", order.Namespace,
			order.Name)
		return nil
	case len(order.Status.Certificate) == 0:
		return fmt.Errorf("the controller does not take it: %s", actions.ReadyMessage(order.Status.Conditions))
	default:
		p.sayf("%s: %s", order.Status.State, actions.ReadyMessage(order.Status.Conditions))
		return nil
	}
}
