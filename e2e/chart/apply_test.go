package chart_test

import (
	"bytes"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/varmenne/varmenne-issuer/e2e/cluster"
	"github.com/varmenne/varmenne-issuer/internal/must"
)

// TestTheAPIServerTakesTheSampleOfTheSimulator which it applies when it has started.
func TestTheAPIServerTakesTheSampleOfTheSimulator(t *testing.T) {
	c := shared.Get(t)
	installDefinitions(t, c)
	ensureNamespace(t, c, releaseNamespace)
	offered := 0
	for name, values := range settings(t) {
		for _, object := range render(t, values).of("ConfigMap") {
			if sample, found := typed[corev1.ConfigMap](t, object).Data["sample.yaml"]; found {
				offered++
				if err := dryRun(t, c, []byte(sample), "--namespace", releaseNamespace); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
		}
	}
	if offered == 0 {
		t.Error("no setting has a sample")
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
		manifests := must.Get(helm(t).TemplateAll(t.Context(), wanted))(t)
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
	for _, object := range slices.Concat(rendered.of("Deployment"), rendered.of("Job")) {
		template, _, err := unstructured.NestedMap(object.Object, "spec", "template")
		must.Do(t, err)
		all = append(all, typed[corev1.Pod](t, &unstructured.Unstructured{Object: template}))
	}
	for _, pod := range all {
		pod.Name, pod.GenerateName = "", "pod-"
	}
	return all
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
