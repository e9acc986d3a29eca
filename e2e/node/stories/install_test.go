package stories

import (
	"os/exec"
	"regexp"
	"strings"
	"testing"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/must"
)

func TestARehearsalNeedsOneCommandAndTheNotesSayTheOthers(t *testing.T) {
	p := onPlatform(t)
	const namespace, each = "rehearsal", 2 // Pods of each of the two controllers, which the simulator's is beside
	from := p.published(t)
	r := p.installFrom(t, from, namespace, values{
		"simulator": values{"enabled": true}, "messages": values{"enabled": true, "namespaces": []string{namespace}},
	})
	r.typeCommands(t) // one of them has the password rotated, and another one waits for that
	p.awaitReady(t, r.namespace, "rehearsal")
	r.mustHelm(t, "test", releaseName, "--namespace="+r.namespace, inTime)

	t.Run("every Pod is ready and none has restarted", func(t *testing.T) {
		testPodsAreWell(t, r, 2*each+1)
	})
	t.Run("the image is the one that was published", func(t *testing.T) { testImages(t, r, from) })
	t.Run("containers run as an unprivileged user on a read-only root", func(t *testing.T) {
		testContainment(t, r, 2*each+1)
	})
	t.Run("the password has rotated", func(t *testing.T) { testPasswordHasRotated(t, r) })
	t.Run("metrics are reached through the Service", func(t *testing.T) { testMetrics(t, r) })

	r.uninstall(t)
	t.Run("the sample goes with the release", func(t *testing.T) { testSampleIsCollected(t, r) })
	t.Run("definitions and orders stay", func(t *testing.T) { testOrdersStay(t, r) })
}

// typeCommands runs every command that the notes show, as they are shown.
func (r *release) typeCommands(t *testing.T) {
	t.Helper()
	commands := regexp.MustCompile(`(?m)^ +((kubectl|helm) .*)$`).FindAllStringSubmatch(r.notes, -1)
	if len(commands) < 3 {
		t.Fatalf("the notes show %d commands, want three:\n%s", len(commands), r.notes)
	}
	for _, found := range commands {
		command := exec.CommandContext(t.Context(), "bash", "-o", "pipefail", "-c", found[1])
		command.Env = r.environment()
		output, err := command.CombinedOutput()
		if err != nil || strings.TrimSpace(string(output)) == "" {
			t.Fatalf("%s: %v\n%s", found[1], err, output)
		}
	}
}

// testPodsAreWell: so many Pods run, each of their containers is ready, and none has restarted.
func testPodsAreWell(t *testing.T, r *release, want int) {
	t.Helper()
	pods := r.pods(t)
	if len(pods) != want {
		t.Errorf("%d Pods run, want %d", len(pods), want)
	}
	for _, pod := range pods {
		for _, container := range pod.Status.ContainerStatuses {
			if !container.Ready || container.RestartCount > 0 {
				t.Errorf("%s: ready: %t, restarts: %d: %v", pod.Name, container.Ready, container.RestartCount,
					container.LastTerminationState)
			}
		}
	}
}

// testImages compares what the containers were made from with what was published.
func testImages(t *testing.T, r *release, from source) {
	t.Helper()
	if from.digest == "" {
		t.Skip("needs a registry that the cluster can pull from")
	}
	for _, pod := range r.pods(t) {
		for _, container := range pod.Status.ContainerStatuses {
			if !strings.HasSuffix(container.ImageID, "@"+from.digest) {
				t.Errorf("%s runs the image %s, want %s", pod.Name, container.ImageID, from.digest)
			}
		}
	}
}

func testMetrics(t *testing.T, r *release) {
	t.Helper()
	services := &corev1.ServiceList{}
	must.Do(t, r.List(t.Context(), services, client.InNamespace(r.namespace)))
	for _, service := range services.Items {
		for _, port := range service.Spec.Ports {
			if port.Name != "metrics" {
				continue
			}
			page := r.mustKubectl(t, "get", "--raw",
				"/api/v1/namespaces/"+r.namespace+"/services/"+service.Name+":metrics/proxy/metrics")
			_, version := splitImage(r.image(currentVersion(t)))
			if !strings.Contains(page, `varmenne_build_info{`) || !strings.Contains(page, version) {
				t.Errorf("the metrics do not say the version:\n%.2000s", page)
			}
			return
		}
	}
	t.Errorf("no Service has a port for metrics: %v", services.Items)
}

// testPasswordHasRotated: the demand of the notes was met, and the Secret has a password that the simulator has not
// made.
func testPasswordHasRotated(t *testing.T, r *release) {
	t.Helper()
	object, secret := &v1alpha1.MessagesPassword{}, &corev1.Secret{}
	must.Do(t, r.Get(t.Context(), client.ObjectKey{Namespace: r.namespace, Name: "rehearsal"}, object))
	must.Do(t, r.Get(t.Context(), client.ObjectKey{Namespace: r.namespace, Name: object.Spec.SecretRef.Name}, secret))
	status := &object.Status
	if status.LastRotationTime == nil || status.LastHandledDemand != object.Annotations[v1alpha1.AnnotationRotate] ||
		status.State != v1alpha1.MessagesPasswordIdle || len(status.FailedLogins) > 0 {
		t.Errorf("the status is %+v", status)
	}
	if got := len(secret.Data[v1alpha1.KeyPassword]); got != int(object.Spec.PasswordLength) {
		t.Errorf("the password in the Secret has %d characters, want %d", got, object.Spec.PasswordLength)
	}
}

func testSampleIsCollected(t *testing.T, r *release) {
	t.Helper()
	eventually(t, "the sample to be collected", func() error {
		for _, list := range []client.ObjectList{
			&cmapi.CertificateList{}, &v1alpha1.VeroIssuerList{}, &v1alpha1.MessagesPasswordList{},
		} {
			if err := r.isEmpty(t, list); err != nil {
				return err
			}
		}
		return nil
	})
}

func testOrdersStay(t *testing.T, r *release) {
	t.Helper()
	if got, err := r.definitions(t.Context()); err != nil || len(got) != 8 {
		t.Errorf("definitions after uninstall: %q (%v), want all eight", got, err)
	}
	orders := &v1alpha1.VeroOrderList{}
	must.Do(t, r.List(t.Context(), orders, client.InNamespace(r.namespace)))
	if len(orders.Items) != 1 || orders.Items[0].Status.State != v1alpha1.VeroOrderIssued {
		t.Errorf("orders after uninstall: %v, want the one that was issued", orders.Items)
	}
}
