package order_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	clocktesting "k8s.io/utils/clock/testing"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/kube/find"
	"github.com/varmenne/varmenne-issuer/internal/limiter"
	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
	"github.com/varmenne/varmenne-issuer/internal/secrets"
	veroorder "github.com/varmenne/varmenne-issuer/internal/vero/order"
)

const (
	retention  = 30 * 24 * time.Hour
	transferID = "12345678901"
	secretName = "vero-transfer"
)

var now = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// ended is an order that ended some time ago, having drawn on the Secret.
func ended(namespace string, ago time.Duration) *v1alpha1.VeroOrder {
	return &v1alpha1.VeroOrder{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "sign-1"},
		Spec: v1alpha1.VeroOrderSpec{
			IssuerRef: v1alpha1.OrderIssuerReference{Kind: v1alpha1.KindVeroIssuer, Name: "vero", UID: "issuer-1"},
			Operation: v1alpha1.VeroOperationSignNew, Environment: v1alpha1.VeroEnvironmentTest, CustomerID: "0123456-7",
			Request: []byte("not looked at"), RequestUID: "request-1", Attempt: 1,
			PublicKeyDigest: strings.Repeat("a", 64),
			Transfer: &v1alpha1.TransferAuthorization{
				SecretName: secretName, TransferIDDigest: secrets.Transfer{ID: transferID}.IDDigest(),
			},
		},
		Status: v1alpha1.VeroOrderStatus{State: v1alpha1.VeroOrderIssued, CompletionTime: &metav1.Time{Time: now.Add(-ago)}},
	}
}

func holding(namespace, id string) *corev1.Secret {
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: secretName},
		StringData: map[string]string{v1alpha1.KeyTransferID: id, v1alpha1.KeyTransferPassword: "password-1"},
	}
}

// TestAnOrderThatHasEndedRestsFromTheStart, and nothing is read: thousands are kept. One that somebody has something
// for is looked at.
func TestAnOrderThatHasEndedRestsFromTheStart(t *testing.T) {
	for claim, c := range map[string]struct {
		change func(*v1alpha1.VeroOrder)
		looked bool
	}{
		"issued": {change: func(*v1alpha1.VeroOrder) {}},
		"failed": {change: func(o *v1alpha1.VeroOrder) { o.Status.State = v1alpha1.VeroOrderFailed }},
		"with a RetrievalId to try": {looked: true, change: func(o *v1alpha1.VeroOrder) {
			o.Status.State = v1alpha1.VeroOrderFailed
			o.Annotations = map[string]string{v1alpha1.AnnotationAdoptRetrievalID: "retrieval-1"}
		}},
		"brought back": {looked: true, change: func(o *v1alpha1.VeroOrder) { o.Status.State = v1alpha1.VeroOrderSubmitted }},
	} {
		t.Run(claim, func(t *testing.T) {
			order := ended(server.Namespace(t), time.Hour)
			c.change(order)
			control := control(t, order, now)
			control.reconciler.Retention, control.reconciler.Reader = retention, limited(t, "none")
			result, err := control.step()
			if err != nil || (result.RequeueAfter > 0) != c.looked {
				t.Errorf("it is looked at again in %s, error %v", result.RequeueAfter, err)
			}
		})
	}
}

// counting counts how often an order is read.
type counting struct {
	client.Client

	order string
	reads *atomic.Int32
}

func (c counting) Get(ctx context.Context, key client.ObjectKey, into client.Object, o ...client.GetOption) error {
	if key.Name == c.order {
		c.reads.Add(1)
	}
	return c.Client.Get(ctx, key, into, o...)
}

