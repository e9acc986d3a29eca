package actions

import (
	"cmp"
	"context"
	"encoding/pem"
	"fmt"
	"slices"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/pki"
	"github.com/varmenne/varmenne-issuer/internal/plugin/cluster"
)

// ManualOrders is how kubectl names the resource.
const ManualOrders = "manualorders." + v1alpha1.GroupName

// ManualOrder is the order of a name, or the one that a Certificate of that name waits for.
func ManualOrder(
	ctx context.Context, access client.Client, namespace, name string,
) (*v1alpha1.ManualOrder, error) {
	order, err := ManualOrderNamed(ctx, access, namespace, name)
	if err == nil || !cluster.IsGone(err) {
		return order, err
	}
	list := &v1alpha1.ManualOrderList{}
	if err := access.List(ctx, list, client.InNamespace(namespace)); err != nil {
		return nil, cluster.Explain(err, "list", ManualOrders, namespace, "list ManualOrders")
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

// ManualOrderNamed is the order of a name.
func ManualOrderNamed(
	ctx context.Context, access client.Client, namespace, name string,
) (*v1alpha1.ManualOrder, error) {
	order := &v1alpha1.ManualOrder{}
	err := access.Get(ctx, types.NamespacedName{Namespace: namespace, Name: name}, order)
	return order, cluster.Explain(err, "get", ManualOrders, namespace, "get ManualOrder "+name)
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

// RefuseEnded is an error for an order that nobody should carry or bring anything for any more.
func RefuseEnded(order *v1alpha1.ManualOrder) error {
	switch order.Status.State {
	case v1alpha1.ManualOrderStale:
		return fmt.Errorf("ManualOrder %s is stale: %s", order.Name, ReadyMessage(order.Status.Conditions))
	case v1alpha1.ManualOrderIssued:
		return fmt.Errorf("ManualOrder %s has its certificate already, until %s", order.Name, At(order.Status.NotAfter))
	default:
		return nil
	}
}

// ReadyMessage is what a condition Ready says, in one line.
func ReadyMessage(conditions []metav1.Condition) string {
	if ready := meta.FindStatusCondition(conditions, v1alpha1.ConditionReady); ready != nil {
		return Visible(ready.Message)
	}
	return "its controller has not said why"
}

// At is a time as people read it in commands: RFC 3339, in UTC.
func At(moment *metav1.Time) string {
	if moment == nil {
		return "an unknown time"
	}
	return moment.UTC().Format(time.RFC3339)
}

// By names who has applied, where that is noted.
func By(noted *v1alpha1.ManualApplication) string {
	if noted.By == "" {
		return ""
	}
	return ", by " + pki.Quote(noted.By)
}

// Request is the CSR of an order, in PEM and in DER, and nothing of what may stand around it: whoever has made the
// request for a certificate wrote that.
func Request(order *v1alpha1.ManualOrder) (text, der []byte, err error) {
	request, err := pki.ParseCertificateRequest(order.Spec.Request)
	if err != nil {
		return nil, nil, fmt.Errorf("spec.request of ManualOrder %s: %w", order.Name, err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: request.Raw}), request.Raw, nil
}

// Change patches an order as it was read: whoever was faster is not overruled.
func Change(ctx context.Context, access client.Client, order *v1alpha1.ManualOrder, edit func()) error {
	before := order.DeepCopy()
	edit()
	err := access.Patch(ctx, order, optimistic(before))
	return ExplainConflict(err, ManualOrders, "ManualOrder", order)
}

// NoteApplication notes that a request was carried to the authority; without an application, that it was stopped.
func NoteApplication(
	ctx context.Context, access client.Client, order *v1alpha1.ManualOrder, application *v1alpha1.ManualApplication,
) error {
	if application != nil {
		if err := RefuseEnded(order); err != nil {
			return err
		}
	} else if order.Spec.Application == nil {
		return fmt.Errorf("no application is noted for ManualOrder %s", order.Name)
	}
	return Change(ctx, access, order, func() { order.Spec.Application = application })
}
