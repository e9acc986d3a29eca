package rotator_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	kstatus "sigs.k8s.io/cli-utils/pkg/kstatus/status"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/messages/rotation"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

const day = 24 * time.Hour

// TestAPasswordRotates from its first sight over two rotations, each of which ends with a proof.
func TestAPasswordRotates(t *testing.T) {
	w := begin(t, nil)
	server.Kstatus(t, w.object, kstatus.InProgressStatus, "with no controller")
	w.settle()
	server.Kstatus(t, w.object, kstatus.InProgressStatus, "without a Secret")
	w.expect(v1alpha1.ConditionReady, false, v1alpha1.ReasonSecretNotFound)
	w.expect(v1alpha1.ConditionNeedsPerson, true, v1alpha1.ReasonSecretNotFound)
	w.put(first)
	w.leap(time.Minute)
	w.expect(v1alpha1.ConditionReady, true, v1alpha1.ReasonPasswordProved)
	w.expect(v1alpha1.ConditionPasswordOld, false, v1alpha1.ReasonAgeUnknown)
	server.Kstatus(t, w.object, kstatus.CurrentStatus, "with a password that was proved")
	w.patch(func(object *v1alpha1.MessagesPassword) { object.Spec.PasswordLength = 40 })
	server.Kstatus(t, w.object, kstatus.InProgressStatus, "with another spec")
	w.settle()
	server.Kstatus(t, w.object, kstatus.CurrentStatus, "with a spec that was looked at")
	before := w.object.ResourceVersion
	w.leap(time.Minute)
	if w.object.ResourceVersion != before {
		t.Error("who has found the same has written")
	}
	if got := w.inSecret(); got != first || w.ledger().Applied != 0 {
		t.Fatalf("the first sight has changed the password: %+v", w.ledger())
	}
	w.said()
	passwords, marks := map[string]bool{first: true}, map[string]bool{"": true}
	for range 2 {
		w.leap(day)
		w.expect(v1alpha1.ConditionReady, true, v1alpha1.ReasonRotated)
		secret := w.secret("messages")
		passwords[w.inSecret()], marks[secret.Annotations[v1alpha1.AnnotationRotatedAt]] = true, true
		w.leap(2 * time.Hour)
		if !w.works(w.inSecret()) || w.secret(rotation.StagingName("messages")) != nil ||
			w.object.Status.State != v1alpha1.MessagesPasswordIdle || len(w.object.Finalizers) > 0 ||
			string(secret.Data[v1alpha1.KeyUsername]) != systemID {
			t.Errorf("after a rotation: %+v", w.object)
		}
		if said := w.said(); !slices.ContainsFunc(said, func(event string) bool {
			return strings.HasPrefix(event, "Normal Rotated Secret messages has had a new password since")
		}) {
			t.Errorf("the events are %q", said)
		}
	}
	if len(passwords) != 3 || len(marks) != 3 || len(w.inSecret()) != 40 {
		t.Errorf("there were %d passwords, marked %v", len(passwords), marks)
	}
	ledger := w.ledger()
	if ledger.Applied != 2 || ledger.DistinctNew != 2 || ledger.Failed != 0 || w.counts.rotated != 2 ||
		w.counts.calls["events Done"] < 4 {
		t.Errorf("the service says %+v, the metrics %+v", ledger, w.counts)
	}
}

// fault is what can go wrong in the life of a password that was proved.
type fault struct {
	// suspended is spec.suspend.
	suspended bool
	check     func(*world)
}

var faults = map[string]fault{
	"a response that is lost after the change":  {false, lost(admin.MessagesReset, 0)},
	"a response that is lost before the change": {false, lost(admin.MessagesDropBefore, 1)},
	"a change that is applied a minute later":   {false, lost(admin.MessagesLater, 0)},
	"a person's password": {false, func(w *world) {
		const brought = "Brought-by-a-person-0123456789-x~"
		w.must(w.admin.SetMessagesPassword(w.Context(), systemID, brought))
		w.put(brought)
		w.leap(time.Minute)
		w.expect(v1alpha1.ConditionReady, true, v1alpha1.ReasonPasswordProved)
		if w.ledger().Failed != 0 || w.object.Status.ProvedSecretVersion != w.secret("messages").ResourceVersion {
			w.Errorf("it was not proved: %+v", w.object.Status)
		}
	}},
	"a lock-out": {false, func(w *world) {
		w.script(admin.MessagesFault{
			Kind: admin.MessagesLockOut, Operation: admin.MessagesToken, ForDuration: admin.Duration(5 * time.Hour),
		})
		w.leap(time.Hour)
		w.demand()
		w.pass(2 * time.Hour)
		w.expect(v1alpha1.ConditionNeedsPerson, true, v1alpha1.ReasonPasswordRefused)
		w.pass(12 * time.Hour)
		w.expect(v1alpha1.ConditionReady, true, v1alpha1.ReasonRotated)
		w.ledger()
	}},
	"suspension, and a demand meanwhile": {true, func(w *world) {
		w.demand()
		w.leap(2 * day)
		w.expect(v1alpha1.ConditionReady, true, v1alpha1.ReasonSuspended)
		if got := w.ledger(); got.Applied != 0 || w.inSecret() != first {
			w.Errorf("it was rotated all the same: %+v", got)
		}
		w.patch(func(object *v1alpha1.MessagesPassword) { object.Spec.Suspend = false })
		w.settle()
		if got := w.ledger(); got.Applied != 1 || w.object.Status.LastHandledDemand == "" {
			w.Errorf("the demand was not met: %+v", got)
		}
	}},
	"a deletion while it is not known which password is right": {false, func(w *world) {
		w.script(admin.MessagesFault{Kind: admin.MessagesReset, Operation: admin.MessagesChange})
		w.demand()
		w.settle()
		w.must(server.Client.Delete(w.Context(), w.object))
		w.pass(3 * time.Hour)
		err := server.Client.Get(w.Context(), client.ObjectKeyFromObject(w.object), &v1alpha1.MessagesPassword{})
		if !apierrors.IsNotFound(err) || !w.works(w.inSecret()) || w.secret(rotation.StagingName("messages")) != nil {
			w.Errorf("it is still there: %v, %+v", err, w.object.Status)
		}
	}},
	"an immutable Secret": {false, func(w *world) {
		secret := w.secret("messages")
		secret.Immutable = new(true)
		w.must(server.Client.Update(w.Context(), secret))
		w.demand()
		w.leap(time.Minute)
		w.expect(v1alpha1.ConditionNeedsPerson, true, v1alpha1.ReasonSecretInvalid)
		if got := w.ledger(); got.DistinctNew != 0 {
			w.Errorf("a password was sent that can be put nowhere: %+v", got)
		}
	}},
	"another object for the same account": {false, func(w *world) {
		both := []*v1alpha1.MessagesPassword{w.object, w.object.DeepCopy()}
		both[1].ObjectMeta = metav1.ObjectMeta{Namespace: w.object.Namespace, Name: "second"}
		w.must(server.Client.Create(w.Context(), both[1]))
		shared := 0
		for _, w.object = range both {
			w.demand()
			w.settle()
			if condition(w.object, v1alpha1.ConditionNeedsPerson).Reason == v1alpha1.ReasonSecretShared {
				shared++
			}
		}
		if got := w.ledger(); shared != 1 || got.Applied != 1 {
			w.Errorf("%d of two do nothing: %+v", shared, got)
		}
	}},
}

