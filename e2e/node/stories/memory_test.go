package stories

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/varmenne/varmenne-issuer/e2e/testkit"
)

// atOnce is how many Certificates a rush is of.
const atOnce = 60

func TestARushOfCertificatesStaysBelowTheMemoryLimitOfTheChart(t *testing.T) {
	p := onPlatform(t)
	r := p.install(t, "rush", currentVersion(t), values{})
	service := p.startService(t)
	p.makeNamespace(t, "many")
	p.createIssuer(t, service, "many")
	p.createCertificates(t, service, "many", atOnce)
	for i := range atOnce {
		p.awaitReady(t, "many", fmt.Sprintf("web-%d", i+1))
	}
	if got := paid(t, service); got != atOnce {
		t.Errorf("the service was paid for %d certificates, want %d", got, atOnce)
	}
	testPodsHaveNotRestarted(t, r)
	t.Run("by what the kernel counts", func(t *testing.T) {
		for _, program := range r.programs(t, r.onMachine(t, "the memory cgroups of containers")) {
			testMemory(t, program)
		}
	})
	r.uninstall(t)
}

// testMemory compares what a container has used with the limit that the kernel enforces, and that with the chart's.
func testMemory(t *testing.T, p program) {
	t.Helper()
	value := func(file string) int64 {
		t.Helper()
		return testkit.Must(strconv.ParseInt(p.memory(t, file), 10, 64))(t)
	}
	var wanted resource.Quantity
	for _, container := range p.pod.Spec.Containers {
		wanted = *container.Resources.Limits.Memory()
	}
	limit, most := value("memory.limit_in_bytes"), value("memory.max_usage_in_bytes")
	if limit != wanted.Value() || wanted.IsZero() {
		t.Errorf("%s: the kernel enforces %d bytes, the chart says %s", p.pod.Name, limit, &wanted)
	}
	if failures := value("memory.failcnt"); failures > 0 || most > limit/2 {
		t.Errorf("%s: %d of %d bytes were used at most, and %d times no more were to be had",
			p.pod.Name, most, limit, failures)
	}
	if control := p.memory(t, "memory.oom_control"); !strings.Contains(control, "oom_kill 0") {
		t.Errorf("%s: memory.oom_control says %q, want no kill", p.pod.Name, control)
	}
	t.Logf("%s: at most %d MiB of %s", p.pod.Name, most>>20, &wanted)
}

func testPodsHaveNotRestarted(t *testing.T, r *release) {
	t.Helper()
	for _, pod := range r.pods(t) {
		for _, container := range pod.Status.ContainerStatuses {
			if container.RestartCount > 0 {
				t.Errorf("%s has restarted %d times: %v", pod.Name, container.RestartCount, container.LastTerminationState)
			}
		}
	}
}
