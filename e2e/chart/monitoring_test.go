package chart_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/varmenne/varmenne-issuer/internal/must"
)

// chartFile is a file of the chart that a template wraps.
func chartFile(t *testing.T, name string) []byte {
	t.Helper()
	return must.Get(os.ReadFile(filepath.Join(helm(t).Chart, "files", name)))(t)
}

// alerts of a text with groups of rules, by name, as what they are made of.
func alerts(t *testing.T, text string) map[string]map[string]any {
	t.Helper()
	var file struct {
		Groups []struct {
			Rules []map[string]any `json:"rules"`
		} `json:"groups"`
	}
	must.Do(t, yaml.Unmarshal([]byte(text), &file))
	found := map[string]map[string]any{}
	for _, group := range file.Groups {
		for _, rule := range group.Rules {
			name, _ := rule["alert"].(string)
			found[name] = rule
		}
	}
	if len(found) == 0 {
		t.Fatal("there are no alerts")
	}
	return found
}

// renderedAlerts are those of the PrometheusRule that values make, where passwords are rotated.
func renderedAlerts(t *testing.T, values string) map[string]map[string]any {
	t.Helper()
	return alertsWith(t, `{messages: {enabled: true, namespaces: [mail]}, prometheusRule: `+values+`}`)
}

func alertsWith(t *testing.T, values string) map[string]map[string]any {
	t.Helper()
	rendered := render(t, fromYAML(t, values))
	return alerts(t, asYAML(t, rendered.only(t, "PrometheusRule", "").Object["spec"]))
}

func TestTheAlertsAreThoseOfTheFile(t *testing.T) {
	want := alerts(t, string(chartFile(t, "rules.yaml")))
	if got := renderedAlerts(t, `{enabled: true}`); !reflect.DeepEqual(got, want) {
		t.Errorf("the chart has %v", got)
	}
	unwanted := slices.Sorted(maps.Keys(want))[0]
	got := renderedAlerts(t,
		`{enabled: true, disabledAlerts: [`+unwanted+`], alertLabels: {team: tax, severity: page}}`)
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

// TestNoAlertWaitsForAProcessThatIsNotWanted: those about passwords would, where no password is rotated.
func TestNoAlertWaitsForAProcessThatIsNotWanted(t *testing.T) {
	all := renderedAlerts(t, `{enabled: true}`)
	got := alertsWith(t, `prometheusRule: {enabled: true}`)
	for name := range all {
		if about := strings.HasPrefix(name, "VarmenneMessages"); about == (got[name] != nil) {
			t.Errorf("without messages.enabled, %s is there: %t", name, about)
		}
	}
}

func TestTheDashboardIsThatOfTheFile(t *testing.T) {
	rendered := render(t, fromYAML(t, `dashboard: {enabled: true, namespace: monitoring}`))
	dashboard := typed[corev1.ConfigMap](t, rendered.only(t, "ConfigMap", "-dashboard"))
	var got, want any
	must.Do(t, json.Unmarshal([]byte(dashboard.Data["varmenne-issuer.json"]), &got))
	must.Do(t, json.Unmarshal(chartFile(t, "dashboard.json"), &want))
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
		must.Do(t, err)
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
