package chart_test

import (
	"strings"
	"testing"

	"github.com/varmenne/varmenne-issuer/e2e/chart"
)

// TestWhatExcludesOneAnotherIsRefused has values that each are good.
func TestWhatExcludesOneAnotherIsRefused(t *testing.T) {
	for claim, values := range map[string]map[string]any{
		"leaderElection.enabled": {"leaderElection": map[string]any{"enabled": false}},
		"secretNamespaces":       {"watchNamespaces": []any{"a"}, "secretNamespaces": []any{"b"}},
		"caBundle: set one":      {"caBundle": map[string]any{"inline": "a", "secretName": "b"}},
		"caBundle.replace":       {"caBundle": map[string]any{"replace": true}},
		"metrics.port":           {"metrics": map[string]any{"port": 8081}},
		"proxy: set one":         {"proxy": map[string]any{"https": "http://a", "secretName": "b"}},
		"metrics: serviceMonitor": {"metrics": map[string]any{
			"serviceMonitor": map[string]any{"enabled": true}, "podMonitor": map[string]any{"enabled": true},
		}},
		"metrics.enabled=false":         {"metrics": map[string]any{"enabled": false, "secure": true}},
		"metrics.certificateSecretName": {"metrics": map[string]any{"certificateSecretName": "a"}},
		"set authorization of the monitor": {"rbac": map[string]any{"create": false}, "metrics": map[string]any{
			"secure": true, "podMonitor": map[string]any{"enabled": true},
		}},
		"two replicas would work":    {"leaderElection": map[string]any{"leaseDuration": "10s"}},
		"leaderElection.retryPeriod": {"leaderElection": map[string]any{"retryPeriod": "8334ms"}},
		"longer than nothing":        {"leaderElection": map[string]any{"retryPeriod": "0s"}},
		"extraEnv: SSL_CERT_FILE": {
			"caBundle": map[string]any{"secretName": "a", "replace": true}, "extraEnv": list("name", "SSL_CERT_FILE"),
		},
		"extraEnv/0/value":        {"extraEnv": []any{map[string]any{"name": "VARMENNE_WORKERS", "value": 5}}},
		"simulator.renewalWindow": {"simulator": map[string]any{"validity": "1h", "renewalWindow": "60m"}},
		"add \"varmenne-issuer\" to watchNamespaces": {
			"watchNamespaces": []any{"a"}, "simulator": map[string]any{"enabled": true},
		},
		"add \"varmenne-issuer\" to secretNamespaces": {
			"secretNamespaces": []any{"a"}, "simulator": map[string]any{"enabled": true},
		},
	} {
		if _, err := helm(t).Template(t.Context(), release(values)); err == nil || !strings.Contains(err.Error(), claim) {
			t.Errorf("%v: the error is %v; it should say %q", values, err, claim)
		}
	}
}

// TestAValueThatIsNeededAndTakenAwayIsRefused as null does, and `helm upgrade --reuse-values` from a chart without it.
func TestAValueThatIsNeededAndTakenAwayIsRefused(t *testing.T) {
	for claim, values := range map[string]map[string]any{
		"missing property 'log'":           {"log": nil},
		"missing property 'workers'":       {"workers": nil},
		"missing property 'leaseDuration'": {"leaderElection": map[string]any{"leaseDuration": nil}},
	} {
		if _, err := helm(t).Template(t.Context(), release(values)); err == nil || !strings.Contains(err.Error(), claim) {
			t.Errorf("%v: the error is %v; it should say %q", values, err, claim)
		}
	}
	empty := map[string]any{"watchNamespaces": nil, "replicaCount": nil, "extraEnv": nil, "podLabels": nil}
	if _, err := helm(t).Template(t.Context(), release(empty)); err != nil {
		t.Errorf("what may be empty is refused: %v", err)
	}
}

// list has an object for each value of a key.
func list(key string, values ...any) []any {
	all := make([]any, 0, len(values))
	for _, value := range values {
		all = append(all, map[string]any{key: value})
	}
	return all
}

// TestWhatWouldBeThereTwiceIsRefused also where Kubernetes tells items apart by more than their whole.
func TestWhatWouldBeThereTwiceIsRefused(t *testing.T) {
	label := map[string]any{"app.kubernetes.io/component": "issuer"}
	spread := map[string]any{"topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule", "maxSkew": 1}
	wider := map[string]any{"topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule", "maxSkew": 2}
	bundle := map[string]any{"secretName": "authorities"}
	for claim, values := range map[string]map[string]any{
		"commonLabels: app.kubernetes.io/component tells":        {"commonLabels": label},
		"global.commonLabels: app.kubernetes.io/component tells": {"global": map[string]any{"commonLabels": label}},
		"podLabels: app.kubernetes.io/component tells":           {"podLabels": label},
		"test.podLabels: app.kubernetes.io/component tells":      {"test": map[string]any{"podLabels": label}},
		"uninstall.podLabels: app.kubernetes.io/component tells": {"uninstall": map[string]any{"podLabels": label}},
		"simulator.podLabels: app.kubernetes.io/component tells": {"simulator": map[string]any{"podLabels": label}},
		"metrics.service.labels: app.kubernetes.io/component tells": {
			"metrics": map[string]any{"service": map[string]any{"labels": label}},
		},
		"commonLabels: app.kubernetes.io/instance tells": {
			"commonLabels": map[string]any{"app.kubernetes.io/instance": "other"},
		},
		"test.podAnnotations: helm.sh/hook belongs": {
			"test": map[string]any{"podAnnotations": map[string]any{"helm.sh/hook": "post-install"}},
		},
		"extraEnv: A: it is there twice": {"extraEnv": list("name", "A", "A")},
		"extraVolumes: ca-bundle: the chart has one": {
			"caBundle": bundle, "extraVolumes": list("name", "ca-bundle"),
		},
		"extraVolumes: a: it is there twice": {"extraVolumes": list("name", "a", "a")},
		"extraVolumeMounts: /etc/varmenne-issuer/ca: the chart has one": {
			"caBundle":          bundle,
			"extraVolumeMounts": []any{map[string]any{"name": "ca-bundle", "mountPath": "/etc/varmenne-issuer/ca/"}},
		},
		"extraVolumeMounts: there is no volume": {
			"extraVolumeMounts": []any{map[string]any{"name": "a", "mountPath": "/a"}},
		},
		"hostAliases: 192.0.2.7: it is there twice":      {"hostAliases": list("ip", "192.0.2.7", "192.0.2.7")},
		"topologySpreadConstraints: DoNotSchedule, zone": {"topologySpreadConstraints": []any{spread, wider}},
	} {
		if _, err := helm(t).Template(t.Context(), release(values)); err == nil || !strings.Contains(err.Error(), claim) {
			t.Errorf("%v: the error is %v; it should say %q", values, err, claim)
		}
	}
}

// TestNamesThatCannotBeAreRefused with the value to change.
func TestNamesThatCannotBeAreRefused(t *testing.T) {
	for _, override := range []string{"fullnameOverride", "nameOverride"} {
		for _, name := range []string{"Upper", "a.b", "-a", "a_b", "1st", "-", "a b"} {
			// With a digit the release's name does not begin those of the objects.
			wanted := chart.Release{Name: "1", Namespace: releaseNamespace, Values: map[string]any{override: name}}
			_, err := helm(t).Template(t.Context(), wanted)
			if err == nil || !strings.Contains(err.Error(), override+": ") {
				t.Errorf("%s: %q: the error is %v; it should name the value", override, name, err)
			}
		}
	}
}
