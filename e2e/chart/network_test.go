package chart_test

import (
	"slices"
	"testing"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// policy is the rendered NetworkPolicy.
func policy(t *testing.T, values map[string]any) *networkingv1.NetworkPolicy {
	t.Helper()
	values = with(values, []string{"networkPolicy", "enabled"}, true)
	return typed[networkingv1.NetworkPolicy](t, render(t, values).only(t, "NetworkPolicy", releaseName))
}

// ports to which a rule lets out.
func ports(rule networkingv1.NetworkPolicyEgressRule) []string {
	all := make([]string, 0, len(rule.Ports))
	for _, port := range rule.Ports {
		all = append(all, port.Port.String()+"/"+string(*port.Protocol))
	}
	return all
}

func TestTheNetworkPolicyLetsOutToWhatIsNeeded(t *testing.T) {
	dns, apiServer := []string{"53/UDP", "53/TCP"}, []string{"443/TCP", "6443/TCP"}
	for claim, example := range map[string]struct {
		values string
		want   [][]string
	}{
		"names, API server, the service": {"", [][]string{dns, apiServer, {"443/TCP"}}},
		"the proxy in place of the service": {
			`proxy: {https: "http://proxy.example:3128"}`, [][]string{dns, apiServer, {"3128/TCP"}},
		},
		"a proxy without a port": {`proxy: {https: "http://proxy.example"}`, [][]string{dns, apiServer, {"80/TCP"}}},
		"a proxy over TLS without a port": {
			`proxy: {https: "https://proxy.example/"}`, [][]string{dns, apiServer, {"443/TCP"}},
		},
		"ports of the user's": {`networkPolicy: {service: {ports: [8080]}}`, [][]string{dns, apiServer, {"8080/TCP"}}},
		"the simulator": {
			`simulator: {enabled: true}`, [][]string{dns, apiServer, {"443/TCP"}, {"service/TCP"}},
		},
	} {
		var got [][]string
		for _, rule := range policy(t, fromYAML(t, example.values)).Spec.Egress {
			got = append(got, ports(rule))
		}
		if !slices.EqualFunc(got, example.want, slices.Equal) {
			t.Errorf("%s: it lets out to %q, want %q", claim, got, example.want)
		}
	}
}

func TestTheNetworkPolicyIsAboutTheControllersPods(t *testing.T) {
	values := fromYAML(t, `simulator: {enabled: true}`)
	rendered := render(t, values)
	selector := policy(t, values).Spec.PodSelector.MatchLabels
	if !selects(selector, deployment(t, rendered, releaseName).Spec.Template.Labels) {
		t.Error("it does not select them")
	}
	if selects(selector, deployment(t, rendered, "-simulator").Spec.Template.Labels) {
		t.Error("it selects the simulator too")
	}
	simulator := policy(t, values).Spec.Egress[3].To[0].PodSelector.MatchLabels
	if !selects(simulator, deployment(t, rendered, "-simulator").Spec.Template.Labels) {
		t.Errorf("it lets out to %v, and the simulator is another", simulator)
	}
	for _, rule := range policy(t, values).Spec.Ingress {
		for _, port := range rule.Ports {
			if port.Port.Type != intstr.String || port.Port.StrVal != "probes" && port.Port.StrVal != "metrics" {
				t.Errorf("it lets in to %s", port.Port)
			}
		}
	}
}
