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

// stepClient is a controller's access to the API server: what it writes are steps of its controller. Reads see what is,
// and are answered by index as a manager's cache would.
type stepClient struct {
	client.Client

	controller *controller
}

func (h stepClient) Get(
	ctx context.Context, key client.ObjectKey, into client.Object, options ...client.GetOption,
) error {
	if err := h.controller.beforeRead(); err != nil {
		return err
	}
	return h.Client.Get(ctx, key, into, options...)
}

func (h stepClient) List(ctx context.Context, into client.ObjectList, options ...client.ListOption) error {
	if err := h.controller.beforeRead(); err != nil {
		return err
	}
	return apitest.Indexed{Client: h.Client, Indexes: h.controller.indexes}.List(ctx, into, options...)
}

func (h stepClient) Create(ctx context.Context, object client.Object, options ...client.CreateOption) error {
	return h.controller.do("create "+kindOf(object), object, func() error {
		return h.Client.Create(ctx, object, options...)
	})
}

func (h stepClient) Patch(
	ctx context.Context, object client.Object, patch client.Patch, options ...client.PatchOption,
) error {
	return h.controller.do(kindOf(object)+" annotated", object, func() error {
		return h.Client.Patch(ctx, object, patch, options...)
	})
}

func (h stepClient) Delete(ctx context.Context, object client.Object, options ...client.DeleteOption) error {
	return h.controller.do("delete "+kindOf(object), object, func() error {
		return h.Client.Delete(ctx, object, options...)
	})
}

func (h stepClient) Status() client.SubResourceWriter {
	return stepStatusWriter{h.Client.Status(), h.controller}
}

// laggingClient is a stepClient whose cache may lag behind.
type laggingClient struct{ stepClient }

func (l laggingClient) List(ctx context.Context, into client.ObjectList, options ...client.ListOption) error {
	orders, isOrders := into.(*v1alpha1.VeroOrderList)
	if !isOrders || l.controller.stale == nil {
		return l.stepClient.List(ctx, into, options...)
	}
	asked := &client.ListOptions{}
	asked.ApplyOptions(options)
	for _, order := range l.controller.stale {
		if asked.LabelSelector.Matches(labels.Set(order.Labels)) {
			orders.Items = append(orders.Items, order)
		}
	}
	return nil
}

// stepStatusWriter writes a status.
type stepStatusWriter struct {
	client.SubResourceWriter

	controller *controller
}

func (p stepStatusWriter) Update(
	ctx context.Context, object client.Object, options ...client.SubResourceUpdateOption,
) error {
	return p.controller.do(kindOf(object)+" "+stateOf(object), object, func() error {
		return p.SubResourceWriter.Update(ctx, object, options...)
	})
}

func (p stepStatusWriter) Patch(
	ctx context.Context, object client.Object, patch client.Patch, options ...client.SubResourcePatchOption,
) error {
	return p.controller.do(kindOf(object)+" "+stateOf(object), object, func() error {
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

// stepRecorder writes a controller's events, which are steps of its controller where that is asked for. The real one
// does it while the controller goes on: whatever becomes of an event, nothing may depend on it.
type stepRecorder struct {
	*events.FakeRecorder

	controller *controller
}

func (s stepRecorder) Eventf(regarding, related runtime.Object, kind, reason, action, note string, arguments ...any) {
	write := func() error {
		s.FakeRecorder.Eventf(regarding, related, kind, reason, action, note, arguments...)
		return nil
	}
	if s.controller.eventful {
		_ = s.controller.do("event "+reason, nil, write)
		return
	}
	_ = write()
}

// stepService is a controller's way to the certificate service: its calls are steps of its controller.
type stepService struct {
	veroorder.Service

	controller *controller
}

func (l stepService) SignNew(ctx context.Context, message *protocol.SignNew) (id string, err error) {
	err = l.controller.do(signNew, nil, func() (err error) {
		id, err = l.Service.SignNew(ctx, message)
		return err
	})
	return id, err
}

func (l stepService) Renew(
	ctx context.Context, message *protocol.Renew, key crypto.Signer, leaf *x509.Certificate,
) (id string, err error) {
	err = l.controller.do(renew, nil, func() (err error) {
		id, err = l.Service.Renew(ctx, message, key, leaf)
		return err
	})
	return id, err
}

func (l stepService) Get(ctx context.Context, message *protocol.Get) (raw []byte, err error) {
	err = l.controller.do(get, nil, func() (err error) {
		raw, err = l.Service.Get(ctx, message)
		return err
	})
	return raw, err
}
