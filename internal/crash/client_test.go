package crash_test

import (
	"context"
	"crypto"
	"crypto/x509"
	"fmt"
	"slices"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/apitest"
	"github.com/varmenne/varmenne-issuer/internal/kube/outline"
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

	process *process
}

func (h stepClient) Get(
	ctx context.Context, key client.ObjectKey, into client.Object, options ...client.GetOption,
) error {
	if err := h.process.beforeRead(); err != nil {
		return err
	}
	return h.Client.Get(ctx, key, into, options...)
}

func (h stepClient) List(ctx context.Context, into client.ObjectList, options ...client.ListOption) error {
	if err := h.process.beforeRead(); err != nil {
		return err
	}
	return apitest.Indexed{Client: h.Client, Indexes: h.process.indexes}.List(ctx, into, options...)
}

func (h stepClient) Create(ctx context.Context, object client.Object, options ...client.CreateOption) error {
	return h.process.do("create "+kindOf(object), object, func() error {
		return h.Client.Create(ctx, object, options...)
	})
}

func (h stepClient) Update(ctx context.Context, object client.Object, options ...client.UpdateOption) error {
	done := " updated"
	if asked := (&client.UpdateOptions{}).ApplyOptions(options); len(asked.DryRun) > 0 {
		done = " update tried"
	}
	return h.process.do(kindOf(object)+done, object, func() error {
		return h.Client.Update(ctx, object, options...)
	})
}

func (h stepClient) Patch(
	ctx context.Context, object client.Object, patch client.Patch, options ...client.PatchOption,
) error {
	return h.process.do(kindOf(object)+" annotated", object, func() error {
		return h.Client.Patch(ctx, object, patch, options...)
	})
}

func (h stepClient) Delete(ctx context.Context, object client.Object, options ...client.DeleteOption) error {
	return h.process.do("delete "+kindOf(object), object, func() error {
		return h.Client.Delete(ctx, object, options...)
	})
}

func (h stepClient) Status() client.SubResourceWriter {
	return stepStatusWriter{h.Client.Status(), h.process}
}

// laggingClient is a stepClient whose cache may lag behind: it shows orders as they were, and as the cache keeps them.
type laggingClient struct{ stepClient }

func (l laggingClient) Get(
	ctx context.Context, key client.ObjectKey, into client.Object, options ...client.GetOption,
) error {
	manual, isManual := into.(*outline.ManualOrder)
	vero, isVero := into.(*v1alpha1.VeroOrder)
	if isVero {
		defer func() { _, _ = outline.Trim(vero) }()
	}
	if !isManual && !isVero || l.process.stale == nil {
		return l.stepClient.Get(ctx, key, into, options...)
	}
	for _, stale := range l.process.stale {
		if client.ObjectKeyFromObject(stale) != key {
			continue
		}
		switch was := stale.(type) {
		case *v1alpha1.ManualOrder:
			*manual = outline.OfManualOrder(was)
		case *v1alpha1.VeroOrder:
			was.DeepCopyInto(vero)
		}
		return nil
	}
	return apierrors.NewNotFound(v1alpha1.GroupVersion.WithResource("orders").GroupResource(), key.Name)
}

func (l laggingClient) List(ctx context.Context, into client.ObjectList, options ...client.ListOption) error {
	_, isVero := into.(*v1alpha1.VeroOrderList)
	_, isManual := into.(*outline.ManualOrderList)
	if isVero {
		defer trim(into)
	}
	if !isVero && !isManual || l.process.stale == nil {
		return l.stepClient.List(ctx, into, options...)
	}
	asked := &client.ListOptions{}
	asked.ApplyOptions(options)
	var found []runtime.Object
	for _, order := range l.process.stale {
		if manual, is := order.(*v1alpha1.ManualOrder); is {
			cached := outline.OfManualOrder(manual)
			order = &cached
		}
		if l.selected(asked, order) {
			found = append(found, order)
		}
	}
	return meta.SetList(into, found)
}

// trim leaves of orders what the cache keeps.
func trim(list client.ObjectList) {
	_ = meta.EachListItem(list, func(order runtime.Object) error {
		_, err := outline.Trim(order)
		return err
	})
}

func (l laggingClient) selected(asked *client.ListOptions, order client.Object) bool {
	if asked.LabelSelector != nil && !asked.LabelSelector.Matches(labels.Set(order.GetLabels())) {
		return false
	}
	if asked.FieldSelector == nil {
		return true
	}
	wanted := asked.FieldSelector.Requirements()[0]
	return slices.Contains(l.process.indexes[wanted.Field](order), wanted.Value)
}

// stepStatusWriter writes a status.
type stepStatusWriter struct {
	client.SubResourceWriter

	process *process
}

func (p stepStatusWriter) Update(
	ctx context.Context, object client.Object, options ...client.SubResourceUpdateOption,
) error {
	return p.process.do(kindOf(object)+" "+stateOf(object), object, func() error {
		return p.SubResourceWriter.Update(ctx, object, options...)
	})
}

func (p stepStatusWriter) Patch(
	ctx context.Context, object client.Object, patch client.Patch, options ...client.SubResourcePatchOption,
) error {
	return p.process.do(kindOf(object)+" "+stateOf(object), object, func() error {
		return p.SubResourceWriter.Patch(ctx, object, patch, options...)
	})
}

func kindOf(object client.Object) string {
	switch object.(type) {
	case *v1alpha1.VeroOrder:
		return "VeroOrder"
	case *v1alpha1.ManualOrder:
		return "ManualOrder"
	case *cmapi.CertificateRequest:
		return "CertificateRequest"
	case *v1alpha1.MessagesPassword:
		return v1alpha1.KindMessagesPassword
	case *corev1.Secret:
		return "Secret " + object.GetName()
	default:
		return fmt.Sprintf("%T", object)
	}
}

func stateOf(object client.Object) string {
	switch object := object.(type) {
	case *v1alpha1.VeroOrder:
		return string(object.Status.State)
	case *v1alpha1.ManualOrder:
		return string(object.Status.State)
	case *v1alpha1.MessagesPassword:
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

	process *process
}

func (s stepRecorder) Eventf(regarding, related runtime.Object, kind, reason, action, note string, arguments ...any) {
	write := func() error {
		s.FakeRecorder.Eventf(regarding, related, kind, reason, action, note, arguments...)
		return nil
	}
	if s.process.eventful {
		_ = s.process.do("event "+reason, nil, write)
		return
	}
	_ = write()
}

// stepService is a controller's way to the certificate service: its calls are steps of its controller.
type stepService struct {
	veroorder.Service

	process *process
}

func (l stepService) SignNew(ctx context.Context, message *protocol.SignNew) (id string, err error) {
	err = l.process.do(signNew, nil, func() (err error) {
		id, err = l.Service.SignNew(ctx, message)
		return err
	})
	return id, err
}

func (l stepService) Renew(
	ctx context.Context, message *protocol.Renew, key crypto.Signer, leaf *x509.Certificate,
) (id string, err error) {
	err = l.process.do(renew, nil, func() (err error) {
		id, err = l.Service.Renew(ctx, message, key, leaf)
		return err
	})
	return id, err
}

func (l stepService) Get(ctx context.Context, message *protocol.Get) (raw []byte, err error) {
	err = l.process.do(get, nil, func() (err error) {
		raw, err = l.Service.Get(ctx, message)
		return err
	})
	return raw, err
}
