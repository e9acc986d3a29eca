package stories

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/e2e/testkit"
	"github.com/varmenne/varmenne-issuer/e2e/world"
	"github.com/varmenne/varmenne-issuer/internal/messages/rotation"
	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

// mailNamespace is where passwords of Suomi.fi Messages rotate. They have it in common, and the world's service; their
// accounts are apart.
const mailNamespace = "mail"

// account is one of the service whose password rotates: the test case of a MessagesPassword. Account, Secret and object
// have one name.
type account struct {
	*testing.T
	*environment

	name string
	// first is the password that the owner of the service has sent.
	first string
}

// beginAccount makes an account, and returns when its password was seen and proved.
func beginAccount(t *testing.T, changes ...func(*v1alpha1.MessagesPassword)) *account {
	t.Helper()
	e := shared.Get(t)
	a := &account{T: t, environment: e, name: namespaceFor(t.Name()), first: newPassword()}
	must.Get(e.Service.CreateMessagesAccount(t.Context(), admin.MessagesAccount{
		SystemID: a.name, Password: a.first, Events: 1,
	}))(t)
	object := must.Get(e.Service.MessagesPassword(t.Context(), mailNamespace, a.name))(t)
	for _, change := range changes {
		change(object)
	}
	must.Do(t, e.Client.Create(t.Context(), world.MessagesSecret(mailNamespace, a.name, a.name, a.first)))
	must.Do(t, e.Client.Create(t.Context(), object))
	a.await("the password to be proved", a.says(v1alpha1.ReasonPasswordProved))
	return a
}

// newPassword is one as the owner of the service sends them.
func newPassword() string { return "Owner-1~" + rand.Text() }

// on is the account in a test within its own.
func (a *account) on(t *testing.T) *account {
	t.Helper()
	copied := *a
	copied.T = t
	return &copied
}

func (a *account) object() *v1alpha1.MessagesPassword {
	a.Helper()
	object := &v1alpha1.MessagesPassword{}
	must.Do(a, a.Client.Get(a.Context(), a.key(), object))
	return object
}

func (a *account) key() client.ObjectKey {
	return client.ObjectKey{Namespace: mailNamespace, Name: a.name}
}

// await waits until the object is as it should be.
func (a *account) await(what string, reached func(*v1alpha1.MessagesPassword) bool) *v1alpha1.MessagesPassword {
	a.Helper()
	object := &v1alpha1.MessagesPassword{}
	testkit.Eventually(a.T, what, func(ctx context.Context) (bool, error) {
		err := a.Client.Get(ctx, a.key(), object)
		return err == nil && reached(object), err
	}, func() string {
		object.ManagedFields = nil
		shown, err := yaml.Marshal(object)
		return fmt.Sprintf("%s\n%v\n%s", shown, err, a.describe(mailNamespace))
	})
	return object
}

// says reports whether an object says something.
func (a *account) says(reason string, texts ...string) func(*v1alpha1.MessagesPassword) bool {
	return func(object *v1alpha1.MessagesPassword) bool {
		ready := meta.FindStatusCondition(object.Status.Conditions, v1alpha1.ConditionReady)
		return ready != nil && ready.Reason == reason && testkit.ContainsAll(ready.Message, texts)
	}
}

// needsPerson reports whether an object needs one.
func needsPerson(object *v1alpha1.MessagesPassword) bool {
	return meta.IsStatusConditionTrue(object.Status.Conditions, v1alpha1.ConditionNeedsPerson)
}

// demand has the password rotated now.
func (a *account) demand() {
	a.Helper()
	a.annotate(v1alpha1.AnnotationRotate)
}

// annotate gives an annotation a value that it has not had.
func (a *account) annotate(name string) {
	a.Helper()
	object := a.object()
	before := object.DeepCopy()
	metav1.SetMetaDataAnnotation(&object.ObjectMeta, name, rand.Text())
	must.Do(a, a.Client.Patch(a.Context(), object, client.MergeFrom(before)))
}

