package cluster_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/varmenne/varmenne-issuer/e2e/cluster"
	"github.com/varmenne/varmenne-issuer/e2e/process"
	"github.com/varmenne/varmenne-issuer/internal/must"
)

// parentVariable makes the test binary the parent of a cluster in the directory it names.
const parentVariable = "VARMENNE_E2E_PARENT_OF"

func TestMain(m *testing.M) {
	if dir := os.Getenv(parentVariable); dir != "" {
		if _, err := cluster.Start(context.Background(), cluster.Options{Dir: dir, Log: os.Stdout}); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println("cluster is up")
		select {} // Until killed.
	}
	os.Exit(m.Run())
}

// processesOf lists the running programs whose command line names the directory.
func processesOf(t *testing.T, dir string) []string {
	t.Helper()
	files := must.Get(filepath.Glob("/proc/[0-9]*/cmdline"))(t)
	var found []string
	for _, file := range files {
		// A process may end between the listing and the reading; the command line of a zombie is empty.
		if content, err := os.ReadFile(file); err == nil && bytes.Contains(content, []byte(dir)) {
			found = append(found, filepath.Base(string(bytes.SplitN(content, []byte{0}, 2)[0])))
		}
	}
	return found
}

func TestStopLeavesNoProcess(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := must.Get(cluster.Start(t.Context(), cluster.Options{Dir: dir}))(t)
	if got := processesOf(t, dir); len(got) != 2 {
		t.Errorf("running while the cluster is up: %q, want etcd and kube-apiserver", got)
	}
	if err := c.Stop(); err != nil {
		t.Error(err)
	}
	if got := processesOf(t, dir); len(got) != 0 {
		t.Errorf("still running after Stop: %q", got)
	}
}

func TestFailedStartLeavesNoProcessAndSaysWhy(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	policy := filepath.Join(dir, "policy.yaml")
	must.Do(t, os.WriteFile(policy, []byte("kind: Nonsense"), 0o600))
	_, err := cluster.Start(t.Context(), cluster.Options{Dir: dir, AuditPolicy: policy})
	if err == nil || !strings.Contains(err.Error(), "Nonsense") || !strings.Contains(err.Error(), "kube-apiserver.log") {
		t.Errorf("got error %v, want one with the end of kube-apiserver's log and its path", err)
	}
	if got := processesOf(t, dir); len(got) != 0 {
		t.Errorf("still running after the failed start: %q", got)
	}
}

func TestCanceledStartLeavesNoProcess(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error)
	go func() {
		_, err := cluster.Start(ctx, cluster.Options{Dir: dir})
		ended <- err
	}()
	eventually(t, "kube-apiserver to start", func() bool { return len(processesOf(t, dir)) == 2 })
	cancel()
	if err := <-ended; err == nil {
		t.Error("a canceled start succeeded")
	}
	if got := processesOf(t, dir); len(got) != 0 {
		t.Errorf("still running after the canceled start: %q", got)
	}
}

func TestClusterDiesWithAKilledParent(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	program := must.Get(os.Executable())(t)
	parent := must.Get(process.Start(process.Options{
		Name: "parent", Path: program, Env: []string{parentVariable + "=" + dir}, LogFile: filepath.Join(dir, "parent.log"),
	}))(t)
	eventually(t, "the other process to start its cluster", func() bool {
		return parent.State() != nil || strings.Contains(parent.LogTail(10), "cluster is up")
	})
	if got := processesOf(t, dir); len(got) != 2 {
		t.Errorf("running while the parent lives: %q, want etcd and kube-apiserver\n%s", got, parent.LogTail(10))
	}
	must.Do(t, parent.Kill())
	eventually(t, "etcd and kube-apiserver to die", func() bool { return len(processesOf(t, dir)) == 0 })
}
