package commands

import (
	"cmp"
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/pki"
	"github.com/varmenne/varmenne-issuer/internal/plugin/cluster"
	"github.com/varmenne/varmenne-issuer/internal/plugin/overview"
)

const (
	manualOrders  = "manualorders." + v1alpha1.GroupName
	nameOrOfOwner = "NAME is that of a ManualOrder, or of the Certificate that it is for."
)

// manualOrder is the order of a name, or the one that a Certificate of that name waits for.
func manualOrder(
	ctx context.Context, access client.Client, namespace, name string,
) (*v1alpha1.ManualOrder, error) {
	order := &v1alpha1.ManualOrder{}
	err := access.Get(ctx, types.NamespacedName{Namespace: namespace, Name: name}, order)
	if err == nil || !cluster.IsGone(err) {
		return order, cluster.Explain(err, "get", manualOrders, namespace, "get ManualOrder "+name)
	}
	list := &v1alpha1.ManualOrderList{}
	if err := access.List(ctx, list, client.InNamespace(namespace)); err != nil {
		return nil, cluster.Explain(err, "list", manualOrders, namespace, "list ManualOrders")
	}
	ofCertificate := slices.DeleteFunc(list.Items, func(order v1alpha1.ManualOrder) bool {
		return order.Annotations[cmapi.CertificateNameKey] != name
	})
	if len(ofCertificate) == 0 {
		return nil, fmt.Errorf("namespace %s has neither a ManualOrder %s nor one for a Certificate %s: `kubectl varmenne "+
			"status -n %s` shows what there is", namespace, name, name, namespace)
	}
	found := slices.MaxFunc(ofCertificate, func(one, other v1alpha1.ManualOrder) int {
		return cmp.Or(cmp.Compare(openness(&one), openness(&other)),
			one.CreationTimestamp.Compare(other.CreationTimestamp.Time))
	})
	return &found, nil
}

// openness is greater for an order that a person may still do something for.
func openness(order *v1alpha1.ManualOrder) int {
	switch order.Status.State {
	case v1alpha1.ManualOrderIssued:
		return 0
	case v1alpha1.ManualOrderStale:
		return 1
	default:
		return 2 //nolint:mnd // the most open
	}
}

// refuseEnded is an error for an order that nobody should carry or bring anything for any more.
func refuseEnded(order *v1alpha1.ManualOrder) error {
	switch order.Status.State {
	case v1alpha1.ManualOrderStale:
		return fmt.Errorf("ManualOrder %s is stale: %s", order.Name, readyMessage(order.Status.Conditions))
	case v1alpha1.ManualOrderIssued:
		return fmt.Errorf("ManualOrder %s has its certificate already, until %s", order.Name, at(order.Status.NotAfter))
	default:
		return nil
	}
}

func readyMessage(conditions []metav1.Condition) string {
	for i := range conditions {
		if conditions[i].Type == v1alpha1.ConditionReady {
			return visible(conditions[i].Message)
		}
	}
	return "its controller has not said why"
}

func at(moment *metav1.Time) string {
	if moment == nil {
		return "an unknown time"
	}
	return moment.UTC().Format(time.RFC3339)
}

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
		ValidArgsFunction: p.completeRows(overview.KindManualOrder),
		RunE: func(command *cobra.Command, arguments []string) error {
			return p.writeRequest(command.Context(), arguments[0], der)
		},
	}
	command.Flags().BoolVar(&der, "der", false, "write DER, which is binary")
	return command
}

func (p *program) writeRequest(ctx context.Context, name string, der bool) error {
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
	if noted := order.Spec.Application; noted != nil {
		p.warnf("warning: application %s is noted for ManualOrder %s already%s: to carry the same request there again "+
			"orders "+
			"two certificates", pki.Quote(noted.Reference), order.Name, by(noted))
	}
	content := order.Spec.Request
	if der {
		block, _ := pem.Decode(content)
		if block == nil {
			return fmt.Errorf("spec.request of ManualOrder %s is not PEM", order.Name)
		}
		content = block.Bytes
	}
	_, err = p.Streams.Out.Write(content)
	return err
}

func by(noted *v1alpha1.ManualApplication) string {
	if noted.By == "" {
		return ""
	}
	return ", by " + pki.Quote(noted.By)
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
		ValidArgsFunction: p.completeRows(overview.KindManualOrder),
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
	}
	return &v1alpha1.ManualApplication{Reference: o.reference, By: o.by, Time: &metav1.Time{Time: moment}}, nil
}

func (p *program) noteApplication(ctx context.Context, name string, options appliedOptions) error {
	application, err := options.application(p.Clock.Now())
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
	if application != nil {
		err = refuseEnded(order)
	} else if order.Spec.Application == nil {
		err = fmt.Errorf("no application is noted for ManualOrder %s", order.Name)
	}
	if err != nil {
		return err
	}
	if err := change(ctx, access, order, func() { order.Spec.Application = application }); err != nil {
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

// change patches an order as it was read: whoever was faster is not overruled.
func change(ctx context.Context, access client.Client, order *v1alpha1.ManualOrder, edit func()) error {
	before := order.DeepCopy()
	edit()
	err := access.Patch(ctx, order, optimistic(before))
	return explainConflict(err, manualOrders, "ManualOrder", order)
}
