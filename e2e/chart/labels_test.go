package chart_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

const partOf = "app.kubernetes.io/part-of"

// podMetadata is that of the Pods of the whole chart, by component.
func podMetadata(t *testing.T, rendered objects) map[string]metav1.ObjectMeta {
	t.Helper()
	return map[string]metav1.ObjectMeta{
		"controller": deployment(t, rendered, releaseName).Spec.Template.ObjectMeta,
		"simulator":  deployment(t, rendered, "-simulator").Spec.Template.ObjectMeta,
		"uninstall":  typed[batchv1.Job](t, rendered.only(t, "Job", "")).Spec.Template.ObjectMeta,
		"test":       typed[corev1.Pod](t, rendered.only(t, "Pod", "")).ObjectMeta,
	}
}

// TestTheUsersLabelsGoBeforeTheChartsOwn where they do not select.
func TestTheUsersLabelsGoBeforeTheChartsOwn(t *testing.T) {
	rendered := render(t, settings(t)["labels"])
	for kind, labels := range map[string]map[string]string{
		"Deployment": {
			partOf: "tax", "app.kubernetes.io/managed-by": "flux", "app.kubernetes.io/version": "2026.1",
			"helm.sh/chart": "umbrella",
		},
		"Service":        {partOf: "metrics", "app.kubernetes.io/component": "controller"},
		"ServiceMonitor": {partOf: "tax", "app.kubernetes.io/instance": "kube-prometheus-stack"},
		"PrometheusRule": {partOf: "tax", "app.kubernetes.io/name": "kube-prometheus-stack"},
		"ClusterRole":    {partOf: "tax", "rbac.authorization.k8s.io/aggregate-to-admin": "true"},
	} {
		suffix := map[string]string{"Service": "-metrics", "ClusterRole": "-admin"}[kind]
		object := slices.DeleteFunc(rendered.of(kind), func(o *unstructured.Unstructured) bool {
			return !strings.HasSuffix(o.GetName(), releaseName+suffix)
		})
		if len(object) != 1 || !selects(labels, object[0].GetLabels()) {
			t.Errorf("%s: %v, want %v", kind, object, labels)
		}
	}
	for component, want := range map[string][2]string{
		"controller": {"pods", "true"}, "simulator": {"simulator", "true"},
		"uninstall": {"hooks", "false"}, "test": {"tests", "false"},
	} {
		meta := podMetadata(t, rendered)[component]
		got := [2]string{meta.Labels[partOf], meta.Annotations["sidecar.istio.io/inject"]}
		if got != want || meta.Labels["app.kubernetes.io/component"] != component {
			t.Errorf("%s: %v and %v, want %q", component, meta.Labels, meta.Annotations, want)
		}
	}
	own := podMetadata(t, rendered)
	if got := own["controller"].Annotations["kubectl.kubernetes.io/default-container"]; got != "istio-proxy" {
		t.Errorf("the default container is %q", got)
	}
	if own["test"].Annotations["helm.sh/hook"] != "test" {
		t.Errorf("the Pod of helm test is no hook: %v", own["test"].Annotations)
	}
}

// TestNoLabelOfTheUsersChangesASelector compares them with those that are there without any.
func TestNoLabelOfTheUsersChangesASelector(t *testing.T) {
	values := settings(t)["labels"]
	plain := maps.Clone(values)
	for _, name := range []string{"commonLabels", "podLabels", "uninstall", "test"} {
		delete(plain, name)
	}
	selectors := func(rendered objects) map[string]string {
		all := map[string]string{}
		for _, object := range rendered {
			for _, path := range [][]string{{"spec", "selector"}, {"spec", "podSelector"}} {
				if found, there, _ := unstructured.NestedMap(object.Object, path...); there {
					all[object.GetKind()+"/"+object.GetName()] = asYAML(t, found)
				}
			}
		}
		return all
	}
	got, want := selectors(render(t, values)), selectors(render(t, plain))
	if !maps.Equal(got, want) || len(want) < 8 {
		t.Errorf("the selectors are %v, without labels %v", got, want)
	}
}

// TestMonitorsSendATokenThatTheChartMakes and name no file: a Prometheus that tenants share refuses such monitors.
func TestMonitorsSendATokenThatTheChartMakes(t *testing.T) {
	for setting, kind := range map[string]string{"labels": "ServiceMonitor", "umbrella": "PodMonitor"} {
		rendered := render(t, settings(t)[setting])
		monitor := rendered.only(t, kind, "")
		text := asYAML(t, monitor.Object)
		secret := typed[corev1.Secret](t, rendered.only(t, "Secret", "-metrics-reader"))
		if !strings.Contains(text, "credentials:\n        key: token\n        name: "+secret.Name) ||
			secret.Namespace != monitor.GetNamespace() || secret.Type != corev1.SecretTypeServiceAccountToken {
			t.Errorf("%s: %s in %s, and %s", secret.Name, secret.Type, secret.Namespace, text)
		}
		account := typed[corev1.ServiceAccount](t, rendered.only(t, "ServiceAccount", "-metrics-reader"))
		if account.Namespace != secret.Namespace || secret.Annotations[corev1.ServiceAccountNameKey] != account.Name {
			t.Errorf("the token is of %v, the account is %s", secret.Annotations, account.Name)
		}
		binding := typed[rbacv1.ClusterRoleBinding](t, rendered.only(t, "ClusterRoleBinding", "-metrics-reader"))
		may := rules(t, rendered, binding.RoleRef, everywhere)
		if !concerns(binding.Subjects, account.Name) || len(may) != 1 || len(permissions(t, rendered, account.Name)) > 0 ||
			!slices.Equal(may[0].NonResourceURLs, []string{"/metrics"}) {
			t.Errorf("%s may %v", account.Name, may)
		}
	}
	for name, rendering := range wholeMatrix(t).renderings {
		for _, field := range []string{"bearerTokenFile", "caFile:", "certFile:", "keyFile:"} {
			if strings.Contains(string(rendering), field) {
				t.Errorf("%s: a monitor has %s", name, field)
			}
		}
	}
}
