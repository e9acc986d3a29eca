package commands

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/manual/delivery"
	"github.com/varmenne/varmenne-issuer/internal/pki"
	"github.com/varmenne/varmenne-issuer/internal/plugin/cluster"
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
		ValidArgsFunction: p.completeRows(overview.KindManualOrder),
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
	access, namespace, err := p.connect()
	if err != nil {
		return err
	}
	order, err := manualOrder(ctx, access, namespace, name)
	if err != nil {
		return err
	}
	if err := refuseEnded(order); err != nil {
		return err
	}
	issued, err := p.check(ctx, access, order, came, options)
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
		found, err := delivery.Read(data)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		for _, certificate := range found {
			if !slices.ContainsFunc(came, certificate.Equal) {
				came = append(came, certificate)
			}
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
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return data, nil
}

// check judges what came as the controller will.
func (p *program) check(
	ctx context.Context, access client.Client, order *v1alpha1.ManualOrder, came []*x509.Certificate,
	options completeOptions,
) (delivery.Issued, error) {
	ordered, err := p.ordered(ctx, access, order, came, options)
	if err != nil {
		return delivery.Issued{}, err
	}
	issued, err := delivery.Match(came, ordered, p.Clock.Now())
	if err != nil {
		return delivery.Issued{}, fmt.Errorf("what came cannot be used, and was not sent: %w", err)
	}
	return issued, nil
}

// showIssued shows what is replaced by what, and what the authority has changed.
func (p *program) showIssued(order *v1alpha1.ManualOrder, issued delivery.Issued) {
	leaf := issued.Leaf
	if renews := order.Spec.Renews; renews != nil {
		p.sayf("in use:  serial number %s, until %s", renews.SerialNumber, at(&renews.NotAfter))
	} else {
		p.sayf("in use:  none")
	}
	p.sayf("came:    serial number %s, from %s until %s\n         %s", pki.SerialNumber(leaf),
		at(&metav1.Time{Time: leaf.NotBefore}), at(&metav1.Time{Time: leaf.NotAfter}), pki.QuoteName(leaf.Subject))
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
	err := change(ctx, access, order, func() {
		order.Spec.Certificate, order.Spec.CertificateFrom = encode(issued.Leaf, came), nil
	})
	if err != nil {
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
		return fmt.Errorf("the controller does not take it: %s", readyMessage(order.Status.Conditions))
	default:
		p.sayf("%s: %s", order.Status.State, readyMessage(order.Status.Conditions))
		return nil
	}
}

// encode writes certificates as PEM, the one that was ordered first.
func encode(leaf *x509.Certificate, came []*x509.Certificate) string {
	text := &bytes.Buffer{}
	others := slices.DeleteFunc(slices.Clone(came), leaf.Equal)
	for _, certificate := range slices.Concat([]*x509.Certificate{leaf}, others) {
		block, _ := pki.EncodeChain([]*x509.Certificate{certificate})
		text.Write(block)
	}
	return text.String()
}

// certificateOf is the Certificate behind a request as cert-manager notes it, nil if there is none or nobody may see
// it. Only whether it has a literal subject is asked; whose key is certified, the controller proves.
func certificateOf(
	ctx context.Context, access client.Client, request *cmapi.CertificateRequest,
) (*cmapi.Certificate, error) {
	owner := metav1.GetControllerOf(request)
	if owner == nil || owner.Kind != cmapi.CertificateKind {
		return nil, nil //nolint:nilnil // there is none
	}
	certificate := &cmapi.Certificate{}
	err := access.Get(ctx, types.NamespacedName{Namespace: request.Namespace, Name: owner.Name}, certificate)
	if apierrors.IsNotFound(err) {
		return nil, nil //nolint:nilnil // as above
	}
	return certificate, cluster.Explain(err, "get", "certificates.cert-manager.io", request.Namespace,
		"get Certificate "+owner.Name)
}
