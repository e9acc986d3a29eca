package chart_test

import (
	"slices"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"

	"github.com/varmenne/varmenne-issuer/internal/scaledown"
)

// TestUninstallingEndsThePodsFirst renders what a Job of `helm uninstall` does, and may do. That it does it is seen on
// the node.
func TestUninstallingEndsThePodsFirst(t *testing.T) {
	for name, values := range settings(t) {
		rendered := render(t, values)
		jobs := rendered.of("Job")
		if len(jobs) != 1 || jobs[0].GetAnnotations()["helm.sh/hook"] != "pre-delete" {
			t.Errorf("%s: the Jobs are %v", name, jobs)
			continue
		}
		spec := typed[batchv1.Job](t, jobs[0]).Spec.Template.Spec
		var options scaledown.Options
		parse(t, name, spec.Containers[0].Args[1:], options.AddFlags)
		ended := deployment(t, rendered, releaseName)
		if options.Namespace != ended.Namespace || options.Deployment != ended.Name {
			t.Errorf("%s: it ends Deployment %s/%s", name, options.Namespace, options.Deployment)
		}
		grace := time.Duration(*ended.Spec.Template.Spec.TerminationGracePeriodSeconds) * time.Second
		if options.Timeout <= grace {
			t.Errorf("%s: it waits for %s, a Pod may take %s", name, options.Timeout, grace)
		}
		deadline := time.Duration(*typed[batchv1.Job](t, jobs[0]).Spec.ActiveDeadlineSeconds) * time.Second
		if deadline <= options.Timeout {
			t.Errorf("%s: it waits for %s, and may run for %s", name, options.Timeout, deadline)
		}
		want := []permission{
			{releaseNamespace, "apps", "deployments", ended.Name, "get"},
			{releaseNamespace, "apps", "deployments/scale", ended.Name, "patch"},
			{releaseNamespace, "", "pods", "", "list"},
		}
		if got := permissions(t, rendered, spec.ServiceAccountName); !slices.Equal(got, want) {
			t.Errorf("%s: it may do %+v, want %+v", name, got, want)
		}
	}
}

func TestNoJobEndsThePodsWhereItCouldHaveNoPermission(t *testing.T) {
	for value, path := range map[string][]string{
		"uninstall.scaleDown": {"uninstall", "scaleDown"}, "rbac.create": {"rbac", "create"},
		"serviceAccount.create": {"serviceAccount", "create"},
	} {
		rendered := render(t, with(nil, path, false))
		if jobs := rendered.of("Job"); len(jobs) > 0 {
			t.Errorf("without %s there are Jobs: %v", value, jobs)
		}
	}
}
