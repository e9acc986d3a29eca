package rotator

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/messages/rotation"
)

// pass is one decision about one object.
type pass struct {
	*Reconciler

	// object has the intent once intend has written it, and the outcome once record has.
	object   *v1alpha1.MessagesPassword
	read     read
	decision rotation.Decision
	// service is there where the decision needs it.
	service Service
	// began is when reading began, which the decision takes for the time.
	began time.Time
}

// late is why nothing was done in a pass that was held up, by a frozen process or a slow API server.
const late = "this took too long, and another controller may have gone on meanwhile"

// elapsed is how much time has passed since the pass began, by the clock on the wall or by the one of the process,
// whichever says more: the one is set, and the other stands still while a machine sleeps.
func (p *pass) elapsed() time.Duration {
	now := p.Clock.Now()
	return max(now.Sub(p.began), now.Round(0).Sub(p.began.Round(0)))
}

// decide decides. Only what needs a call shows whether the spec lets one be made.
func (p *pass) decide(ctx context.Context) (err error) {
	p.decision = rotation.Decide(p.read.snapshot)
	if !p.decision.Calls() {
		return nil
	}
	p.service, p.read.snapshot.Uncallable, err = p.connect(ctx)
	p.decision = rotation.Decide(p.read.snapshot)
	return err
}

// intend writes down what is about to be done, if that is new.
func (p *pass) intend(ctx context.Context) error {
	before := p.object.DeepCopy()
	rotation.Intend(p.object, p.decision)
	return p.write(ctx, before)
}

// write writes the status with the resourceVersion that the object was read with, and reports what is new in it.
func (p *pass) write(ctx context.Context, before *v1alpha1.MessagesPassword) error {
	if equality.Semantic.DeepEqual(before.Status, p.object.Status) {
		return nil
	}
	wanted := p.object.Status.DeepCopy()
	if err := p.Client.Status().Update(ctx, p.object); err != nil {
		return fmt.Errorf("write the status: %w", err)
	}
	// The API server has cut times to what it stores; what is decided goes by those of the decision.
	wanted.DeepCopyInto(&p.object.Status)
	p.accounts.note(p.object, p.read.account, p.read.secret)
	p.report(before)
	return nil
}

// carryOut does what was decided and written down. In a pass that was held up, calls are recorded as not made, and
// nothing else is done: it is decided anew.
func (p *pass) carryOut(ctx context.Context) error {
	switch p.decision.Verb {
	case rotation.LogIn:
		return p.logIn(ctx)
	case rotation.Send:
		return p.send(ctx)
	default:
	}
	if !p.mayCall(rotation.BeginWithin) {
		ctrl.LoggerFrom(ctx).Info("not done", "decision", p.decision.Verb, "why", late)
		return nil
	}
	switch p.decision.Verb {
	case rotation.AddFinalizer:
		return p.patch(ctx, func() bool { return controllerutil.AddFinalizer(p.object, rotation.Finalizer) })
	case rotation.RemoveFinalizer:
		return p.release(ctx)
	case rotation.Stage:
		return p.stage(ctx)
	case rotation.Commit:
		return p.commit(ctx)
	case rotation.Unstage:
		return p.unstage(ctx)
	default: // Prepare, Adopt and Retire are all in the status
		return nil
	}
}

// release removes the finalizer.
func (p *pass) release(ctx context.Context) error {
	return p.patch(ctx, func() bool { return controllerutil.RemoveFinalizer(p.object, rotation.Finalizer) })
}

// patch changes the finalizers, with the resourceVersion that was read.
func (p *pass) patch(ctx context.Context, change func() bool) error {
	before := p.object.DeepCopy()
	if !change() {
		return nil
	}
	err := p.Client.Patch(ctx, p.object, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}))
	if err != nil {
		return fmt.Errorf("change the finalizers: %w", err)
	}
	return nil
}
