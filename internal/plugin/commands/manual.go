package commands

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/pki"
	"github.com/varmenne/varmenne-issuer/internal/plugin/actions"
	"github.com/varmenne/varmenne-issuer/internal/plugin/overview"
)

const nameOrOfOwner = "NAME is that of a ManualOrder, or of the Certificate that it is for."

func (p *program) csr() *cobra.Command {
	var der bool
	command := &cobra.Command{
		Use:   "csr NAME",
		Short: "Write the certificate signing request that is to be carried to the authority",
		Long: "Write the certificate signing request of a ManualOrder, as PEM or DER, to standard output. A request that " +
			"nobody waits for any more is refused: an application is binding.\n\n" + nameOrOfOwner,
		Example: "  kubectl varmenne csr -n stamping interface > interface.csr\n" +
			"  kubectl varmenne csr -n stamping interface --der > interface.der",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: p.completeRows(overview.KindManualOrder, isOpen),
		RunE: func(command *cobra.Command, arguments []string) error {
			return p.writeRequest(command.Context(), arguments[0], der)
		},
	}
	command.Flags().BoolVar(&der, "der", false, "write DER, which is binary")
	return command
}

// manualOrder is the order that a name means, in the namespace that is meant.
func (p *program) manualOrder(ctx context.Context, name string) (client.Client, *v1alpha1.ManualOrder, error) {
	access, namespace, err := p.connect()
	if err != nil {
		return nil, nil, err
	}
	order, err := actions.ManualOrder(ctx, access, namespace, name)
	return access, order, err
}

// openOrder is manualOrder for who carries or brings something for it.
func (p *program) openOrder(ctx context.Context, name string) (client.Client, *v1alpha1.ManualOrder, error) {
	access, order, err := p.manualOrder(ctx, name)
	if err != nil {
		return nil, nil, err
	}
	return access, order, actions.RefuseEnded(order)
}

func (p *program) writeRequest(ctx context.Context, name string, der bool) error {
	_, order, err := p.openOrder(ctx, name)
	if err != nil {
		return err
	}
	if noted := order.Spec.Application; noted != nil {
		p.warnf("warning: application %s is noted for ManualOrder %s already%s: to carry the same request there again "+
			"orders "+
			"two certificates", pki.Quote(noted.Reference), order.Name, actions.By(noted))
	}
	content, binary, err := actions.Request(order)
	if err != nil {
		return err
	}
	if der {
		content = binary
	}
	_, err = p.Streams.Out.Write(content)
	return err
}

// appliedOptions are the flags of applied.
type appliedOptions struct {
	reference, by, date string
	stopped             bool
}

func (p *program) applied() *cobra.Command {
	var options appliedOptions
	command := &cobra.Command{
		Use:   "applied NAME",
		Short: "Note that a request was carried to the authority, or that an application was stopped",
		Long: "Note in a ManualOrder that its request was carried to the authority, so that everybody sees it. While one " +
			"application is noted another one is refused, because each orders a certificate.\n\n" + nameOrOfOwner,
		Example: "  kubectl varmenne applied -n stamping interface --reference \"DVV 1234\" --by Maija\n" +
			"  kubectl varmenne applied -n stamping interface --stopped",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: p.completeRows(overview.KindManualOrder, isUnissued),
		RunE: func(command *cobra.Command, arguments []string) error {
			return p.noteApplication(command.Context(), arguments[0], options)
		},
	}
	flags := command.Flags()
	flags.StringVar(&options.reference, "reference", "", "what names the application: its `number`, or the day it was "+
		"sent")
	flags.StringVar(&options.by, "by", "", "`who` has applied")
	flags.StringVar(&options.date, "date", "", "`day` of the application, as 2026-11-28. Left out: today")
	flags.BoolVar(&options.stopped, "stopped", false, "remove the note, because the application was stopped")
	return command
}

func (o appliedOptions) application(now time.Time) (*v1alpha1.ManualApplication, error) {
	switch {
	case o.stopped && (o.reference != "" || o.by != "" || o.date != ""):
		return nil, errors.New("--stopped removes the note: leave the other flags out")
	case o.stopped:
		return nil, nil //nolint:nilnil // no application is noted any more
	case o.reference == "":
		return nil, errors.New("name the application with --reference: its number, or the day on which it was sent")
	}
	moment := now
	if o.date != "" {
		var err error
		if moment, err = time.ParseInLocation(time.DateOnly, o.date, time.UTC); err != nil {
			return nil, fmt.Errorf("--date=%s: write it as 2026-11-28", o.date)
		}
		if moment.After(now.AddDate(0, 0, 1)) { // east of here it may be tomorrow
			return nil, fmt.Errorf("--date=%s: that day is still to come: write the one on which it was sent", o.date)
		}
	}
	return &v1alpha1.ManualApplication{Reference: o.reference, By: o.by, Time: &metav1.Time{Time: moment}}, nil
}

func (p *program) noteApplication(ctx context.Context, name string, options appliedOptions) error {
	application, err := options.application(p.Clock.Now())
	if err != nil {
		return err
	}
	access, order, err := p.manualOrder(ctx, name)
	if err != nil {
		return err
	}
	namespace := order.Namespace
	if err := actions.NoteApplication(ctx, access, order, application); err != nil {
		if noted := order.Spec.Application; apierrors.IsInvalid(err) && noted != nil {
			return fmt.Errorf("%w: `kubectl varmenne applied -n %s %s --stopped` removes it", err, namespace, order.Name)
		}
		return err
	}
	if application == nil {
		p.sayf("ManualOrder %s/%s: no application is noted any more", namespace, order.Name)
		return nil
	}
	p.sayf("ManualOrder %s/%s: application %s is noted; when the authority has answered: kubectl varmenne complete -n %s "+
		"%s "+
		"FILE", namespace, order.Name, pki.Quote(application.Reference), namespace, order.Name)
	return nil
}
