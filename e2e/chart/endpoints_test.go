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
	"github.com/varmenne/varmenne-issuer/internal/must"
)

// controllerOptions are those that the controller has with these values.
func controllerOptions(t *testing.T, values map[string]any) app.Options {
	t.Helper()
	var options app.Options
	parse(t, fmt.Sprint(values), container(t, values).Args, options.AddFlags)
	return options
}

func TestTheControllerMayCallTheServiceTheSimulatorAndWhomTheValuesName(t *testing.T) {
	public := v1alpha1.PublicHosts()
	const simulated = "varmenne-issuer-simulator.varmenne-issuer.svc"
	rehearsal := []string{simulated + ":8443", simulated + ".cluster.local:8443"}
	for claim, c := range map[string]struct {
		values  string
		want    []string
		cluster bool
	}{
		"the service alone":  {"", public, false},
		"also the simulator": {`simulator: {enabled: true}`, slices.Concat(public, rehearsal), false},
		"others, and administrators no more": {
			`allowedEndpoints: {hosts: ["a.example:*", "[::1]:8443"], cluster: true}`,
			[]string{"a.example:*", "[::1]:8443"}, true,
		},
		"the simulator alone": {`{allowedEndpoints: {hosts: []}, simulator: {enabled: true}}`, rehearsal, false},
		"nobody":              {`allowedEndpoints: {hosts: []}`, []string{}, false},
		"an own flag":         {`extraArgs: [--allowed-endpoints=b.example]`, []string{"b.example"}, false},
		"every host":          {`allowedEndpoints: {hosts: ["*"]}`, []string{"*"}, false},
	} {
		got := controllerOptions(t, fromYAML(t, c.values))
		if !slices.Equal(got.AllowedEndpoints, c.want) || got.AllowedEndpointsCluster != c.cluster {
			t.Errorf("%s: %q, administrators %t", claim, got.AllowedEndpoints, got.AllowedEndpointsCluster)
		}
	}
}

func TestTheSampleOfTheSimulatorIsAnEndpointThatMayBeCalled(t *testing.T) {
	values := fromYAML(t, `allowedEndpoints: {hosts: []}`)
	maps.Copy(values, settings(t)["rehearsal"])
	list := must.Get(endpoints.Parse(controllerOptions(t, values).AllowedEndpoints))(t)
	sample := typed[corev1.ConfigMap](t, render(t, values).only(t, "ConfigMap", "-simulator-sample")).Data["sample.yaml"]
	content, _, _ := strings.Cut(sample, "\n---")
	issuer := &v1alpha1.VeroIssuer{}
	must.Do(t, yaml.Unmarshal([]byte(content), issuer))
	endpoint := must.Get(url.Parse(issuer.Spec.URL))(t)
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
