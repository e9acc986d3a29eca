package rotator_test

import (
	"bytes"
	"crypto/x509"
	"io"
	stdlog "log"
	"log/slog"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"
	clocktesting "k8s.io/utils/clock/testing"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/endpoints"
	messages "github.com/varmenne/varmenne-issuer/internal/messages/client"
	"github.com/varmenne/varmenne-issuer/internal/messages/rotator"
	"github.com/varmenne/varmenne-issuer/internal/simulator"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
	"github.com/varmenne/varmenne-issuer/internal/simulator/authority"
)

const first = "First-password-of-the-owner-4711"

// world is one account with its Secret and its MessagesPassword. The service is the simulator behind TLS, and time is
// the clock's: it goes to the moment at which the controller wants to look again.
type world struct {
	*testing.T

	clock      *clocktesting.FakeClock
	admin      *admin.Client
	object     *v1alpha1.MessagesPassword
	access     client.Client // with the rights of the controller
	events     *events.FakeRecorder
	reconciler *rotator.Reconciler
	log        bytes.Buffer
	// astray is set while the test has put a wrong password in the place of the right one.
	astray bool
	// username is what a person puts into the Secret.
	username string
	counts   counts
	// shown are the events that were taken out of the recorder, known the passwords that were ever in a Secret, held
	// those that were there at the last look.
	shown, known, held []string
}

// counts are the metrics.
type counts struct {
	calls   map[string]int
	rotated int
}

func (c *counts) MessagesCall(operation, outcome string) { c.calls[operation+" "+outcome]++ }

func (c *counts) MessagesRotated() { c.rotated++ }

// authorities are those of all simulators: their keys take a while.
var authorities = sync.OnceValues(func() (*authority.Authorities, error) { return authority.Create(time.Now()) })

func begin(t *testing.T, change func(*v1alpha1.MessagesPassword)) *world {
	t.Helper()
	t.Parallel()
	const enough = 1000
	w := &world{
		T: t, clock: clocktesting.NewFakeClock(time.Now()), events: events.NewFakeRecorder(enough),
		counts: counts{calls: map[string]int{}}, username: systemID,
	}
	known, err := authorities()
	w.must(err)
	options := simulator.DefaultOptions()
	options.Clock, options.Authorities = w.clock, known
	made, err := simulator.New(options)
	w.must(err)
	service := httptest.NewUnstartedServer(made.Handler())
	service.TLS, service.Config.ErrorLog = made.TLSConfig(), stdlog.New(io.Discard, "", 0)
	service.StartTLS()
	t.Cleanup(service.Close)
	control := httptest.NewServer(made.AdminHandler())
	t.Cleanup(control.Close)
	w.admin = admin.NewClient(control.URL)
	namespace := server.Namespace(t)
	_, err = w.admin.CreateMessagesAccount(t.Context(), admin.MessagesAccount{
		SystemID: systemID, Password: first, Events: 1, ChangesPerHour: 1000,
	})
	w.must(err)
	w.object = &v1alpha1.MessagesPassword{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "messages"},
		Spec: v1alpha1.MessagesPasswordSpec{
			URL: service.URL, SecretRef: v1alpha1.MessagesSecretReference{Name: "messages"},
			TLS: &v1alpha1.BundleSource{CABundle: made.Bundle(authority.TLSBundle)},
		},
	}
	if change != nil {
		change(w.object)
	}
	server.Create(t, w.object)
	w.access = w.limited()
	w.reconciler = w.controller(w.access)
	t.Cleanup(w.checkSecrecy)
	return w
}

const systemID = "esimerkki"

func (w *world) connect(object *v1alpha1.MessagesPassword, roots []*x509.Certificate) (rotator.Service, error) {
	list, err := endpoints.Parse([]string{"127.0.0.1:*"})
	if err != nil {
		return nil, err
	}
	return messages.New(messages.Options{
		URL: object.Spec.URL, TLS: roots, Endpoints: endpoints.Rule{Allowed: list, Bound: true}, Clock: w.clock,
		UserAgent: "test/1",
	})
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// reconcile looks once at the object, and then at the Secrets.
func (w *world) reconcile() ctrl.Result {
	w.Helper()
	result, err := w.look()
	w.must(err)
	w.remember()
	return result
}

// look looks once at the object.
func (w *world) look() (ctrl.Result, error) {
	ctx := ctrl.LoggerInto(w.Context(), logr.FromSlogHandler(slog.NewJSONHandler(&w.log, nil)))
	return w.reconciler.Reconcile(ctx, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(w.object)})
}

// settle looks until there is nothing left to do at this moment, and returns for how long. At every moment one of the
// two Secrets has the service's password.
func (w *world) settle() time.Duration {
	w.Helper()
	const most = 60
	for range most {
		result := w.reconcile()
		w.checkHeld()
		if result.RequeueAfter >= time.Second || result.RequeueAfter == 0 {
			w.reload()
			return result.RequeueAfter
		}
	}
	w.Fatalf("it does not come to rest: %+v", w.object.Status)
	return 0
}

// pass lets time pass, with a look every few minutes at most.
func (w *world) pass(duration time.Duration) {
	w.Helper()
	const step = 5 * time.Minute
	for end := w.clock.Now().Add(duration); w.clock.Now().Before(end); {
		pause := w.settle()
		if pause == 0 {
			return
		}
		w.clock.Step(min(max(pause, step), end.Sub(w.clock.Now())))
	}
	w.settle()
}

// leap lets a long time pass, of which the controller sees the end.
func (w *world) leap(duration time.Duration) {
	w.Helper()
	w.clock.Step(duration)
	w.settle()
}

func (w *world) reload() {
	w.Helper()
	if err := server.Client.Get(w.Context(), client.ObjectKeyFromObject(w.object), w.object); err != nil {
		w.must(client.IgnoreNotFound(err))
	}
}

// secret is one of the two, nil if there is none.
func (w *world) secret(name string) *corev1.Secret {
	w.Helper()
	found := &corev1.Secret{}
	err := server.Client.Get(w.Context(), client.ObjectKey{Namespace: w.object.Namespace, Name: name}, found)
	if apierrors.IsNotFound(err) {
		return nil
	}
	w.must(err)
	return found
}

// put writes the Secret as a person does.
func (w *world) put(password string) {
	w.Helper()
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.object.Namespace, Name: "messages"},
		Data:       map[string][]byte{v1alpha1.KeyUsername: []byte(w.username), v1alpha1.KeyPassword: []byte(password)},
	}
	if w.secret("messages") == nil {
		w.must(server.Client.Create(w.Context(), secret))
	} else {
		w.must(server.Client.Update(w.Context(), secret))
	}
	w.remember()
}

// patch changes the object as a person does.
func (w *world) patch(change func(*v1alpha1.MessagesPassword)) {
	w.Helper()
	w.reload()
	before := w.object.DeepCopy()
	change(w.object)
	w.must(server.Client.Patch(w.Context(), w.object, client.MergeFrom(before)))
}

// demand has the password rotated now.
func (w *world) demand() {
	w.Helper()
	w.patch(func(object *v1alpha1.MessagesPassword) {
		metav1.SetMetaDataAnnotation(&object.ObjectMeta, v1alpha1.AnnotationRotate, "somebody has left")
	})
}

func (w *world) script(fault admin.MessagesFault) {
	w.Helper()
	_, err := w.admin.ScriptMessages(w.Context(), fault)
	w.must(err)
}
