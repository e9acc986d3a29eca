package chart_test

import (
	"strings"
	"testing"

	"github.com/varmenne/varmenne-issuer/e2e/chart"
)

// refuses fails the test unless the chart refuses values, saying what each of the examples is about.
func refuses(t *testing.T, examples map[string]string) {
	t.Helper()
	for claim, values := range examples {
		_, err := helm(t).Template(t.Context(), release(fromYAML(t, values)))
		if err == nil || !strings.Contains(err.Error(), claim) {
			t.Errorf("%s: the error is %v; it should say %q", values, err, claim)
		}
	}
}

// TestWhatExcludesOneAnotherIsRefused has values that each are good.
func TestWhatExcludesOneAnotherIsRefused(t *testing.T) {
	refuses(t, map[string]string{
		"leaderElection.enabled":        `{leaderElection: {enabled: false}}`,
		"secretNamespaces":              `{watchNamespaces: [a], secretNamespaces: [b]}`,
		"caBundle: set one":             `{caBundle: {inline: a, secretName: b}}`,
		"caBundle.replace":              `{caBundle: {replace: true}}`,
		"metrics.port":                  `{metrics: {port: 8081}}`,
		"proxy: set one":                `{proxy: {https: "http://a", secretName: b}}`,
		"metrics: serviceMonitor":       `{metrics: {serviceMonitor: {enabled: true}, podMonitor: {enabled: true}}}`,
		"metrics.enabled=false":         `{metrics: {enabled: false, secure: true}}`,
		"metrics.certificateSecretName": `{metrics: {certificateSecretName: a}}`,
		"set authorization of the monitor": `{rbac: {create: false}, ` +
			`metrics: {secure: true, podMonitor: {enabled: true}}}`,
		"two replicas would work":    `{leaderElection: {leaseDuration: 10s}}`,
		"leaderElection.retryPeriod": `{leaderElection: {retryPeriod: 8334ms}}`,
		"longer than nothing":        `{leaderElection: {retryPeriod: 0s}}`,
		"extraEnv: SSL_CERT_FILE": `{caBundle: {secretName: a, replace: true}, ` +
			`extraEnv: [{name: SSL_CERT_FILE}]}`,
		"messages.enabled needs messages.namespaces": `{messages: {enabled: true}}`,
		"extraEnv/0/value":                           `{extraEnv: [{name: VARMENNE_WORKERS, value: 5}]}`,
		"simulator.renewalWindow":                    `{simulator: {validity: 1h, renewalWindow: 60m}}`,
		`add "varmenne-issuer" to watchNamespaces`:   `{watchNamespaces: [a], simulator: {enabled: true}}`,
		`add "varmenne-issuer" to secretNamespaces`:  `{secretNamespaces: [a], simulator: {enabled: true}}`,
	})
}

// TestAValueThatIsNeededAndTakenAwayIsRefused as null does, and `helm upgrade --reuse-values` from a chart without it.
func TestAValueThatIsNeededAndTakenAwayIsRefused(t *testing.T) {
	refuses(t, map[string]string{
		"missing property 'log'":           `{log: null}`,
		"missing property 'workers'":       `{workers: null}`,
		"missing property 'leaseDuration'": `{leaderElection: {leaseDuration: null}}`,
	})
	render(t, fromYAML(t, `{watchNamespaces: null, replicaCount: null, extraEnv: null, podLabels: null}`)) // may be empty
}

// TestWhatWouldBeThereTwiceIsRefused also where Kubernetes tells items apart by more than their whole.
func TestWhatWouldBeThereTwiceIsRefused(t *testing.T) {
	const label = `{app.kubernetes.io/component: issuer}`
	refuses(t, map[string]string{
		"commonLabels: app.kubernetes.io/component tells":           `{commonLabels: ` + label + `}`,
		"global.commonLabels: app.kubernetes.io/component tells":    `{global: {commonLabels: ` + label + `}}`,
		"podLabels: app.kubernetes.io/component tells":              `{podLabels: ` + label + `}`,
		"test.podLabels: app.kubernetes.io/component tells":         `{test: {podLabels: ` + label + `}}`,
		"uninstall.podLabels: app.kubernetes.io/component tells":    `{uninstall: {podLabels: ` + label + `}}`,
		"simulator.podLabels: app.kubernetes.io/component tells":    `{simulator: {podLabels: ` + label + `}}`,
		"metrics.service.labels: app.kubernetes.io/component tells": `{metrics: {service: {labels: ` + label + `}}}`,
		"commonLabels: app.kubernetes.io/instance tells":            `{commonLabels: {app.kubernetes.io/instance: other}}`,
		"test.podAnnotations: helm.sh/hook belongs":                 `{test: {podAnnotations: {helm.sh/hook: post-install}}}`,
		"extraEnv: A: it is there twice":                            `{extraEnv: [{name: A}, {name: A}]}`,
		"extraVolumes: ca-bundle: the chart has one": `{caBundle: {secretName: authorities}, ` +
			`extraVolumes: [{name: ca-bundle}]}`,
		"extraVolumes: a: it is there twice": `{extraVolumes: [{name: a}, {name: a}]}`,
		"extraVolumeMounts: /etc/varmenne-issuer/ca: the chart has one": `{caBundle: {secretName: authorities}, ` +
			`extraVolumeMounts: [{name: ca-bundle, mountPath: /etc/varmenne-issuer/ca/}]}`,
		"extraVolumeMounts: there is no volume":     `{extraVolumeMounts: [{name: a, mountPath: /a}]}`,
		"hostAliases: 192.0.2.7: it is there twice": `{hostAliases: [{ip: 192.0.2.7}, {ip: 192.0.2.7}]}`,
		"topologySpreadConstraints: DoNotSchedule, zone": `{topologySpreadConstraints: [` +
			`{topologyKey: zone, whenUnsatisfiable: DoNotSchedule, maxSkew: 1}, ` +
			`{topologyKey: zone, whenUnsatisfiable: DoNotSchedule, maxSkew: 2}]}`,
	})
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
