package chart_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// chartFile is a file of the chart that a template wraps.
func chartFile(t *testing.T, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(helm(t).Chart, "files", name))
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// alerts of groups, by name, as what they are made of.
func alerts(t *testing.T, groups any) map[string]map[string]any {
	t.Helper()
	found := map[string]map[string]any{}
	list, _ := groups.([]any)
	for _, group := range list {
		group, _ := group.(map[string]any)
		rules, _ := group["rules"].([]any)
		for _, rule := range rules {
			rule, _ := rule.(map[string]any)
			name, _ := rule["alert"].(string)
			found[name] = rule
		}
	}
	if len(found) == 0 {
		t.Fatal("there are no alerts")
	}
	return found
}

// rendered are the alerts of the PrometheusRule that values make.
func renderedAlerts(t *testing.T, values map[string]any) map[string]map[string]any {
	t.Helper()
	rule := render(t, map[string]any{"prometheusRule": values}).only(t, "PrometheusRule", "")
	groups, _, err := unstructured.NestedSlice(rule.Object, "spec", "groups")
	if err != nil {
		t.Fatal(err)
	}
	return alerts(t, groups)
}

func TestTheAlertsAreThoseOfTheFile(t *testing.T) {
	var file map[string]any
	if err := yaml.UnmarshalStrict(chartFile(t, "rules.yaml"), &file); err != nil {
		t.Fatal(err)
	}
	want := alerts(t, file["groups"])
	if got := renderedAlerts(t, map[string]any{"enabled": true}); !reflect.DeepEqual(got, want) {
		t.Errorf("the chart has %v", got)
	}
	unwanted := slices.Sorted(maps.Keys(want))[0]
	got := renderedAlerts(t, map[string]any{
		"enabled": true, "disabledAlerts": []any{unwanted}, "alertLabels": map[string]any{"team": "tax", "severity": "page"},
	})
	if len(got) != len(want)-1 || got[unwanted] != nil {
		t.Errorf("without %s there are %q", unwanted, slices.Sorted(maps.Keys(got)))
	}
	for name, alert := range got {
		labels, _ := alert["labels"].(map[string]any)
		if labels["team"] != "tax" || labels["severity"] != "page" {
			t.Errorf("%s has the labels %v", name, labels)
		}
	}
}

func TestTheDashboardIsThatOfTheFile(t *testing.T) {
	rendered := render(t, map[string]any{"dashboard": map[string]any{"enabled": true, "namespace": "monitoring"}})
	dashboard := typed[corev1.ConfigMap](t, rendered.only(t, "ConfigMap", "-dashboard"))
	var got, want any
	if err := json.Unmarshal([]byte(dashboard.Data["varmenne-issuer.json"]), &got); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(chartFile(t, "dashboard.json"), &want); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Error("the chart has another one")
	}
	if dashboard.Namespace != "monitoring" || dashboard.Labels["grafana_dashboard"] != "1" {
		t.Errorf("it is in %s with %v", dashboard.Namespace, dashboard.Labels)
	}
}

// TestMonitorsFindTheMetrics follows a monitor to the port that it names.
func TestMonitorsFindTheMetrics(t *testing.T) {
	for kind, target := range map[string]string{"serviceMonitor": "Service", "podMonitor": "Pod"} {
		rendered := render(t, map[string]any{"metrics": map[string]any{kind: map[string]any{"enabled": true}}})
		monitor := rendered.only(t, map[string]string{"Service": "ServiceMonitor", "Pod": "PodMonitor"}[target], "")
		selector, _, err := unstructured.NestedStringMap(monitor.Object, "spec", "selector", "matchLabels")
		if err != nil {
			t.Fatal(err)
		}
		labels := deployment(t, rendered, releaseName).Spec.Template.Labels
		if target == "Service" {
			service := typed[corev1.Service](t, rendered.only(t, "Service", "-metrics"))
			if !selects(service.Spec.Selector, labels) {
				t.Errorf("the Service selects %v, the Pods have %v", service.Spec.Selector, labels)
			}
			labels = service.Labels
		}
		if !selects(selector, labels) {
			t.Errorf("the %s selects %v, the %s has %v", monitor.GetKind(), selector, target, labels)
		}
	}
}

func selects(selector, labels map[string]string) bool {
	for key, value := range selector {
		if labels[key] != value {
			return false
		}
	}
	return len(selector) > 0
}
