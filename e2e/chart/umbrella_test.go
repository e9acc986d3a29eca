package chart_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
)

// TestGlobalValuesStandInForTheChartsOwn in every Pod, and nowhere else.
func TestGlobalValuesStandInForTheChartsOwn(t *testing.T) {
	global := with(settings(t)["umbrella"], []string{"simulator", "enabled"}, true)
	own := with(global, []string{"image", "registry"}, "own.example")
	maps.Copy(own, fromYAML(t, `{priorityClassName: own, revisionHistoryLimit: 7, imagePullSecrets: [{name: own}]}`))
	for claim, example := range map[string]struct {
		values                   map[string]any
		image, priority, secrets string
		revisions                int32
	}{
		"global": {global, "registry.example/varmenne/varmenne-issuer:0.2.0", "system-cluster-critical", "pull other", 0},
		"own":    {own, "own.example/varmenne/varmenne-issuer:0.2.0", "own", "own", 7},
		"none":   {fromYAML(t, `simulator: {enabled: true}`), "varmenne/varmenne-issuer:0.2.0", "", "", 3},
	} {
		rendered := render(t, example.values)
		controller, simulated := deployment(t, rendered, releaseName), deployment(t, rendered, "-simulator")
		for _, d := range []*appsv1.Deployment{controller, simulated} {
			if *d.Spec.RevisionHistoryLimit != example.revisions {
				t.Errorf("%s: %s keeps %d revisions, want %d", claim, d.Name, *d.Spec.RevisionHistoryLimit, example.revisions)
			}
		}
		all := pods(t, rendered)
		if len(all) != 4 {
			t.Errorf("%s: there are %d Pods, want those of controller, simulator, Job and test", claim, len(all))
		}
		for _, pod := range all {
			spec := pod.Spec
			secrets := make([]string, 0, len(spec.ImagePullSecrets))
			for _, secret := range spec.ImagePullSecrets {
				secrets = append(secrets, secret.Name)
			}
			if got := spec.Containers[0].Image; got != example.image || spec.PriorityClassName != example.priority ||
				!slices.Equal(secrets, strings.Fields(example.secrets)) {
				t.Errorf("%s: %s has %s, priority %q, Secrets %q", claim, spec.Containers[0].Name, got,
					spec.PriorityClassName, secrets)
			}
			if claim != "none" && (*spec.RuntimeClassName != "gvisor" || spec.HostAliases[0].Hostnames[0] != "proxy.example") {
				t.Errorf("%s: %s has neither class nor aliases", claim, spec.Containers[0].Name)
			}
		}
	}
}

func TestOwnLabelsGoBeforeGlobalOnes(t *testing.T) {
	rendered := render(t, with(settings(t)["umbrella"], []string{"simulator", "enabled"}, true))
	for component, meta := range podMetadata(t, rendered) {
		if meta.Labels["team"] != "tax" || meta.Labels["tier"] != "own" {
			t.Errorf("%s: the labels are %v", component, meta.Labels)
		}
	}
}