// lost is a change whose response does not come; as many log-ins fail until it is known what has become of it.
func lost(kind admin.MessagesFaultKind, failed int) func(*world) {
	return func(w *world) {
		w.script(admin.MessagesFault{Kind: kind, Operation: admin.MessagesChange})
		w.demand()
		w.settle()
		w.expect(v1alpha1.ConditionRotating, true, v1alpha1.ReasonRotationUncertain)
		server.Kstatus(w.T, w.object, kstatus.InProgressStatus, "with a response that was lost")
		w.pass(3 * time.Hour)
		w.expect(v1alpha1.ConditionReady, true, v1alpha1.ReasonRotated)
		ledger := w.ledger()
		if !w.works(w.inSecret()) || ledger.DistinctNew != 1 || ledger.Applied != 1 || ledger.Failed != failed {
			w.Errorf("the service says %+v", ledger)
		}
	}
}

// TestThePasswordInTheSecretIsTheServicesInTheEnd, whatever goes wrong.
func TestThePasswordInTheSecretIsTheServicesInTheEnd(t *testing.T) {
	all := maps.Clone(faults)
	maps.Copy(all, interventions)
	for claim, c := range all {
		t.Run(claim, func(t *testing.T) {
			w := begin(t, func(object *v1alpha1.MessagesPassword) { object.Spec.Suspend = c.suspended })
			w.put(first)
			w.settle()
			w.said()
			c.check(w)
		})
	}
}

// vanishing is an API server by which somebody deletes the Secret just before it is written.
type vanishing struct {
	client.Client

	delete func()
}

func (v *vanishing) Update(ctx context.Context, object client.Object, options ...client.UpdateOption) error {
	if written := (&client.UpdateOptions{}).ApplyOptions(options); len(written.DryRun) == 0 && v.delete != nil {
		v.delete()
		v.delete = nil
	}
	return v.Client.Update(ctx, object, options...)
}

func TestASecretThatIsDeletedBeforeItIsWritten(t *testing.T) {
	w := begin(t, nil)
	w.put(first)
	w.settle()
	w.reconciler = w.controller(&vanishing{w.access, func() {
		w.must(server.Client.Delete(t.Context(), w.secret("messages")))
	}})
	w.demand()
	if pause := w.settle(); pause != time.Second {
		t.Errorf("it looks again after %s; zero is never", pause)
	}
	w.leap(time.Second)
	w.expectSettled(v1alpha1.ReasonRotated)
}

// quoting is an API server with an admission webhook that repeats what it refuses.
type quoting struct{ client.Client }

func (q quoting) Update(ctx context.Context, object client.Object, options ...client.UpdateOption) error {
	secret, isSecret := object.(*corev1.Secret)
	if dry := (&client.UpdateOptions{}).ApplyOptions(options).DryRun; !isSecret || len(dry) != 0 {
		return q.Client.Update(ctx, object, options...)
	}
	return apierrors.NewForbidden(schema.GroupResource{Resource: "secrets"}, secret.Name, fmt.Errorf(
		"%s is weak: %s", secret.Data[v1alpha1.KeyPassword],
		base64.StdEncoding.EncodeToString(secret.Data[v1alpha1.KeyPassword])))
}

func TestARefusalThatRepeatsThePasswordIsNotShown(t *testing.T) {
	w := begin(t, nil)
	w.put(first)
	w.settle()
	w.reconciler = w.controller(quoting{w.access})
	w.demand()
	var refused error
	for range 20 {
		if _, err := w.look(); err != nil {
			refused = err
		}
		w.remember()
	}
	w.reload()
	w.expect(v1alpha1.ConditionNeedsPerson, true, v1alpha1.ReasonClusterError)
	if !apierrors.IsForbidden(refused) || strings.Contains(refused.Error(), "weak") {
		t.Errorf("it says %v", refused)
	}
	w.reconciler = w.controller(w.access)
	w.leap(time.Minute)
	w.expectSettled(v1alpha1.ReasonRotated)
}
