package rotator_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

// interventions are what people do around a password that was proved.
var interventions = map[string]fault{
	"a deletion that does not wait, and another object after it": {false, func(w *world) {
		w.orphan(0)
		w.anew()
		w.hours(2)
		w.expectSettled(v1alpha1.ReasonRotated)
		if got := w.ledger(); got.DistinctNew != 1 || w.inSecret() == first {
			w.Errorf("the password that was on its way is not in the Secret: %+v", got)
		}
	}},
	"the same with a change that was not made": {false, func(w *world) {
		w.orphan(1)
		w.anew()
		w.hours(26)
		w.expectSettled(v1alpha1.ReasonRotated)
	}},
	"a deletion of both Secrets, too": {false, func(w *world) {
		w.script(admin.MessagesFault{Kind: admin.MessagesReset, Operation: admin.MessagesChange})
		w.demand()
		w.settle()
		w.must(server.Client.Delete(w.Context(), w.object))
		for _, name := range []string{"messages", stagingOf} { // as the end of a namespace does
			w.must(server.Client.Delete(w.Context(), w.secret(name)))
		}
		w.reconcile()
		if !w.gone() {
			w.Errorf("it is kept: %+v", w.object.Status)
		}
	}},
	"a staging Secret that was deleted and restored": {false, func(w *world) {
		w.script(admin.MessagesFault{Kind: admin.MessagesReset, Operation: admin.MessagesChange})
		w.demand()
		w.settle()
		backup := w.secret(stagingOf)
		w.must(server.Client.Delete(w.Context(), backup))
		w.astray = true
		w.leap(2 * time.Minute)
		w.expect(v1alpha1.ConditionNeedsPerson, true, v1alpha1.ReasonStagingLost)
		backup.ResourceVersion, backup.UID = "", ""
		w.must(server.Client.Create(w.Context(), backup))
		w.astray = false
		w.hours(2)
		w.expectSettled(v1alpha1.ReasonRotated)
	}},
	"a stranger's Secret of the name that a rotation needs": {false, func(w *world) {
		theirs := w.stranger()
		w.demand()
		w.settle()
		w.expect(v1alpha1.ConditionNeedsPerson, true, v1alpha1.ReasonStagingNameTaken)
		says := condition(w.object, v1alpha1.ConditionReady).Message
		if !strings.HasPrefix(says, "Secret messages-rotation was not made by a rotation") || w.ledger().DistinctNew != 0 {
			w.Errorf("it says %q", says)
		}
		w.astray = true // what a person puts into the Secret is proved all the same
		w.put("Brought-by-a-person-0123456789-x~")
		w.leap(time.Minute)
		w.expect(v1alpha1.ConditionNeedsPerson, true, v1alpha1.ReasonPasswordRefused)
		w.put(first)
		w.astray = false
		w.leap(time.Minute)
		if now := w.secret(stagingOf); now.ResourceVersion != theirs.ResourceVersion {
			w.Errorf("it was changed: %+v", now.ObjectMeta)
		}
		w.must(server.Client.Delete(w.Context(), theirs))
		w.leap(time.Minute)
		w.expectSettled(v1alpha1.ReasonRotated)
	}},
	"a stranger's Secret in place of the one of a rotation": {false, func(w *world) {
		w.script(admin.MessagesFault{Kind: admin.MessagesDropBefore, Operation: admin.MessagesChange})
		w.demand()
		w.settle()
		w.must(server.Client.Delete(w.Context(), w.secret(stagingOf)))
		theirs := w.stranger()
		w.hours(26)
		w.expect(v1alpha1.ConditionNeedsPerson, true, v1alpha1.ReasonStagingNameTaken)
		if now := w.secret(stagingOf); now == nil || now.UID != theirs.UID || !w.works(w.inSecret()) {
			w.Errorf("it is %+v", now)
		}
	}},
	"a deletion beside a stranger's Secret": {false, func(w *world) {
		theirs := w.stranger()
		w.patch(func(object *v1alpha1.MessagesPassword) {
			object.Finalizers = []string{"varmenne.dev/messages-rotation"}
		})
		w.must(server.Client.Delete(w.Context(), w.object))
		w.settle()
		if now := w.secret(stagingOf); !w.gone() || now == nil || now.UID != theirs.UID {
			w.Errorf("the Secret is %+v", now)
		}
	}},
	"a bundle that does not exist, and one that is none": {false, func(w *world) {
		bundle := w.object.Spec.TLS.CABundle
		w.patch(func(object *v1alpha1.MessagesPassword) {
			object.Spec.TLS = &v1alpha1.BundleSource{ConfigMapKeyRef: &v1alpha1.BundleReference{Name: "authorities"}}
		})
		calls := len(w.counts.calls)
		w.demand()
		w.settle()
		w.expect(v1alpha1.ConditionNeedsPerson, true, v1alpha1.ReasonBundleNotFound)
		authorities := &corev1.ConfigMap{
			ObjectMeta: metav1.ObjectMeta{Namespace: w.object.Namespace, Name: "authorities"},
			Data:       map[string]string{"ca.crt": "none"},
		}
		w.must(server.Client.Create(w.Context(), authorities))
		w.leap(time.Minute)
		w.expect(v1alpha1.ConditionNeedsPerson, true, v1alpha1.ReasonBundleInvalid)
		if says := condition(w.object, v1alpha1.ConditionReady).Message; !strings.HasPrefix(says, "spec.tls") ||
			len(w.counts.calls) != calls || len(w.object.Status.FailedLogins) != 0 {
			w.Errorf("after %v it says %q", w.counts.calls, says)
		}
		authorities.Data["ca.crt"] = string(bundle)
		w.must(server.Client.Update(w.Context(), authorities))
		w.leap(time.Minute)
		w.expectSettled(v1alpha1.ReasonRotated)
	}},
	"a service that asks to be left alone": {false, func(w *world) {
		w.script(admin.MessagesFault{
			Kind: admin.MessagesHTTPStatus, Operation: admin.MessagesToken,
			Status: 503, RetryAfter: admin.Duration(2 * time.Hour),
		})
		w.demand()
		w.settle()
		w.expect(v1alpha1.ConditionReady, false, v1alpha1.ReasonServiceUnavailable)
		w.pass(115 * time.Minute)
		if got := w.counts.calls["token Unknown"] + w.counts.calls["token Done"]; got != 2 { // the first sight, and this one
			w.Errorf("it was called meanwhile: %+v", w.counts.calls)
		}
		w.pass(10 * time.Minute)
		w.expectSettled(v1alpha1.ReasonRotated)
	}},
	"a service that says 401 to log-ins": {false, func(w *world) {
		w.script(admin.MessagesFault{
			Kind: admin.MessagesHTTPStatus, Operation: admin.MessagesToken, Status: http.StatusUnauthorized, Count: 100,
		})
		w.demand()
		w.pass(59 * time.Minute)
		if made := w.counts.calls["token NotAllowed"]; made != 3 {
			w.Errorf("%d log-ins were made that may have failed", made)
		}
		w.must(w.admin.ClearMessagesFaults(w.Context()))
	}},
	"a refusal, whose trace everybody is told": {false, func(w *world) {
		w.script(admin.MessagesFault{Kind: admin.MessagesAttemptLimit})
		w.demand()
		w.settle()
		w.expect(v1alpha1.ConditionReady, false, v1alpha1.ReasonChangeRefused)
		_, after, found := strings.Cut(w.log.String(),
			`"operation":"change-password","outcome":"Refused","status":400,"traceId":"`)
		trace, _, _ := strings.Cut(after, `"`)
		if events := strings.Join(w.said(), "\n"); !found || trace == "" || !strings.Contains(events, "traceId "+trace) {
			w.Errorf("trace %q is not in %s", trace, events)
		}
	}},
	"a cluster that refuses": {false, func(w *world) {
		w.leap(5 * time.Minute)
		rights := &rbacv1.RoleBindingList{}
		w.must(server.Client.List(w.Context(), rights, client.InNamespace(w.object.Namespace)))
		withdrawn := rights.Items[0].DeepCopy()
		role := &rbacv1.Role{}
		key := client.ObjectKey{Namespace: withdrawn.Namespace, Name: withdrawn.RoleRef.Name}
		w.must(server.Client.Get(w.Context(), key, role))
		all := role.DeepCopy()
		for i := range role.Rules {
			if role.Rules[i].Resources[0] == "secrets" {
				role.Rules[i].Verbs = []string{"create"}
			}
		}
		w.must(server.Client.Update(w.Context(), role))
		w.refused()
		w.expect(v1alpha1.ConditionReady, false, v1alpha1.ReasonClusterError)
		w.expect(v1alpha1.ConditionNeedsPerson, true, v1alpha1.ReasonClusterError)
		says := condition(w.object, v1alpha1.ConditionReady).Message
		events := strings.Join(w.said(), "\n")
		if !strings.Contains(says, "allow its ServiceAccount to get Secrets in namespace") ||
			strings.Count(events, "Warning ClusterError") != 1 {
			w.Errorf("it says %q, and %s", says, events)
		}
		role.Rules = all.Rules
		w.must(server.Client.Update(w.Context(), role))
		w.eventually()
		w.expectSettled(v1alpha1.ReasonPasswordProved)
	}},
}

