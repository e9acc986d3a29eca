package chart_test

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/app"
	"github.com/varmenne/varmenne-issuer/internal/endpoints"
)

// controllerOptions are those that the controller has with these values.
func controllerOptions(t *testing.T, values map[string]any) app.Options {
	t.Helper()
	var options app.Options
	pod := deployment(t, render(t, values), releaseName).Spec.Template.Spec
	parse(t, fmt.Sprint(values), pod.Containers[0].Args, options.AddFlags)
	return options
}

func TestTheControllerMayCallTheServiceTheSimulatorAndWhomTheValuesName(t *testing.T) {
	public := v1alpha1.PublicHosts()
	const simulated = "varmenne-issuer-simulator.varmenne-issuer.svc"
	rehearsal := []string{simulated + ":8443", simulated + ".cluster.local:8443"}
	enabled := map[string]any{"enabled": true}
	for claim, c := range map[string]struct {
		values  map[string]any
		want    []string
		cluster bool
	}{
		"the service alone": {nil, public, false},
		"also the simulator": {
			map[string]any{"simulator": enabled}, slices.Concat(public, rehearsal), false,
		},
		"others, and administrators no more": {
			map[string]any{"allowedEndpoints": map[string]any{"hosts": []any{"a.example:*", "[::1]:8443"}, "cluster": true}},
			[]string{"a.example:*", "[::1]:8443"}, true,
		},
		"the simulator alone": {
			map[string]any{"allowedEndpoints": map[string]any{"hosts": []any{}}, "simulator": enabled}, rehearsal, false,
		},
		"nobody":      {map[string]any{"allowedEndpoints": map[string]any{"hosts": []any{}}}, []string{}, false},
		"an own flag": {map[string]any{"extraArgs": []any{"--allowed-endpoints=b.example"}}, []string{"b.example"}, false},
		"every host":  {map[string]any{"allowedEndpoints": map[string]any{"hosts": []any{"*"}}}, []string{"*"}, false},
	} {
		got := controllerOptions(t, c.values)
		if !slices.Equal(got.AllowedEndpoints, c.want) || got.AllowedEndpointsCluster != c.cluster {
			t.Errorf("%s: %q, administrators %t", claim, got.AllowedEndpoints, got.AllowedEndpointsCluster)
		}
	}
}

func TestTheSampleOfTheSimulatorIsAnEndpointThatMayBeCalled(t *testing.T) {
	values := map[string]any{"allowedEndpoints": map[string]any{"hosts": []any{}}}
	maps.Copy(values, settings(t)["rehearsal"])
	list, err := endpoints.Parse(controllerOptions(t, values).AllowedEndpoints)
	if err != nil {
		t.Fatal(err)
	}
	sample := typed[corev1.ConfigMap](t, render(t, values).only(t, "ConfigMap", "-simulator-sample")).Data["sample.yaml"]
	content, _, _ := strings.Cut(sample, "\n---")
	issuer := &v1alpha1.VeroIssuer{}
	if err := yaml.Unmarshal([]byte(content), issuer); err != nil {
		t.Fatal(err)
	}
	endpoint, err := url.Parse(issuer.Spec.URL)
	if err != nil {
		t.Fatal(err)
	}
	rule := endpoints.Rule{Allowed: list, Bound: true}
	if err := rule.CheckHost(endpoint.Hostname(), endpoint.Port()); err != nil {
		t.Errorf("%s: %v", issuer.Spec.URL, err)
	}
}

func TestAnEndpointThatIsNoHostIsRefusedByTheSchema(t *testing.T) {
	for _, host := range []string{"https://a.example", "a.example/path", "*.example", "a.example,b.example", ""} {
		values := map[string]any{"allowedEndpoints": map[string]any{"hosts": []any{host}}}
		_, err := helm(t).Template(t.Context(), release(values))
		if err == nil || !strings.Contains(err.Error(), "allowedEndpoints") {
			t.Errorf("%q: %v", host, err)
		}
	}
}
