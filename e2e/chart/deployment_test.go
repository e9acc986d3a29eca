package chart_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/varmenne/varmenne-issuer/internal/app"
	"github.com/varmenne/varmenne-issuer/internal/simulator"
	"github.com/varmenne/varmenne-issuer/internal/simulator/samples"
)

// deployment is the rendered one of a component.
func deployment(t *testing.T, rendered objects, suffix string) *appsv1.Deployment {
	t.Helper()
	return typed[appsv1.Deployment](t, rendered.only(t, "Deployment", suffix))
}

// container is the controller's, as values make it.
func container(t *testing.T, values map[string]any) corev1.Container {
	t.Helper()
	return deployment(t, render(t, values), releaseName).Spec.Template.Spec.Containers[0]
}

func TestTheProgramTakesTheFlagsOfTheDeployments(t *testing.T) {
	for name, values := range settings(t) {
		rendered := render(t, values)
		var options app.Options
		parse(t, name, deployment(t, rendered, releaseName).Spec.Template.Spec.Containers[0].Args, options.AddFlags)
		if err := options.Validate(); err != nil {
			t.Errorf("%s: the controller refuses: %v", name, err)
		}
		if values["messages"] != nil {
			var rotator app.MessagesOptions
			arguments := deployment(t, rendered, "-messages").Spec.Template.Spec.Containers[0].Args
			parse(t, name, arguments[1:], rotator.AddFlags)
			if err := rotator.Validate(); err != nil || arguments[0] != "messages" || rotator.LeaseName == options.LeaseName {
				t.Errorf("%s: the controller of passwords refuses %q: %v", name, arguments, err)
			}
		}
		if values["simulator"] == nil {
			continue
		}
		arguments := deployment(t, rendered, "-simulator").Spec.Template.Spec.Containers[0].Args
		if arguments[0] != "simulator" {
			t.Fatalf("%s: the simulator's first argument is %q", name, arguments[0])
		}
		service, applied := simulator.DefaultOptions(), samples.Options{}
		parse(t, name, arguments[1:], func(flags *pflag.FlagSet) {
			service.AddFlags(flags)
			applied.AddFlags(flags)
		})
		if err := service.Validate(); err != nil {
			t.Errorf("%s: the simulator refuses: %v", name, err)
		}
		if !applied.Wanted() || applied.Namespace != releaseNamespace || applied.Owner == "" {
			t.Errorf("%s: the simulator would apply no samples: %+v", name, applied)
		}
	}
}

func parse(t *testing.T, name string, arguments []string, add func(*pflag.FlagSet)) {
	t.Helper()
	flags := pflag.NewFlagSet(name, pflag.ContinueOnError)
	add(flags)
	if err := flags.Parse(arguments); err != nil || flags.NArg() > 0 {
		t.Errorf("%s: %q: %v, left over %q", name, arguments, err, flags.Args())
	}
}

func TestDefaultsOfTheChartAreThoseOfTheProgram(t *testing.T) {
	var program, rendered app.Options
	parse(t, "program", []string{"--namespace=" + releaseNamespace}, program.AddFlags)
	parse(t, "chart", container(t, nil).Args, rendered.AddFlags)
	if !reflect.DeepEqual(rendered, program) {
		t.Errorf("the chart runs it with %+v, on its own it runs with %+v", rendered, program)
	}
}

func TestAPodHasTimeToRecordWhatACallHasBrought(t *testing.T) {
	for callTimeout, want := range map[string]int64{"60s": 90, "1m30s": 120, "500ms": 31, "1h0.5m": 3660, "2.5s": 33} {
		pod := deployment(t, render(t, map[string]any{"callTimeout": callTimeout}), releaseName).Spec.Template.Spec
		if got := *pod.TerminationGracePeriodSeconds; got != want {
			t.Errorf("with a timeout of %s a Pod has %d s, want %d", callTimeout, got, want)
		}
	}
}

func TestAConstraintOnTheSpreadCountsTheControllersPods(t *testing.T) {
	rendered := deployment(t, render(t, fromYAML(t, `
topologySpreadConstraints:
- {maxSkew: 1, topologyKey: kubernetes.io/hostname, whenUnsatisfiable: DoNotSchedule}
- {maxSkew: 1, topologyKey: kubernetes.io/hostname, whenUnsatisfiable: ScheduleAnyway,
   labelSelector: {matchLabels: {own: choice}}}
`)), releaseName)
	got := rendered.Spec.Template.Spec.TopologySpreadConstraints
	if got[0].LabelSelector.String() != rendered.Spec.Selector.String() {
		t.Errorf("it counts %s, the Pods are %s", got[0].LabelSelector, rendered.Spec.Selector)
	}
	if labels := got[1].LabelSelector.MatchLabels; len(labels) != 1 || labels["own"] != "choice" {
		t.Errorf("a selector of the user's has become %v", labels)
	}
}