// orphan deletes the object, which is told not to wait, while a change of it is uncertain.
func (w *world) orphan(dropped int) {
	w.Helper()
	kinds := []admin.MessagesFaultKind{admin.MessagesReset, admin.MessagesDropBefore}
	w.script(admin.MessagesFault{Kind: kinds[dropped], Operation: admin.MessagesChange})
	w.patch(func(object *v1alpha1.MessagesPassword) {
		object.Spec.DeletionPolicy = v1alpha1.MessagesDeletionOrphan
	})
	w.demand()
	w.settle()
	w.must(server.Client.Delete(w.Context(), w.object))
	w.settle()
	if !w.gone() || w.secret("messages") == nil || w.secret(stagingOf) == nil {
		w.Fatal("it waits, or has not left both Secrets where they are")
	}
}

// anew makes another object for the same Secret.
func (w *world) anew() {
	w.Helper()
	w.object = &v1alpha1.MessagesPassword{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.object.Namespace, Name: "anew"}, Spec: w.object.Spec,
	}
	w.must(server.Client.Create(w.Context(), w.object))
}

func (w *world) gone() bool {
	w.Helper()
	err := server.Client.Get(w.Context(), client.ObjectKeyFromObject(w.object), &v1alpha1.MessagesPassword{})
	w.must(client.IgnoreNotFound(err))
	return apierrors.IsNotFound(err)
}

