package chart_test

import (
	"bytes"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varmenne/varmenne-issuer/e2e/cluster"
	"github.com/varmenne/varmenne-issuer/e2e/testkit"
)

// TestTheAPIServerTakesWhatIsRendered offers every object to a real API server that knows all kinds: a field that a
// kind does not have, or a value that it refuses, is an error.
func TestTheAPIServerTakesWhatIsRendered(t *testing.T) {
	c := shared.Get(t)
	installDefinitions(t, c)
	for name, values := range settings(t) {
		t.Run(name, func(t *testing.T) {
			rendered := render(t, values)
			ensureNamespaces(t, c, rendered)
			manifests := testkit.Must(helm(t).TemplateAll(t.Context(), release(values)))(t)
			if err := dryRun(t, c, manifests); err != nil {
				t.Error(err)
			}
			if sample := sampleManifests(t, rendered); sample != "" {
				if err := dryRun(t, c, []byte(sample), "--namespace", releaseNamespace); err != nil {
					t.Errorf("the simulator's sample: %v", err)
				}
			}
		})
	}
}

// TestEveryNameOfAReleaseThatHelmAllowsIsTaken wants names that can be those of Services.
func TestEveryNameOfAReleaseThatHelmAllowsIsTaken(t *testing.T) {
	c := shared.Get(t)
	installDefinitions(t, c)
	ensureNamespace(t, c, releaseNamespace)
	names := map[string]string{
		"a.b":                                "a-b-varmenne-issuer",
		"1st":                                "varmenne-issuer-1st",
		"1.varmenne-issuer":                  "varmenne-issuer-1-varmenne-issuer",
		strings.Repeat("long-", 10) + "er1":  strings.TrimSuffix(strings.Repeat("long-", 10)[:48], "-"),
		strings.Repeat("a", 45) + "---bcdef": strings.Repeat("a", 45),
		strings.Repeat("a.", 26) + "b":       strings.Repeat("a-", 23) + "a",
	}
	all := make([][]byte, 0, len(names))
	for name, want := range names {
		wanted := release(settings(t)["everything"])
		wanted.Name = name
		manifests := testkit.Must(helm(t).TemplateAll(t.Context(), wanted))(t)
		all = append(all, manifests)
		deployment(t, decode(t, manifests), want)
	}
	if err := dryRun(t, c, bytes.Join(all, []byte("\n---\n"))); err != nil {
		t.Error(err)
	}
}

func TestAFieldThatAKindDoesNotHaveIsRefused(t *testing.T) {
	c := shared.Get(t)
	manifest := "{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {ports: [{port: 1, prot: 2}]}}"
	if err := dryRun(t, c, []byte(manifest)); err == nil || !strings.Contains(err.Error(), "prot") {
		t.Errorf("the error is %v; it should name the field", err)
	}
}

// TestPodsAreAllowedByRestrictedPodSecurity creates Pods of all templates where the standard is enforced.
func TestPodsAreAllowedByRestrictedPodSecurity(t *testing.T) {
	c := shared.Get(t)
	const namespace = "restricted"
	create(t, c, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		Name: namespace, Labels: map[string]string{"pod-security.kubernetes.io/enforce": "restricted"},
	}})
	values := settings(t)
	values["weakened"] = map[string]any{"securityContext": map[string]any{"allowPrivilegeEscalation": true}}
	for name, values := range values {
		for _, pod := range pods(t, render(t, values)) {
			pod.Namespace = namespace
			pod.Spec.PriorityClassName = "" // A quota would have to allow the one of the settings here.
			err := c.Client().Create(t.Context(), pod)
			switch {
			case name == "weakened" && err == nil:
				t.Errorf("%s: Pod %s is taken, so the standard is not enforced", name, pod.Name)
			case name != "weakened" && err != nil:
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// pods are those that the objects create, with names of their own.
func pods(t *testing.T, rendered objects) []*corev1.Pod {
	t.Helper()
	all := make([]*corev1.Pod, 0, len(rendered))
	for _, object := range rendered.of("Pod") {
		all = append(all, typed[corev1.Pod](t, object))
	}
	for _, object := range rendered.of("Deployment") {
		deployment := typed[appsv1.Deployment](t, object)
		all = append(all, &corev1.Pod{ObjectMeta: deployment.Spec.Template.ObjectMeta, Spec: deployment.Spec.Template.Spec})
	}
	for _, object := range rendered.of("Job") {
		job := typed[batchv1.Job](t, object)
		all = append(all, &corev1.Pod{ObjectMeta: job.Spec.Template.ObjectMeta, Spec: job.Spec.Template.Spec})
	}
	for _, pod := range all {
		pod.Name, pod.GenerateName = "", "pod-"
	}
	return all
}

// sampleManifests are what the simulator applies.
func sampleManifests(t *testing.T, rendered objects) string {
	t.Helper()
	for _, object := range rendered.of("ConfigMap") {
		if sample, found := typed[corev1.ConfigMap](t, object).Data["sample.yaml"]; found {
			return sample
		}
	}
	return ""
}

// dryRun offers manifests to the API server, which says what it thinks of them and keeps nothing.
func dryRun(t *testing.T, c *cluster.Cluster, manifests []byte, flags ...string) error {
	t.Helper()
	arguments := append([]string{"apply", "--kubeconfig", c.KubeconfigPath(), "--filename=-"}, flags...)
	command := exec.CommandContext(t.Context(), c.Kubectl(), append(arguments,
		"--server-side", "--force-conflicts", "--dry-run=server", "--validate=strict")...)
	command.Stdin = bytes.NewReader(manifests)
	output, err := command.CombinedOutput()
	if err != nil {
		return fmt.Errorf("kubectl apply: %w: %s", err, output)
	}
	return nil
}
