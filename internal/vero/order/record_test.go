package order_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/kube/outline"
	"github.com/varmenne/varmenne-issuer/internal/metrics"
	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
	"github.com/varmenne/varmenne-issuer/internal/secrets"
	veroorder "github.com/varmenne/varmenne-issuer/internal/vero/order"
)

// TestAnAcceptedOrderThatGoesDuringItsPollStaysAway, also where it was changed before, as one that is deleted in the
// foreground: the cache keeps no signing request with which it could be made again.
func TestAnAcceptedOrderThatGoesDuringItsPollStaysAway(t *testing.T) {
	root := pkitest.Root(t, "Root")
	order := accepted(t, server.Namespace(t), "order")
	server.Create(t, issuer(order.Namespace, root))
	began := time.Now().Add(-time.Minute)
	order.Status.AcceptanceTime = &metav1.MicroTime{Time: began}
	c := control(t, order, began)
	must.Get(c.step())(t) // the first poll is not due
	goes := &going{Client: indexed(t)}
	options := &c.reconciler.Options
	options.Client, options.Clock, options.Shutdown = goes, clock.RealClock{}, t.Context()
	options.Metrics = must.Get(metrics.New(prometheus.NewPedanticRegistry()))(t)
	options.Connect = func(v1alpha1.GenericVeroIssuer, *secrets.Bundles) (veroorder.Service, error) {
		return answering{leaf: root.Issue(t, pkitest.Key("ours"), "0123456-7")}, nil
	}
	if _, err := c.step(); err != nil || goes.writes != 1 {
		t.Errorf("after %d writes there is the error %v", goes.writes, err)
	}
	if goes.again != nil {
		t.Errorf("it is made again, with a signing request of %d bytes: %v", len(goes.again.Spec.Request), goes.refusal)
	}
}

// going lets an order change and go before the first write of its status, and notes with what it is made again.
type going struct {
	client.Client

	writes  int
	again   *v1alpha1.VeroOrder
	refusal error
}

func (g *going) Get(
	ctx context.Context, name client.ObjectKey, object client.Object, options ...client.GetOption,
) error {
	defer func() { _, _ = outline.Trim(object) }() // as a manager's cache
	return g.Client.Get(ctx, name, object, options...)
}

func (g *going) Create(ctx context.Context, object client.Object, options ...client.CreateOption) error {
	g.again, _ = object.DeepCopyObject().(*v1alpha1.VeroOrder)
	g.refusal = g.Client.Create(ctx, object, options...)
	return apierrors.NewNotFound(schema.GroupResource{Resource: "namespaces"}, object.GetNamespace()) // it would go on
}

func (g *going) Status() client.SubResourceWriter { return goingStatus{g.Client.Status(), g} }

type goingStatus struct {
	client.SubResourceWriter

	going *going
}

func (s goingStatus) Update(ctx context.Context, object client.Object, _ ...client.SubResourceUpdateOption) error {
	s.going.writes++
	gone := &v1alpha1.VeroOrder{ObjectMeta: metav1.ObjectMeta{Namespace: object.GetNamespace(), Name: object.GetName()}}
	if err := client.IgnoreNotFound(s.going.Delete(ctx, gone)); err != nil {
		return err
	}
	return apierrors.NewConflict(schema.GroupResource{Resource: "veroorders"}, object.GetName(), errors.New("changed"))
}
