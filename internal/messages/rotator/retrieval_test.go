package rotator_test

import (
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
)

// fetching is a world whose messages a CronJob or a Deployment fetches; maxAge is an hour.
type fetching struct {
	*world

	job        *batchv1.CronJob
	deployment *appsv1.Deployment
}

func beginFetching(t *testing.T, from v1alpha1.MessagesRetrieval) *fetching {
	t.Helper()
	w := begin(t, func(object *v1alpha1.MessagesPassword) {
		from.MaxAge = &metav1.Duration{Duration: time.Hour}
		object.Spec.Retrieval = &from
	})
	w.put(first)
	meta := metav1.ObjectMeta{Namespace: w.object.Namespace, Name: "fetch"}
	labels := map[string]string{"app": "fetch"}
	template := corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: corev1.PodSpec{
		RestartPolicy: corev1.RestartPolicyNever, Containers: []corev1.Container{{Name: "fetch", Image: "none"}},
	}}
	f := &fetching{w, &batchv1.CronJob{ObjectMeta: meta}, &appsv1.Deployment{ObjectMeta: meta}}
	f.job.Spec.Schedule, f.job.Spec.JobTemplate.Spec.Template = "0 * * * *", template
	f.deployment.Spec.Selector = &metav1.LabelSelector{MatchLabels: labels}
	f.deployment.Spec.Template = *template.DeepCopy()
	f.deployment.Spec.Template.Spec.RestartPolicy = corev1.RestartPolicyAlways
	return f
}

// succeeded lets the CronJob have succeeded so long ago.
func (f *fetching) succeeded(ago time.Duration) {
	f.Helper()
	f.job.Status.LastSuccessfulTime = &metav1.Time{Time: f.clock.Now().Add(-ago)}
	f.must(server.Client.Status().Update(f.Context(), f.job))
}

// beats has the application write something into the annotation.
func (f *fetching) beats(value string) {
	f.Helper()
	metav1.SetMetaDataAnnotation(&f.deployment.ObjectMeta, "varmenne.dev/messages-retrieved", value)
	f.must(server.Client.Update(f.Context(), f.deployment))
}

// look looks a minute later, and wants the condition to be so.
func (f *fetching) look(late bool, says string) {
	f.Helper()
	f.leap(time.Minute)
	reason := map[bool]string{false: v1alpha1.ReasonRetrieved, true: v1alpha1.ReasonRetrievalLate}[late]
	f.expect(v1alpha1.ConditionRetrievalLate, late, reason)
	if got := condition(f.object, v1alpha1.ConditionRetrievalLate).Message; !strings.Contains(got, says) {
		f.Errorf("it says %q, not %q", got, says)
	}
}

func TestALateRetrievalIsTold(t *testing.T) {
	t.Run("of a CronJob", func(t *testing.T) {
		f := beginFetching(t, v1alpha1.MessagesRetrieval{CronJobName: "fetch"})
		f.look(true, "spec.retrieval.cronJobName: there is no CronJob fetch: correct the name")
		f.must(server.Client.Create(t.Context(), f.job))
		f.look(true, "nothing shows that messages of end users were ever fetched; spec.retrieval.maxAge is 1h0m0s")
		f.said()
		f.succeeded(50 * time.Minute)
		f.look(false, "fetched in time")
		if events := strings.Join(f.said(), "\n"); !strings.Contains(events, "Normal Retrieved") {
			t.Errorf("the events are %s", events)
		}
		f.clock.Step(9 * time.Minute)
		f.look(true, "last fetched at "+f.job.Status.LastSuccessfulTime.UTC().Format(time.RFC3339))
		if events := strings.Join(f.said(), "\n"); !strings.Contains(events, "Warning RetrievalLate") {
			t.Errorf("the events are %s", events)
		}
		f.job.Spec.Suspend = new(true)
		f.must(server.Client.Update(t.Context(), f.job))
		f.look(true, "and CronJob fetch is suspended; spec.retrieval.maxAge")
		f.succeeded(0)
		f.look(false, "fetched in time")
		f.succeeded(-time.Hour)
		f.look(true, "lies ahead: compare the clocks of the control plane and of the controller")
		f.succeeded(0)
		f.look(false, "fetched in time")
		f.clock.Step(-24 * time.Hour)
		f.look(true, "lies ahead")
		f.must(server.Client.Delete(t.Context(), f.job))
		f.look(true, "there is no CronJob fetch")
		f.patch(func(object *v1alpha1.MessagesPassword) { object.Spec.Retrieval = nil })
		f.settle()
		got := condition(f.object, v1alpha1.ConditionRetrievalLate)
		if got.Type != "" || f.object.Status.LastRetrievalTime != nil {
			t.Errorf("what nobody watches is %+v", got)
		}
	})
	t.Run("of a Deployment that writes it down", func(t *testing.T) {
		heartbeat := &v1alpha1.MessagesHeartbeat{DeploymentName: "fetch"}
		f := beginFetching(t, v1alpha1.MessagesRetrieval{Heartbeat: heartbeat})
		at := func(ago time.Duration) string { return f.clock.Now().Add(-ago).Format(time.RFC3339Nano) }
		f.look(true, "spec.retrieval.heartbeat.deploymentName: there is no Deployment fetch")
		f.must(server.Client.Create(t.Context(), f.deployment))
		f.look(true, "ever fetched")
		for _, value := range []string{"", "yesterday", "1764331200", "2026-11-28 12:00:00", at(-15 * time.Minute)} {
			f.beats(value)
			f.look(true, "annotation varmenne.dev/messages-retrieved of Deployment fetch is no time that has passed")
		}
		f.beats(at(57 * time.Minute))
		f.look(false, "fetched in time")
		f.clock.Step(2 * time.Minute)
		f.look(true, "last fetched at")
		f.beats(at(-5 * time.Minute)) // its clock may be ahead as far as that
		f.look(false, "fetched in time")
		if last := f.object.Status.LastRetrievalTime; last.After(f.clock.Now()) {
			t.Errorf("it was at %s", last)
		}
	})
	t.Run("also without the right to see it", func(t *testing.T) {
		f := beginFetching(t, v1alpha1.MessagesRetrieval{CronJobName: "fetch"})
		f.must(server.Client.Create(t.Context(), f.job))
		f.succeeded(0)
		f.reconciler = f.controller(f.without("cronjobs"))
		f.look(true, "the controller may not get CronJobs in namespace "+f.object.Namespace+": allow it")
		f.expect(v1alpha1.ConditionReady, true, v1alpha1.ReasonPasswordProved) // which is another matter
	})
}

// without is an access with all rights of the controller but those on a resource.
func (w *world) without(resource string) client.Client {
	w.Helper()
	var rules []rbacv1.PolicyRule
	for _, rule := range w.rules() {
		if rule.Resources[0] != resource {
			rules = append(rules, rule)
		}
	}
	user := w.object.Namespace + "-" + resource
	w.bind(user, w.object.Namespace, rules)
	return namespaced{server.As(w.T, user), []string{w.object.Namespace}}
}