// awaitRotated waits until the demand is met, and checks that the Secret has a password that the service takes and has
// not had before, and that an hour later there is no other Secret with it.
func (a *account) awaitRotated() admin.MessagesLedger {
	a.Helper()
	object := a.await("the demand to be met", func(object *v1alpha1.MessagesPassword) bool {
		return object.Status.LastHandledDemand == object.Annotations[v1alpha1.AnnotationRotate] &&
			a.says(v1alpha1.ReasonRotated)(object)
	})
	if object.Status.LastRotationTime == nil || needsPerson(object) {
		a.Errorf("the rotation has ended, and the status is %+v", object.Status)
	}
	ledger, staging := a.checkPassword(), &corev1.Secret{}
	staging.Namespace, staging.Name = mailNamespace, rotation.StagingName(a.name)
	a.pass(time.Hour)
	testkit.Eventually(a.T, "the Secret of the rotation to be deleted", func(ctx context.Context) (bool, error) {
		err := a.Client.Get(ctx, client.ObjectKeyFromObject(staging), staging)
		return err != nil, client.IgnoreNotFound(err)
	}, nil)
	return ledger
}

// checkPassword fails the test unless the Secret has the service's password, and not the first one. It returns what the
// service knows.
func (a *account) checkPassword() admin.MessagesLedger {
	a.Helper()
	for password, want := range map[string]bool{a.password(): true, a.first: false} {
		if got := must.Get(a.Service.VerifyMessagesPassword(a.Context(), a.name, password))(a); got.Current != want {
			a.Errorf("the service takes a password: %t, want %t", got.Current, want)
		}
	}
	ledger := a.ledgerOf()
	const most = 4
	if ledger.MostFailedInAnHour > most || ledger.LockedUntil != nil {
		a.Errorf("%d log-ins have failed within an hour, and the account is locked until %v", ledger.MostFailedInAnHour,
			ledger.LockedUntil)
	}
	last := ledger.LogIns[len(ledger.LogIns)-1]
	if !last.OK || last.Time.Before(ledger.PasswordSince) {
		a.Errorf("the new password was not proved: %+v", last)
	}
	return ledger
}

func (a *account) ledgerOf() admin.MessagesLedger {
	a.Helper()
	return must.Get(a.Service.MessagesLedger(a.Context(), a.name))(a)
}

// password is what applications mount.
func (a *account) password() string {
	a.Helper()
	secret := &corev1.Secret{}
	must.Do(a, a.Client.Get(a.Context(), a.key(), secret))
	return string(secret.Data[v1alpha1.KeyPassword])
}

// bring puts a password into the Secret, as a person does.
func (a *account) bring(password string) {
	a.Helper()
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: mailNamespace, Name: a.name}}
	must.Do(a, a.Client.Patch(a.Context(), secret, client.RawPatch("application/merge-patch+json",
		fmt.Appendf(nil, `{"stringData":{%q:%q}}`, v1alpha1.KeyPassword, password))))
}

// script lets the service misbehave towards the account.
func (a *account) script(fault admin.MessagesFault) {
	a.Helper()
	fault.SystemID = a.name
	must.Get(a.Service.ScriptMessages(a.Context(), fault))(a)
}

// pass lets time pass for the object: everything that it remembers or plans gets so much older. That is all that the
// controller knows of time.
func (a *account) pass(duration time.Duration) {
	a.Helper()
	must.Do(a, retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		object := &unstructured.Unstructured{}
		object.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind(v1alpha1.KindMessagesPassword))
		if err := a.Client.Get(a.Context(), a.key(), object); err != nil {
			return err
		}
		object.Object["status"] = older(object.Object["status"], duration)
		return a.Client.Status().Update(a.Context(), object)
	}))
	a.annotate("example.com/looked-at") // by which the controller looks now, and not within a minute
}

// older is a JSON value whose times are so much earlier.
func older(value any, by time.Duration) any {
	switch value := value.(type) {
	case map[string]any:
		for key := range value {
			value[key] = older(value[key], by)
		}
	case []any:
		for i := range value {
			value[i] = older(value[i], by)
		}
	case string:
		if at, err := time.Parse(time.RFC3339Nano, value); err == nil {
			layout := time.RFC3339
			if strings.Contains(value, ".") {
				layout = metav1.RFC3339Micro
			}
			return at.Add(-by).Format(layout)
		}
	}
	return value
}

// awaitEvent waits until people can read an event about the account, which comes a moment after the status.
func (a *account) awaitEvent(reason string, texts ...string) {
	a.Helper()
	testkit.Eventually(a.T, "an event to say "+reason, func(ctx context.Context) (bool, error) {
		list := &corev1.EventList{}
		if err := a.Client.List(ctx, list, client.InNamespace(mailNamespace)); err != nil {
			return false, err
		}
		return slices.ContainsFunc(list.Items, func(event corev1.Event) bool {
			return event.InvolvedObject.Name == a.name && event.Reason == reason && testkit.ContainsAll(event.Message, texts)
		}), nil
	}, func() string { return a.describe(mailNamespace) })
}
