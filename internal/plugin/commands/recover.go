package commands

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/plugin/actions"
	"github.com/varmenne/varmenne-issuer/internal/plugin/cluster"
	"github.com/varmenne/varmenne-issuer/internal/plugin/overview"
	"github.com/varmenne/varmenne-issuer/internal/vero/protocol"
)

const veroOrders = "veroorders." + v1alpha1.GroupName

// veroOrder is the order of a name, or the last one that was made for a Certificate of that name.
func veroOrder(ctx context.Context, access client.Client, namespace, name string) (*v1alpha1.VeroOrder, error) {
	order := &v1alpha1.VeroOrder{}
	err := access.Get(ctx, types.NamespacedName{Namespace: namespace, Name: name}, order)
	if err == nil || !cluster.IsGone(err) {
		return order, cluster.Explain(err, "get", veroOrders, namespace, "get VeroOrder "+name)
	}
	list := &v1alpha1.VeroOrderList{}
	if err := access.List(ctx, list, client.InNamespace(namespace)); err != nil {
		return nil, cluster.Explain(err, "list", veroOrders, namespace, "list VeroOrders")
	}
	ofCertificate := slices.DeleteFunc(list.Items, func(order v1alpha1.VeroOrder) bool {
		return order.Annotations[cmapi.CertificateNameKey] != name
	})
	if len(ofCertificate) == 0 {
		return nil, fmt.Errorf("namespace %s has neither a VeroOrder %s nor one for a Certificate %s", namespace, name, name)
	}
	found := slices.MaxFunc(ofCertificate, func(one, other v1alpha1.VeroOrder) int {
		return cmp.Or(one.CreationTimestamp.Compare(other.CreationTimestamp.Time), cmp.Compare(one.Name, other.Name))
	})
	return &found, nil
}

func (p *program) recover() *cobra.Command {
	var wait time.Duration
	command := &cobra.Command{
		Use:   "recover NAME RETRIEVAL-ID",
		Short: "Bring back the RetrievalId of a request that the service has accepted",
		Long: "Bring back the RetrievalId of a request that the certificate service has accepted, where its VeroOrder has " +
			"lost it: the service's staff can tell it. The order asks for its certificate with it, and sends nothing " +
			"meanwhile.\n\nNAME is that of a VeroOrder, or of the Certificate that it is for. It takes the right to patch " +
			"VeroOrders, which the role admin has.",
		Example:           "  kubectl varmenne recover -n payroll incomes 1234567890",
		Args:              cobra.ExactArgs(2), //nolint:mnd // a name and an id
		ValidArgsFunction: p.completeRows(overview.KindVeroOrder, isUnissued),
		RunE: func(command *cobra.Command, arguments []string) error {
			return p.adopt(command.Context(), arguments[0], arguments[1], wait)
		},
	}
	command.Flags().DurationVar(&wait, "wait", time.Minute, "how `long` to wait for what the controller says; 0 not to")
	return command
}

func (p *program) adopt(ctx context.Context, name, id string, wait time.Duration) error {
	if err := protocol.CheckRetrievalID(id); err != nil {
		return err
	}
	access, namespace, err := p.connect()
	if err != nil {
		return err
	}
	order, err := veroOrder(ctx, access, namespace, name)
	if err != nil {
		return err
	}
	switch status := &order.Status; {
	case status.State == v1alpha1.VeroOrderIssued:
		return fmt.Errorf("VeroOrder %s has its certificate already", order.Name)
	case status.RetrievalID == id:
		return fmt.Errorf("VeroOrder %s has this RetrievalId already: %s", order.Name,
			actions.ReadyMessage(status.Conditions))
	case status.RetrievalID != "" && !status.RetrievalIDUnverified:
		return fmt.Errorf("VeroOrder %s has the RetrievalId %s, which a verified response of the service has carried: it is "+
			"not replaced", order.Name, status.RetrievalID)
	}
	err = actions.Annotate(ctx, access, order, v1alpha1.AnnotationAdoptRetrievalID, id)
	if err != nil {
		return actions.ExplainConflict(err, veroOrders, "VeroOrder", order)
	}
	p.sayf("VeroOrder %s/%s is to ask for its certificate with the RetrievalId %s.", namespace, order.Name, id)
	if wait <= 0 {
		return nil
	}
	settled, err := p.await(ctx, access, order, wait, func() bool {
		return order.Annotations[v1alpha1.AnnotationAdoptRetrievalID] == "" || isRefusedID(order)
	})
	switch {
	case err != nil:
		return err
	case !settled:
		p.warnf("warning: the controller has not said anything yet: kubectl varmenne why -n %s %s", namespace, order.Name)
		return nil
	case isRefusedID(order):
		return fmt.Errorf("the controller does not take it: %s", actions.ReadyMessage(order.Status.Conditions))
	default:
		p.sayf("%s: %s", order.Status.State, actions.ReadyMessage(order.Status.Conditions))
		return nil
	}
}

func isRefusedID(order *v1alpha1.VeroOrder) bool {
	return slices.ContainsFunc(order.Status.Conditions, func(condition condition) bool {
		return condition.Type == v1alpha1.ConditionReady && condition.Reason == v1alpha1.ReasonRetrievalIDNotAdopted
	})
}

// trimLine is a line as it was typed or handed down, without its end.
func trimLine(line string) string { return strings.TrimRight(line, "\r\n") }
