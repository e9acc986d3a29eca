package stories

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/e2e/cluster"
	"github.com/varmenne/varmenne-issuer/internal/must"
)

// TestArgoCDEndsTheControllerBeforeItDeletes plays Argo CD: it renders the chart, marks each object as its own, and
// creates the hooks of a deletion all at once, in no order. So the Job comes first here, before what it needs.
func TestArgoCDEndsTheControllerBeforeItDeletes(t *testing.T) {
	p := onPlatform(t)
	r := &release{platform: p, namespace: "argocd-application"}
	p.create(t, restrictedNamespace(r.namespace))
	t.Cleanup(func() { r.remove(t) })
	synced, hooks := r.tracked(t)
	t.Cleanup(func() { r.prune(t, synced) })
	for _, object := range synced {
		p.create(t, object)
	}
	r.mustKubectl(t, "-n", r.namespace, "rollout", "status", "deployment", issuer, inTime)

	slices.Reverse(hooks)
	for _, object := range hooks {
		p.create(t, object)
	}
	job := &batchv1.Job{}
	eventually(t, "the Job of the hook to be complete", func() error {
		must.Do(t, r.Get(t.Context(), client.ObjectKey{Namespace: r.namespace, Name: issuer + "-uninstall"}, job))
		if job.Status.Succeeded == 0 {
			return fmt.Errorf("its status is %+v", job.Status)
		}
		return nil
	})
	if pods := r.podsOf(t, "controller"); len(pods) > 0 {
		t.Errorf("the hook has ended, and these still run: %q", pods)
	}
	must.Do(t, r.Get(t.Context(), client.ObjectKey{Name: issuer}, &rbacv1.ClusterRole{})) // the permissions are there yet
	t.Run("nothing was refused to the release", func(t *testing.T) { testNothingWasRefused(t, r) })
}

// tracked are the objects that Argo CD applies, and those that it creates before it deletes them.
func (r *release) tracked(t *testing.T) (synced, hooks []*unstructured.Unstructured) {
	t.Helper()
	const hook = "helm.sh/hook"
	from := r.packed(currentVersion(t))
	rendered := must.Get(r.helm(t.Context(), slices.Concat([]string{"template", releaseName}, from.chart,
		[]string{"--namespace=" + r.namespace, "--values=" + writeValues(t, from.values)})...))(t)
	for _, object := range must.Get(cluster.Decode([]byte(rendered)))(t) {
		annotations := object.GetAnnotations()
		if annotations == nil {
			annotations = map[string]string{}
		}
		annotations["argocd.argoproj.io/tracking-id"] = releaseName + ":" + object.GetKind() + "/" + object.GetName()
		object.SetAnnotations(annotations)
		switch annotations[hook] {
		case "":
			synced = append(synced, object)
		case "pre-delete":
			hooks = append(hooks, object)
		}
	}
	if len(synced) == 0 || len(hooks) == 0 {
		t.Fatalf("the chart renders %d objects and %d hooks", len(synced), len(hooks))
	}
	return synced, hooks
}

// prune deletes objects, also when the test has failed.
func (r *release) prune(t *testing.T, objects []*unstructured.Unstructured) {
	t.Helper()
	var failures error
	for _, object := range objects {
		failures = errors.Join(failures, client.IgnoreNotFound(r.Delete(context.WithoutCancel(t.Context()), object)))
	}
	if failures != nil {
		t.Error(failures)
	}
}

// podsOf are the names of the Pods of a component that have not ended.
func (r *release) podsOf(t *testing.T, component string) []string {
	t.Helper()
	var names []string
	for _, pod := range r.pods(t) {
		if pod.Labels["app.kubernetes.io/component"] == component {
			names = append(names, pod.Name)
		}
	}
	return names
}
