package stories

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/varmenne/varmenne-issuer/e2e/process"
	"github.com/varmenne/varmenne-issuer/e2e/world"
	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

const (
	customerID = "0123456-7"
	simulator  = "simulator"
	// mostServices is how many services the stories start at most. The chart gets their hosts when it is installed.
	mostServices = 12
)

// forwarding is the line in which kubectl says where it listens.
var forwarding = regexp.MustCompile(`Forwarding from (127\.0\.0\.1:\d+)`)

// serviceNamespace is the namespace of a service; the first one is 1.
func serviceNamespace(number int) string { return fmt.Sprintf("service-%d", number) }

// serviceHosts are the hosts of all services, for the value allowedEndpoints.hosts of the chart.
func serviceHosts() []string {
	hosts := make([]string, 0, mostServices)
	for number := range mostServices {
		hosts = append(hosts, simulator+"."+serviceNamespace(number+1)+".svc:*")
	}
	return hosts
}

// startService starts a simulator in a namespace of its own: the chart's restarts when the chart is upgraded, and the
// real service does not. It serves until the test ends.
func (p *platform) startService(t *testing.T) *world.Service {
	t.Helper()
	p.services++
	if p.services > mostServices {
		t.Fatalf("this is service %d: raise mostServices", p.services)
	}
	namespace := serviceNamespace(p.services)
	p.makeNamespace(t, namespace)
	host := simulator + "." + namespace + ".svc"
	p.create(t, simulatorService(namespace))
	p.create(t, simulatorPod(namespace, host, p.image(currentVersion(t))))
	_, err := p.kubectl(t.Context(), "-n", namespace, "wait", "--for=condition=Ready", "pod/"+simulator, inTime)
	if err != nil {
		t.Fatalf("%v\n%v", err, p.describe(t.Context(), namespace))
	}
	return &world.Service{
		Client: admin.NewClient("http://" + p.forward(t, namespace)),
		URL:    "https://" + host + ":8443/2017/10/CertificateServices",
	}
}

// forward has kubectl lead to the admin interface of a simulator, which listens on the Pod's loopback only.
func (p *platform) forward(t *testing.T, namespace string) (address string) {
	t.Helper()
	log := filepath.Join(t.TempDir(), "port-forward.log")
	running := must.Get(process.Start(process.Options{
		Name: "port-forward", Path: p.Kubectl(), LogFile: log, Env: p.environment(),
		Args: []string{"-n", namespace, "port-forward", "pod/" + simulator, ":8444", "--address=127.0.0.1"},
	}))(t)
	t.Cleanup(func() { _ = running.Kill() })
	eventually(t, "kubectl to lead to the simulator", func() error {
		must.Do(t, running.ExitError())
		content, err := os.ReadFile(log)
		if err != nil {
			return err
		}
		found := forwarding.FindSubmatch(content)
		if found == nil {
			return errors.New(string(content))
		}
		address = string(found[1])
		return nil
	})
	return address
}

func simulatorService(namespace string) *corev1.Service {
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: simulator},
		Spec: corev1.ServiceSpec{
			Selector: map[string]string{"app": simulator}, Ports: []corev1.ServicePort{{Name: "service", Port: 8443}},
		},
	}
}

func simulatorPod(namespace, host, image string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: simulator, Labels: map[string]string{"app": simulator}},
		Spec: corev1.PodSpec{
			AutomountServiceAccountToken: new(false),
			SecurityContext: &corev1.PodSecurityContext{
				RunAsNonRoot: new(true), SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
			},
			Containers: []corev1.Container{{
				Name: simulator, Image: image,
				Args: []string{"simulator", "--address=:8443", "--admin-address=127.0.0.1:8444", "--tls-name=" + host},
				SecurityContext: &corev1.SecurityContext{
					AllowPrivilegeEscalation: new(false), Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
				},
				ReadinessProbe: &corev1.Probe{PeriodSeconds: 1, ProbeHandler: corev1.ProbeHandler{
					TCPSocket: &corev1.TCPSocketAction{Port: intstr.FromInt32(8443)},
				}},
			}},
		},
	}
}