func TestCallsToTheAPIServerDoNotGoThroughAProxy(t *testing.T) {
	const always = "$(KUBERNETES_SERVICE_HOST),localhost,127.0.0.1,.svc,.cluster.local"
	const reference = `{name: NO_PROXY, valueFrom: {configMapKeyRef: {name: proxies, key: none}}}`
	for claim, example := range map[string]struct {
		values string
		want   []string
	}{
		"no proxy": {"", nil},
		"an address": {
			`proxy: {https: "http://proxy.example:3128", noProxy: own.example}`, []string{always + ",own.example"},
		},
		"an address in a Secret": {`proxy: {secretName: proxy}`, []string{always}},
		"a variable of the user's": {
			`extraEnv: [{name: https_proxy, value: "http://proxy.example:3128"}]`, []string{always},
		},
		"all variables of the user's": {
			`extraEnv: [{name: HTTPS_PROXY, value: "http://a"}, {name: no_proxy, value: "b,c"}]`, []string{always + ",b,c"},
		},
		"what a value and two variables say": {
			`{proxy: {secretName: proxy, noProxy: own.example}, ` +
				`extraEnv: [{name: NO_PROXY, value: b}, {name: no_proxy, value: ""}, {name: A, value: b}]}`,
			[]string{always + ",own.example,b"},
		},
		"a reference of the user's": {
			`extraEnv: [{name: HTTP_PROXY, value: "http://a"}, ` + reference + `]`, []string{always + ",$(NO_PROXY_GIVEN)"},
		},
		"a reference, and variables by the names that it would get": {
			`extraEnv: [{name: HTTP_PROXY, value: "http://a"}, ` + reference + `, ` +
				`{name: NO_PROXY_GIVEN, value: b}, {name: NO_PROXY_GIVEN_GIVEN, value: c}]`,
			[]string{always + ",$(NO_PROXY_GIVEN_GIVEN_GIVEN)"},
		},
		"no proxy, and a variable of the user's": {`extraEnv: [{name: NO_PROXY, value: b}]`, []string{"b"}},
	} {
		var got []string
		once := map[string]bool{}
		for _, set := range container(t, fromYAML(t, example.values)).Env {
			if once[set.Name] {
				t.Errorf("%s: %s is there twice", claim, set.Name)
			}
			once[set.Name] = true
			if set.Name == "NO_PROXY" {
				got = append(got, set.Value)
			}
		}
		if !slices.Equal(got, example.want) {
			t.Errorf("%s: NO_PROXY is %q, want %q", claim, got, example.want)
		}
	}
}

func TestWhatIsSetToNullIsLeftOut(t *testing.T) {
	values := fromYAML(t, `podSecurityContext: {runAsUser: null, runAsGroup: null, fsGroup: null}`)
	context := deployment(t, render(t, values), releaseName).Spec.Template.Spec.SecurityContext
	if context.RunAsUser != nil || context.RunAsGroup != nil || context.FSGroup != nil || !*context.RunAsNonRoot {
		t.Errorf("the security context is %v", context)
	}
}

func TestADigestGoesBeforeATag(t *testing.T) {
	digest := "sha256:" + strings.Repeat("0", 64)
	for want, image := range map[string]map[string]any{
		"varmenne/varmenne-issuer:0.2.0":              {},
		"registry.example/varmenne/varmenne-issuer:9": {"registry": "registry.example", "tag": "9"},
		"own@" + digest: {"repository": "own", "tag": "9", "digest": digest},
	} {
		if got := container(t, map[string]any{"image": image}).Image; got != want {
			t.Errorf("%v makes %s, want %s", image, got, want)
		}
	}
}

// TestTheCollectorsOfAllDeploymentsMindTheMemoryLimit of their own container, as it is when the Pod starts.
func TestTheCollectorsOfAllDeploymentsMindTheMemoryLimit(t *testing.T) {
	rendered := render(t, fromYAML(t, `{simulator: {enabled: true}, messages: {enabled: true, namespaces: [a]}}`))
	want := &corev1.ResourceFieldSelector{Resource: "limits.memory", Divisor: resource.MustParse("1")}
	for _, suffix := range []string{releaseName, "-messages", "-simulator"} {
		env := deployment(t, rendered, suffix).Spec.Template.Spec.Containers[0].Env
		set := slices.IndexFunc(env, func(set corev1.EnvVar) bool { return set.Name == "GOMEMLIMIT" })
		if set < 0 || !reflect.DeepEqual(env[set].ValueFrom, &corev1.EnvVarSource{ResourceFieldRef: want}) {
			t.Errorf("%s: the environment is %+v", suffix, env)
		}
	}
	given := container(t, fromYAML(t, `{extraEnv: [{name: GOMEMLIMIT, value: 100MiB}]}`))
	if len(given.Env) != 1 || given.Env[0].Value != "100MiB" {
		t.Errorf("where the user sets it, the environment is %+v", given.Env)
	}
}

// TestWhatIsSetAsVariableOrArgumentGoesBefore what the chart makes of its values, and is there once.
func TestWhatIsSetAsVariableOrArgumentGoesBefore(t *testing.T) {
	values := settings(t)["labels"]
	controller := container(t, values)
	var got []string
	for _, set := range controller.Env {
		got = append(got, set.Name+"="+set.Value)
	}
	want := []string{
		"GOMEMLIMIT=", "https_proxy=http://other.example:8080/", "HTTP_PROXY=http://other.example:8080", "NO_PROXY_GIVEN=",
		"VARMENNE_CALLS_PER_ISSUER=4",
		"NO_PROXY=$(KUBERNETES_SERVICE_HOST),localhost,127.0.0.1,.svc,.cluster.local,.example,10.0.0.0/8,$(NO_PROXY_GIVEN)",
		"SSL_CERT_DIR=/etc/varmenne-issuer/ca:/etc/ssl/company",
	}
	if !slices.Equal(got, want) {
		t.Errorf("the environment is %q, want %q", got, want)
	}
	arguments := strings.Join(controller.Args, " ")
	for _, ours := range []string{"--workers=32", "--calls-per-issuer", "--log-level=info"} {
		if strings.Contains(arguments, ours) {
			t.Errorf("%s is among %s", ours, arguments)
		}
	}
	if !strings.HasSuffix(arguments, " --workers=16 --log-level debug") {
		t.Errorf("the arguments are %s", arguments)
	}
	if got := ports(policy(t, values).Spec.Egress[2]); !slices.Equal(got, []string{"8080/TCP"}) {
		t.Errorf("the NetworkPolicy lets out to %q, and the proxy is on 8080", got)
	}
}
