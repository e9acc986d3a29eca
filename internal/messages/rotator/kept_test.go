package rotator_test

import (
	"context"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

// followed lets something happen right after the first update of a Secret, which is a commit.
type followed struct {
	client.Client

	then func()
	done *bool
}

func (f followed) Update(ctx context.Context, object client.Object, options ...client.UpdateOption) error {
	applied := client.UpdateOptions{}
	err := f.Client.Update(ctx, object, applied.ApplyOptions(options))
	if _, isSecret := object.(*corev1.Secret); err == nil && isSecret && len(applied.DryRun) == 0 && !*f.done {
		*f.done = true
		f.then()
	}
	return err
}

// rotateAnd rotates once, and lets something happen right after the commit.
func (w *world) rotateAnd(then func()) {
	w.Helper()
	w.astray = true
	w.reconciler = w.controller(followed{w.access, then, new(bool)})
	w.demand()
	w.settle()
}

// finalizer keeps a Secret that is deleted.
func (w *world) finalizer(name string, finalizers ...string) {
	w.Helper()
	secret := w.secret(name)
	secret.Finalizers = finalizers
	w.must(server.Client.Update(w.Context(), secret))
}

const keeper = "example.com/keeper"

// TestThePasswordOfARotationIsPutBack where somebody changes or deletes the Secret within an hour after the rotation.
// That is not taken for another one.
func TestThePasswordOfARotationIsPutBack(t *testing.T) {
	for claim, happens := range map[string]func(*world){
		"instead of the one from before": func(w *world) { w.put(first) },
		"where the Secret was deleted": func(w *world) {
			w.must(server.Client.Delete(w.Context(), w.secret("messages")))
		},
		"instead of what can be no password": func(w *world) { w.put("two words") },
		"instead of a wrong one":             func(w *world) { w.put("Brought-by-a-person-0123456789-x~") },
	} {
		t.Run(claim, func(t *testing.T) {
			w := begin(t, nil)
			w.put(first)
			w.settle()
			w.rotateAnd(func() { happens(w) })
			w.expectSettled(v1alpha1.ReasonRotated)
			rotated := w.object.Status.LastRotationTime
			w.leap(50 * time.Minute)
			happens(w)
			w.leap(time.Minute)
			w.expectSettled(v1alpha1.ReasonRotated)
			if now := w.object.Status; !now.LastRotationTime.Equal(rotated) || !now.PasswordSince.Equal(rotated) {
				t.Errorf("it was rotated at %s, and says %s, %s", rotated, now.LastRotationTime, now.PasswordSince)
			}
			w.leap(2 * time.Hour)
			if w.secret(stagingOf) != nil || len(w.object.Finalizers) > 0 {
				t.Error("the password lies beside the Secret for ever")
			}
		})
	}
}

// TestTheOnlyCopyIsKept: who changes or deletes the Secret before the one beside it is gone finds the password there.
func TestTheOnlyCopyIsKept(t *testing.T) {
	for claim, happens := range map[string]func(*world){
		"another account is put there": func(w *world) {
			w.username = "somebody-else"
			w.put(first)
		},
		"another one is put there, and the object deleted": func(w *world) {
			w.put("Brought-by-a-person-0123456789-x~")
			w.must(server.Client.Delete(w.Context(), w.object))
		},
	} {
		t.Run(claim, func(t *testing.T) {
			w := begin(t, nil)
			w.put(first)
			w.settle()
			w.rotateAnd(func() { happens(w) })
			w.hours(8)
			kept := w.secret(stagingOf)
			if kept == nil || !w.works(string(kept.Data[v1alpha1.KeyNewPassword])) {
				t.Fatalf("no Secret has the service's password: %+v", w.object.Status)
			}
			w.ledger()
			if w.gone() {
				return
			}
			w.expect(v1alpha1.ConditionNeedsPerson, true, condition(w.object, v1alpha1.ConditionReady).Reason)
			w.username = systemID
			w.put(string(kept.Data[v1alpha1.KeyNewPassword]))
			w.leap(2 * time.Hour)
			w.expectSettled(condition(w.object, v1alpha1.ConditionReady).Reason)
		})
	}
}

// TestNothingIsPutIntoASecretThatIsAboutToGo and that only its finalizers keep.
func TestNothingIsPutIntoASecretThatIsAboutToGo(t *testing.T) {
	t.Run("when a rotation is due", func(t *testing.T) {
		w := begin(t, nil)
		w.put(first)
		w.finalizer("messages", keeper)
		w.settle()
		w.must(server.Client.Delete(t.Context(), w.secret("messages")))
		w.leap(25 * time.Hour)
		w.expect(v1alpha1.ConditionNeedsPerson, true, v1alpha1.ReasonSecretInvalid)
		if w.ledger().DistinctNew != 0 {
			t.Error("a password was sent")
		}
	})
	t.Run("when one ends", func(t *testing.T) {
		w := begin(t, nil)
		w.put(first)
		w.finalizer("messages", keeper)
		w.script(admin.MessagesFault{Kind: admin.MessagesReset, Operation: admin.MessagesChange})
		w.settle()
		w.demand()
		w.settle()
		w.must(server.Client.Delete(t.Context(), w.secret("messages")))
		w.leap(time.Hour)
		w.expect(v1alpha1.ConditionNeedsPerson, true, v1alpha1.ReasonSecretInvalid)
		w.finalizer("messages")
		w.leap(time.Minute)
		w.expectSettled(v1alpha1.ReasonRotated)
	})
	t.Run("when the one beside it is about to go", func(t *testing.T) {
		w := begin(t, nil)
		w.put(first)
		w.settle()
		w.rotateAnd(func() { w.finalizer(stagingOf, keeper) }) // and it comes to rest
		w.leap(day)
		w.expect(v1alpha1.ConditionNeedsPerson, true, v1alpha1.ReasonStagingNameTaken)
		w.finalizer(stagingOf)
		w.leap(time.Minute)
		w.expectSettled(v1alpha1.ReasonRotated)
		if got := w.ledger(); got.Applied != 2 {
			t.Errorf("the service says %+v", got)
		}
	})
}

// altering is a cluster with a webhook that changes what is put into a Secret.
type altering struct {
	client.Client

	trials bool
}

func (a altering) Update(ctx context.Context, object client.Object, options ...client.UpdateOption) error {
	applied := client.UpdateOptions{}
	applied.ApplyOptions(options)
	if secret, isSecret := object.(*corev1.Secret); isSecret && a.trials == (len(applied.DryRun) > 0) {
		secret.Data[v1alpha1.KeyPassword] = append([]byte("altered-"), secret.Data[v1alpha1.KeyPassword]...)
	}
	return a.Client.Update(ctx, object, options...)
}

// TestAPasswordThatTheClusterAltersIsNotTakenForTheServices: what was proved is not what applications read then.
func TestAPasswordThatTheClusterAltersIsNotTakenForTheServices(t *testing.T) {
	for claim, c := range map[string]struct {
		trials bool
		sent   int
	}{"and none is sent": {true, 0}, "and where a trial shows nothing it is kept": {false, 1}} {
		t.Run(claim, func(t *testing.T) {
			w := begin(t, nil)
			w.put(first)
			w.settle()
			w.astray = true
			w.reconciler = w.controller(altering{w.access, c.trials})
			w.demand()
			for range 20 {
				if _, err := w.look(); err != nil && !strings.Contains(err.Error(), "has put something else there") {
					t.Fatal(err)
				}
				w.clock.Step(time.Minute)
			}
			w.reload()
			if w.object.Status.LastRotationTime != nil || w.ledger().DistinctNew != c.sent {
				t.Errorf("it is rotated: %+v", w.object.Status)
			}
			w.reconciler = w.controller(w.access)
			w.hours(3)
			w.expectSettled(v1alpha1.ReasonRotated)
		})
	}
}

// failing is a cluster that cannot write Secrets for a while.
type failing struct{ client.Client }

func (f failing) Update(ctx context.Context, object client.Object, options ...client.UpdateOption) error {
	if _, isSecret := object.(*corev1.Secret); isSecret {
		return apierrors.NewServiceUnavailable("overloaded")
	}
	return f.Client.Update(ctx, object, options...)
}

// TestARotationThatTheClusterKeepsFromBeginningIsTold, although the password is proved again and again meanwhile.
func TestARotationThatTheClusterKeepsFromBeginningIsTold(t *testing.T) {
	w := begin(t, nil)
	w.put(first)
	w.settle()
	w.reconciler = w.controller(failing{w.access})
	w.demand()
	for range 20 {
		for again := true; again; {
			result, err := w.look()
			again = err == nil && result.RequeueAfter < time.Second
		}
		w.clock.Step(time.Minute)
	}
	w.reload()
	w.expect(v1alpha1.ConditionNeedsPerson, true, v1alpha1.ReasonClusterError)
	w.reconciler = w.controller(w.access)
	w.settle()
	w.expectSettled(v1alpha1.ReasonRotated)
}

// later has what is written into the Secret from now on be later than before: the API server notes it in seconds.
func (w *world) later() {
	w.Helper()
	w.reload()
	w.object.Status.SecretWriteTime.Time = w.object.Status.SecretWriteTime.Add(-time.Second)
	w.must(server.Client.Status().Update(w.Context(), w.object))
}

// TestAPasswordGrowsNoYounger by a Secret that is written with the same one, as a tool does that owns it.
func TestAPasswordGrowsNoYounger(t *testing.T) {
	w := begin(t, func(object *v1alpha1.MessagesPassword) { object.Spec.Suspend = true })
	w.put(first)
	w.settle()
	w.reconciler = w.controller(w.access) // and after a start
	w.leap(200 * day)
	w.later()
	touched := w.secret("messages")
	touched.Labels = map[string]string{"touched": "true"}
	w.must(server.Client.Update(t.Context(), touched))
	w.leap(time.Minute)
	w.expect(v1alpha1.ConditionPasswordOld, true, v1alpha1.ReasonSixMonthsOld)
	const another = "Brought-by-a-person-0123456789-x~"
	w.must(w.admin.SetMessagesPassword(t.Context(), systemID, another))
	w.later()
	touched.Data[v1alpha1.KeyPassword] = []byte(another)
	w.must(server.Client.Update(t.Context(), touched))
	w.leap(time.Minute)
	w.expect(v1alpha1.ConditionPasswordOld, false, v1alpha1.ReasonAgeUnknown)
}