// hours lets some pass, with a look every hour.
func (w *world) hours(number int) {
	w.Helper()
	for range number {
		w.leap(time.Hour)
	}
}

// stranger makes somebody else's Secret of the name that a rotation needs.
func (w *world) stranger() *corev1.Secret {
	w.Helper()
	theirs := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.object.Namespace, Name: stagingOf},
		Data:       map[string][]byte{v1alpha1.KeyUsername: []byte("theirs")},
	}
	w.must(server.Client.Create(w.Context(), theirs))
	return theirs
}

// expectSettled wants nothing in flight, and the service's password in the Secret.
func (w *world) expectSettled(reason string) {
	w.Helper()
	w.expect(v1alpha1.ConditionReady, true, reason)
	w.expect(v1alpha1.ConditionNeedsPerson, false, reason)
	if w.object.Status.State != v1alpha1.MessagesPasswordIdle || !w.works(w.inSecret()) {
		w.Errorf("it is not settled: %+v", w.object.Status)
	}
	w.ledger()
}

func TestAHostThatIsNotListedIsNotCalled(t *testing.T) {
	w := begin(t, func(object *v1alpha1.MessagesPassword) { object.Spec.URL = "https://api.example:8443" })
	w.put(first)
	w.settle()
	w.expect(v1alpha1.ConditionNeedsPerson, true, v1alpha1.ReasonEndpointNotAllowed)
	says := condition(w.object, v1alpha1.ConditionReady).Message
	if !strings.HasPrefix(says, "api.example:8443 must not be called: the controller's --allowed-endpoints") ||
		len(w.counts.calls) != 0 || w.object.Status.LastCallTime != nil {
		t.Errorf("after %v it says %q", w.counts.calls, says)
	}
}