// TestAnOrderRestsWithoutATimerUntilItIsTime to remove it.
func TestAnOrderRestsWithoutATimerUntilItIsTime(t *testing.T) {
	namespace := server.Namespace(t)
	soon, later := ended(namespace, retention-3*time.Hour), ended(namespace, time.Hour)
	later.Name = "later"
	server.Create(t, soon, later)
	watched, reads := clocktesting.NewFakeClock(now), &atomic.Int32{}
	server.Run(t, namespace, func(manager ctrl.Manager) error {
		must.Do(t, find.Index(t.Context(), manager.GetFieldIndexer()))
		cached := counting{manager.GetClient(), later.Name, reads}
		return veroorder.Register(manager, veroorder.Options{
			Client: cached, Outlines: manager.GetCache(), Reader: manager.GetAPIReader(), Clock: watched,
			Calls: limiter.NewCalls(1, 1), Retention: retention, Shutdown: t.Context(),
		}, controller.Options{SkipNameValidation: new(true)})
	})
	const often, long = 50 * time.Millisecond, 30 * time.Second
	await := func(done func(context.Context) (bool, error)) {
		t.Helper()
		must.Do(t, wait.PollUntilContextTimeout(t.Context(), often, long, true, done))
	}
	await(func(context.Context) (bool, error) { return watched.HasWaiters(), nil })
	watched.Step(3 * time.Hour)
	await(func(ctx context.Context) (bool, error) {
		err := server.Client.Get(ctx, client.ObjectKeyFromObject(soon), soon)
		return apierrors.IsNotFound(err), client.IgnoreNotFound(err)
	})
	must.Do(t, server.Client.Get(t.Context(), client.ObjectKeyFromObject(later), later))
	if reads.Load() != 0 {
		t.Errorf("the one that rests was looked at %d times", reads.Load())
	}
}

// TestAnOrderThatEndsInTheLineLeavesItsPlaceToTheNext: another controller may have had its outcome.
func TestAnOrderThatEndsInTheLineLeavesItsPlaceToTheNext(t *testing.T) {
	order := ended(server.Namespace(t), time.Hour)
	order.Status = v1alpha1.VeroOrderStatus{State: v1alpha1.VeroOrderSubmitted, RetrievalID: "retrieval-1"}
	server.Create(t, issuer(order.Namespace, pkitest.Root(t, "Root")))
	c := control(t, order, now)
	c.reconciler.Retention = retention
	woken := 0
	c.reconciler.Calls.Polls.OnGrant(func(types.NamespacedName) { woken++ })
	named := limiter.Issuer{Kind: v1alpha1.KindVeroIssuer, Namespace: order.Namespace, Name: "vero"}
	slot := limiter.Slot{Issuer: named, Namespace: order.Namespace}
	taken, _ := c.reconciler.Calls.Polls.Acquire(types.NamespacedName{Name: "first"}, slot)
	must.Get(c.step())(t)
	order.Status.State, order.Status.CompletionTime = v1alpha1.VeroOrderIssued, &metav1.Time{Time: now}
	must.Do(t, server.Client.Status().Update(t.Context(), order))
	taken.Release()
	must.Get(c.step())(t)
	_, free := c.reconciler.Calls.Polls.Acquire(types.NamespacedName{Name: "next"}, slot)
	if woken != 1 || !free {
		t.Errorf("%d orders were woken; the next one gets a place: %v", woken, free)
	}
}

func TestAnOrderIsRemovedWhenNothingSpeaksForItAnyMore(t *testing.T) {
	for claim, c := range map[string]struct {
		ago       time.Duration
		holds     string // TransferId in the Secret; empty for no Secret
		forbidden bool   // to read Secrets
		stays     bool
		lookIn    time.Duration
	}{
		"it stays until the retention is over":            {ago: retention - time.Hour, stays: true, lookIn: time.Hour},
		"it goes when its Secret is gone":                 {ago: retention},
		"it goes when its Secret holds other credentials": {ago: retention, holds: "10987654321"},
		"it stays while its Secret holds the TransferId it spent": {
			ago: 2 * retention, holds: transferID, stays: true, lookIn: 24 * time.Hour,
		},
		"it stays while its Secret may not be read": {
			ago: 2 * retention, forbidden: true, stays: true, lookIn: 24 * time.Hour,
		},
	} {
		t.Run(claim, func(t *testing.T) {
			namespace := server.Namespace(t)
			order := ended(namespace, c.ago)
			ended := control(t, order, now)
			ended.reconciler.Retention = retention
			if c.holds != "" {
				server.Create(t, holding(namespace, c.holds))
			}
			if c.forbidden {
				ended.reconciler.Reader = limited(t, "*")
			}
			result := must.Get(ended.step())(t)
			err := server.Client.Get(t.Context(), client.ObjectKeyFromObject(order), order)
			if client.IgnoreNotFound(err) != nil {
				t.Fatal(err)
			}
			if stays := !apierrors.IsNotFound(err); stays != c.stays {
				t.Errorf("the order stays: %t, want %t", stays, c.stays)
			}
			if result.RequeueAfter != c.lookIn {
				t.Errorf("it is looked at again in %s, want %s", result.RequeueAfter, c.lookIn)
			}
		})
	}
}
