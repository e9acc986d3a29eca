package rotator

import (
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/kube/status"
	messages "github.com/varmenne/varmenne-issuer/internal/messages/client"
	"github.com/varmenne/varmenne-issuer/internal/messages/password"
	"github.com/varmenne/varmenne-issuer/internal/messages/rotation"
)

// Service is the REST API of Suomi.fi Messages, as far as a rotation needs it.
type Service interface {
	// Token logs in.
	Token(ctx context.Context, username string, with password.Password) messages.TokenResult
	// ChangePassword puts the next password in place of the current one.
	ChangePassword(ctx context.Context, token messages.Token, current, next password.Password) messages.Result
	// Events shows that a token opens something.
	Events(ctx context.Context, token messages.Token) messages.Result
}

// Recorder counts what the service has said.
type Recorder interface {
	// MessagesCall counts the end of a call: its operation, and its outcome as package messages/client names it.
	MessagesCall(operation, outcome string)
	// MessagesRotated counts a rotation whose new password was proved and is in the Secret.
	MessagesRotated()
}

// Options of the reconciler.
type Options struct {
	// Client lists MessagesPasswords from the cache, and writes.
	Client client.Client
	// Reader reads from the API server: what is decided on, and Secrets.
	Reader client.Reader
	// Connect makes a client of the service that an object names; roots verify spec.url, none means the system's.
	Connect func(object *v1alpha1.MessagesPassword, roots []*x509.Certificate) (Service, error)
	// Random makes passwords: crypto/rand.Reader, except in tests.
	Random io.Reader
	// Clock tells the time, and waits between two tries to write an outcome.
	Clock clock.Clock
	// Events reports transitions.
	Events status.Events
	// Metrics counts calls and rotations.
	Metrics Recorder
}

// Reconciler rotates passwords.
type Reconciler struct {
	Options

	accounts    accounts
	acquainting sync.Mutex
	errors      status.ErrorReporter
}

//+kubebuilder:rbac:groups=varmenne.dev,resources=messagespasswords,verbs=get;list;watch;patch
//+kubebuilder:rbac:groups=varmenne.dev,resources=messagespasswords/status,verbs=update
//+kubebuilder:rbac:groups="";events.k8s.io,resources=events,verbs=create;patch

// New makes a reconciler.
func New(options Options) *Reconciler { return &Reconciler{Options: options} }

// Register adds the reconciler to a manager.
func Register(manager ctrl.Manager, options Options, controllerOptions controller.Options) error {
	err := ctrl.NewControllerManagedBy(manager).
		Named(v1alpha1.KindMessagesPassword).
		For(&v1alpha1.MessagesPassword{}, builder.WithPredicates(predicate.Or(
			predicate.GenerationChangedPredicate{}, predicate.AnnotationChangedPredicate{},
		))).
		WithOptions(controllerOptions).
		Complete(New(options))
	if err != nil {
		return fmt.Errorf("register the controller of MessagesPasswords: %w", err)
	}
	return nil
}

// Reconcile makes one decision about one object, and carries it out.
func (r *Reconciler) Reconcile(ctx context.Context, name reconcile.Request) (ctrl.Result, error) {
	object := &v1alpha1.MessagesPassword{}
	switch err := r.Reader.Get(ctx, name.NamespacedName, object); {
	case apierrors.IsNotFound(err):
		r.accounts.forget(name.NamespacedName)
		r.errors.Forget(name.NamespacedName)
		return ctrl.Result{}, nil
	case err != nil:
		return status.Settle(ctx, fmt.Errorf("MessagesPassword %s: %w", name, err))
	}
	pause, err := r.step(ctx, object)
	if apierrors.IsNotFound(err) { // a Secret was deleted since it was read, of which nobody would tell
		return ctrl.Result{RequeueAfter: busyPause}, nil
	}
	if err != nil {
		r.reportError(ctx, object, err)
		return status.Settle(ctx, fmt.Errorf("MessagesPassword %s: %w", name, err))
	}
	if pause != again { // a password that is proved anew does not show that the rotation can begin
		r.errors.Passed(name.NamespacedName)
	}
	return ctrl.Result{RequeueAfter: pause}, nil
}

// reportError has the object say what the cluster has refused, or goes on refusing; not every time that it is tried.
func (r *Reconciler) reportError(ctx context.Context, object *v1alpha1.MessagesPassword, err error) {
	name, now := client.ObjectKeyFromObject(object), r.Clock.Now()
	if !r.errors.Persists(ctx, name, err, now) || !r.errors.Due(name, now) {
		return
	}
	r.Events.Report(object, true, v1alpha1.ReasonClusterError, "Rotate", err.Error())
	r.errors.Reported(name, now)
	// As it is stored: what was about to be done, and was not, must not be written now.
	stored := &v1alpha1.MessagesPassword{}
	failed := r.Reader.Get(ctx, name, stored)
	if failed == nil {
		rotation.RecordClusterError(stored, err.Error(), now)
		failed = r.Client.Status().Update(ctx, stored)
	}
	if client.IgnoreNotFound(failed) != nil {
		ctrl.LoggerFrom(ctx).Info("the status does not say what the cluster has refused", "why", failed.Error())
	}
}

// step reads, decides, writes the intent, and carries the decision out. It returns when to look again; zero if there is
// nothing left to do.
func (r *Reconciler) step(ctx context.Context, object *v1alpha1.MessagesPassword) (time.Duration, error) {
	if err := r.acquaint(ctx); err != nil {
		return 0, err
	}
	began := r.Clock.Now()
	read, err := r.gather(ctx, object, began)
	if err != nil {
		return 0, err
	}
	if !r.accounts.acquire(read.account) {
		return busyPause, nil
	}
	defer r.accounts.release(read.account)
	r.accounts.note(object, read.account, read.secret)
	others, err := r.rivals(ctx, object, read.account, began)
	if err != nil {
		return 0, err
	}
	read.snapshot.Rival, read.snapshot.OtherLogins = others.first, others.failed
	pass := &pass{Reconciler: r, object: object, read: read, began: began}
	if err := pass.decide(ctx); err != nil {
		return 0, err
	}
	if pass.decision.Verb == rotation.Done {
		return 0, nil
	}
	if err := pass.intend(ctx); err != nil {
		return 0, err
	}
	if pass.decision.Verb == rotation.Wait {
		if pass.decision.Release {
			if err := pass.release(ctx); err != nil {
				return 0, err
			}
		}
		return min(max(pass.decision.At.Sub(r.Clock.Now()), time.Second), rotation.SecretCheck), nil
	}
	if err := pass.carryOut(ctx); err != nil {
		return 0, err
	}
	return again, nil
}

// busyPause is when to look again after somebody else was found to be calling with the same account, or to have
// deleted what was read.
const busyPause = time.Second

// again is when to decide anew after something was done: at once, behind whoever waits already.
const again = time.Millisecond
