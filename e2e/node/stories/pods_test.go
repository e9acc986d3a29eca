package stories

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/internal/must"
)

// memoryHierarchy is where the memory controller is.
const memoryHierarchy = "/sys/fs/cgroup/memory"

// pods are the running Pods of the release.
func (r *release) pods(t *testing.T) []corev1.Pod {
	t.Helper()
	list := &corev1.PodList{}
	must.Do(t, r.List(t.Context(), list, client.InNamespace(r.namespace)))
	return slices.DeleteFunc(list.Items, func(pod corev1.Pod) bool {
		return pod.Status.Phase != corev1.PodRunning || pod.DeletionTimestamp != nil
	})
}

// program is a process of the product in a container, as the node sees it.
type program struct {
	pid int
	pod corev1.Pod
}

// programs are the processes in the containers of the release.
func (r *release) programs(t *testing.T, on machine) []program {
	t.Helper()
	pods := r.pods(t)
	found := make([]program, 0, len(pods))
	for _, pod := range pods {
		found = append(found, on.programs(t, pod)...)
	}
	return found
}

// proc reads a file about the process.
func (p program) proc(t *testing.T, file string) string {
	t.Helper()
	return string(must.Get(os.ReadFile(fmt.Sprintf("/proc/%d/%s", p.pid, file)))(t))
}

// memory reads a file of the container's memory cgroup.
func (p program) memory(t *testing.T, file string) string {
	t.Helper()
	for line := range strings.Lines(p.proc(t, "cgroup")) {
		if parts := strings.SplitN(strings.TrimSpace(line), ":", 3); parts[1] == "memory" {
			content := must.Get(os.ReadFile(filepath.Join(memoryHierarchy, parts[2], file)))(t)
			return strings.TrimSpace(string(content))
		}
	}
	t.Fatalf("process %d is in no memory cgroup", p.pid)
	return ""
}

// kill kills the process, and it alone: kubelet has to notice.
func (p program) kill(t *testing.T) {
	t.Helper()
	must.Do(t, syscall.Kill(p.pid, syscall.SIGKILL))
}

func testContainment(t *testing.T, r *release, want int) {
	t.Helper()
	programs := r.programs(t, r.onMachine(t, "the files of processes in containers below /proc"))
	if len(programs) != want {
		t.Fatalf("found %d processes in containers, want %d", len(programs), want)
	}
	for _, program := range programs {
		status := map[string]string{}
		for line := range strings.Lines(program.proc(t, "status")) {
			key, value, _ := strings.Cut(line, ":")
			status[key] = strings.Join(strings.Fields(value), " ")
		}
		for key, want := range map[string]string{
			"Uid": "65532 65532 65532 65532", "Gid": "65532 65532 65532 65532", "NoNewPrivs": "1", "Seccomp": "2",
			"CapEff": "0000000000000000", "CapBnd": "0000000000000000",
		} {
			if status[key] != want {
				t.Errorf("%s: %s is %q in /proc/PID/status, want %q", program.pod.Name, key, status[key], want)
			}
		}
		root, _, _ := strings.Cut(program.proc(t, "mountinfo"), "\n")
		if fields := strings.Fields(root); len(fields) < 6 || fields[4] != "/" || !strings.HasPrefix(fields[5], "ro,") {
			t.Errorf("%s: the root is mounted as %q, want read-only", program.pod.Name, root)
		}
	}
}

// isEmpty returns an error when the list has entries in the release's namespace.
func (r *release) isEmpty(t *testing.T, list client.ObjectList) error {
	t.Helper()
	if err := r.List(t.Context(), list, client.InNamespace(r.namespace)); err != nil {
		return err
	}
	if count := meta.LenList(list); count > 0 {
		return fmt.Errorf("%d are left in a %T", count, list)
	}
	return nil
}

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
	testPodsAreWell(t, r, 2)
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
		return must.Get(strconv.ParseInt(p.memory(t, file), 10, 64))(t)
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
