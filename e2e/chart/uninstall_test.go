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
		controllers := []string{releaseName}
		messages, _ := values["messages"].(map[string]any)
		if rotating, _ := messages["enabled"].(bool); rotating {
			controllers = append(controllers, releaseName+"-messages")
		}
		if options.Namespace != releaseNamespace || !slices.Equal(options.Deployments, controllers) {
			t.Errorf("%s: in %s it ends Deployments %q", name, options.Namespace, options.Deployments)
		}
		for _, controller := range controllers {
			template := deployment(t, rendered, controller).Spec.Template.Spec
			if grace := time.Duration(*template.TerminationGracePeriodSeconds) * time.Second; options.Timeout <= grace {
				t.Errorf("%s: it waits for %s, a Pod may take %s", name, options.Timeout, grace)
			}
		}
		deadline := time.Duration(*typed[batchv1.Job](t, jobs[0]).Spec.ActiveDeadlineSeconds) * time.Second
		if deadline <= options.Timeout {
			t.Errorf("%s: it waits for %s, and may run for %s", name, options.Timeout, deadline)
		}
		verbs := []permission{{resource: "deployments", verb: "get"}, {resource: "deployments/scale", verb: "patch"}}
		want := make([]permission, 0, len(verbs)*len(controllers)+1)
		for _, verb := range verbs {
			for _, controller := range controllers {
				want = append(want, permission{releaseNamespace, "apps", verb.resource, controller, verb.verb})
			}
		}
		want = append(want, permission{releaseNamespace, "", "pods", "", "list"})
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
