package crash_test

import (
	"context"
	"crypto"
	"crypto/x509"
	"fmt"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/apitest"
	veroorder "github.com/varmenne/varmenne-issuer/internal/vero/order"
	"github.com/varmenne/varmenne-issuer/internal/vero/protocol"
)

// Names of steps.
const (
	createOrder     = "create VeroOrder"
	writeSubmitting = "VeroOrder Submitting"
	writeSubmitted  = "VeroOrder Submitted"
	signNew         = "SignNewCertificate"
	renew           = "RenewCertificate"
	get             = "GetCertificate"
)

// hand is a controller's access to the API server: what it writes are steps of its world. Reads see what is, and are
// answered by index as a manager's cache would.
type hand struct {
	client.Client

	world *world
}

func (h hand) Get(ctx context.Context, key client.ObjectKey, into client.Object, options ...client.GetOption) error {
	if err := h.world.look(); err != nil {
		return err
	}
	return h.Client.Get(ctx, key, into, options...)
}

func (h hand) List(ctx context.Context, into client.ObjectList, options ...client.ListOption) error {
	if err := h.world.look(); err != nil {
		return err
	}
	return apitest.Indexed{Client: h.Client, Indexes: h.world.indexes}.List(ctx, into, options...)
}

func (h hand) Create(ctx context.Context, object client.Object, options ...client.CreateOption) error {
	return h.world.do("create "+kindOf(object), object, func() error { return h.Client.Create(ctx, object, options...) })
}

func (h hand) Patch(
	ctx context.Context, object client.Object, patch client.Patch, options ...client.PatchOption,
) error {
	return h.world.do(kindOf(object)+" annotated", object, func() error {
		return h.Client.Patch(ctx, object, patch, options...)
	})
}

func (h hand) Delete(ctx context.Context, object client.Object, options ...client.DeleteOption) error {
	return h.world.do("delete "+kindOf(object), object, func() error { return h.Client.Delete(ctx, object, options...) })
}

func (h hand) Status() client.SubResourceWriter { return pen{h.Client.Status(), h.world} }

// lagging is a hand whose cache may lag behind.
type lagging struct{ hand }

func (l lagging) List(ctx context.Context, into client.ObjectList, options ...client.ListOption) error {
	orders, isOrders := into.(*v1alpha1.VeroOrderList)
	if !isOrders || l.world.stale == nil {
		return l.hand.List(ctx, into, options...)
	}
	asked := &client.ListOptions{}
	asked.ApplyOptions(options)
	for _, order := range l.world.stale {
		if asked.LabelSelector.Matches(labels.Set(order.Labels)) {
			orders.Items = append(orders.Items, order)
		}
	}
	return nil
}

// pen writes a status.
type pen struct {
	client.SubResourceWriter

	world *world
}

func (p pen) Update(ctx context.Context, object client.Object, options ...client.SubResourceUpdateOption) error {
	return p.world.do(kindOf(object)+" "+stateOf(object), object, func() error {
		return p.SubResourceWriter.Update(ctx, object, options...)
	})
}

func (p pen) Patch(
	ctx context.Context, object client.Object, patch client.Patch, options ...client.SubResourcePatchOption,
) error {
	return p.world.do(kindOf(object)+" "+stateOf(object), object, func() error {
		return p.SubResourceWriter.Patch(ctx, object, patch, options...)
	})
}

func kindOf(object client.Object) string {
	switch object.(type) {
	case *v1alpha1.VeroOrder:
		return "VeroOrder"
	case *cmapi.CertificateRequest:
		return "CertificateRequest"
	default:
		return fmt.Sprintf("%T", object)
	}
}

func stateOf(object client.Object) string {
	switch object := object.(type) {
	case *v1alpha1.VeroOrder:
		return string(object.Status.State)
	case *cmapi.CertificateRequest:
		return readyReason(object)
	default:
		return ""
	}
}

// scribe writes a controller's events, which are steps of its world where that is asked for. The real one does it while
// the controller goes on: whatever becomes of an event, nothing may depend on it.
type scribe struct {
	*events.FakeRecorder

	world *world
}

func (s scribe) Eventf(regarding, related runtime.Object, kind, reason, action, note string, arguments ...any) {
	write := func() error {
		s.FakeRecorder.Eventf(regarding, related, kind, reason, action, note, arguments...)
		return nil
	}
	if s.world.eventful {
		_ = s.world.do("event "+reason, nil, write)
		return
	}
	_ = write()
}

// line is a controller's way to the certificate service: its calls are steps of its world.
type line struct {
	veroorder.Service

	world *world
}

func (l line) SignNew(ctx context.Context, message *protocol.SignNew) (id string, err error) {
	err = l.world.do(signNew, nil, func() (err error) {
		id, err = l.Service.SignNew(ctx, message)
		return err
	})
	return id, err
}

func (l line) Renew(
	ctx context.Context, message *protocol.Renew, key crypto.Signer, leaf *x509.Certificate,
) (id string, err error) {
	err = l.world.do(renew, nil, func() (err error) {
		id, err = l.Service.Renew(ctx, message, key, leaf)
		return err
	})
	return id, err
}

func (l line) Get(ctx context.Context, message *protocol.Get) (raw []byte, err error) {
	err = l.world.do(get, nil, func() (err error) {
		raw, err = l.Service.Get(ctx, message)
		return err
	})
	return raw, err
}
