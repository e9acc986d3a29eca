//go:build linux

// Package node boots a Kubernetes node of its own, all of it real: etcd, kube-apiserver, controller manager,
// scheduler, kubelet, kube-proxy, CoreDNS, containerd and runc. Pods run on it, of images that were made here.
//
// All of it lives in namespaces: network, mounts, processes. There is no way out of them, so nothing can be
// pulled by accident; and nothing that happens in there outlives them. It needs root and cgroup v1; see
// package machine.
package node

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"github.com/varmenne/varmenne-issuer/e2e/binaries"
	"github.com/varmenne/varmenne-issuer/e2e/node/machine"
)

const (
	// RequireVariable makes tests fail, instead of being skipped, on a machine that cannot run a node.
	RequireVariable = "VARMENNE_REQUIRE_NODE"
	// KeepVariable keeps the directory of the node, with its logs, also when all tests have passed.
	KeepVariable = "VARMENNE_KEEP_NODE"
	// insideVariable tells the test binary that it runs in the namespaces of the node, and with what.
	insideVariable = "VARMENNE_NODE_INSIDE"
)

// site is where a node is built: what is prepared outside the namespaces and used inside of them.
type site struct {
	Dir      string           `json:"dir"`    // of all that the node writes
	Cgroup   string           `json:"cgroup"` // name of its cgroups
	Programs binaries.NodeSet `json:"programs"`
}

// images is the directory with the image archives that the node imports.
func (s site) images() string { return filepath.Join(s.Dir, "images") }

// Environment is a node that the tests of one package share. The zero value is ready for Main.
type Environment struct {
	// Provision prepares what the tests need, outside the namespaces, where there is a network. It writes
	// image archives into Images of the node's directory; the node imports them when it boots.
	Provision func(ctx context.Context, provision Provision) error

	node   *Node
	reason string // why there is none
}

// Provision is what Environment.Provision works with.
type Provision struct {
	// Dir is the directory of the node, which Node.Dir returns later.
	Dir string
	// Images is where image archives go.
	Images string
	// Programs are those of the node.
	Programs binaries.NodeSet
	// Log receives what a person may want to know.
	Log io.Writer
}

// Main runs the tests of a package on a node: TestMain hands its result to os.Exit. The test binary runs a
// second time, inside of the namespaces, and boots the node there. Where the machine cannot run one, the
// tests are skipped, or fail if RequireVariable demands it.
func (e *Environment) Main(m *testing.M) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if inside := os.Getenv(insideVariable); inside != "" {
		return e.runOnNode(ctx, m, inside)
	}
	signal.Ignore(syscall.SIGPIPE) // Cleaning up goes on when there is nobody left to read about it.
	if err := machine.CanRunNode(ctx); err != nil {
		if os.Getenv(RequireVariable) != "" {
			return failed(err)
		}
		e.reason = err.Error()
		fmt.Fprintf(os.Stderr, "SKIPPED, no node: %v\n", err)
		return m.Run()
	}
	code, err := e.runInNamespaces(ctx)
	if err != nil {
		return failed(err)
	}
	return code
}

// Node returns the node. Where there is none, the test is skipped.
func (e *Environment) Node(t *testing.T) *Node {
	t.Helper()
	if e.node == nil {
		t.Skip(e.reason)
	}
	return e.node
}

// runInNamespaces prepares the site, runs this program again inside of namespaces, and checks that nothing is left.
func (e *Environment) runInNamespaces(ctx context.Context) (code int, err error) {
	programs, err := binaries.EnsureNode(ctx, binaries.Options{Log: os.Stderr})
	if err != nil {
		return 0, err
	}
	directory, err := os.MkdirTemp("", "varmenne-node-")
	if err != nil {
		return 0, err
	}
	at := site{Dir: directory, Cgroup: filepath.Base(directory), Programs: programs}
	if err := at.prepare(ctx, e.Provision); err != nil {
		return 0, fmt.Errorf("preparing a node in %s: %w", directory, err)
	}
	before, err := surroundings()
	if err != nil {
		return 0, err
	}
	if code, err = at.rerun(ctx); err != nil {
		return 0, err
	}
	if err := at.removeCgroups(ctx); err != nil {
		return 0, err
	}
	if err := before.unchanged(at); err != nil {
		return 0, fmt.Errorf("the node has left something behind: %w", err)
	}
	if code != 0 || os.Getenv(KeepVariable) != "" {
		fmt.Fprintf(os.Stderr, "the logs of the node are in %s\n", filepath.Join(directory, "logs"))
		return code, nil
	}
	return code, os.RemoveAll(directory)
}

// prepare lays out the directory of the node and has its images made.
func (s site) prepare(ctx context.Context, provision func(context.Context, Provision) error) error {
	for _, name := range []string{"images", "logs", "pki"} {
		if err := os.Mkdir(filepath.Join(s.Dir, name), 0o755); err != nil {
			return err
		}
	}
	if err := writePauseImage(ctx, s.images()); err != nil {
		return err
	}
	if provision == nil {
		return nil
	}
	return provision(ctx, Provision{Dir: s.Dir, Images: s.images(), Programs: s.Programs, Log: os.Stderr})
}

// rerun runs this program again with the same arguments, as the first process of new namespaces. When it ends,
// however that comes about, the kernel ends every process in them.
func (s site) rerun(ctx context.Context) (int, error) {
	inside, err := json.Marshal(s)
	if err != nil {
		return 0, err
	}
	command := exec.CommandContext(ctx, "/proc/self/exe", os.Args[1:]...) //nolint:gosec // Its own command line.
	command.Env = append(os.Environ(), insideVariable+"="+string(inside))
	command.Stdout, command.Stderr = os.Stdout, os.Stderr
	command.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWNET | syscall.CLONE_NEWPID |
			syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS,
		Setpgid:   true, // Ctrl-C reaches this process only, which has to clean up.
		Pdeathsig: syscall.SIGKILL,
	}
	runtime.LockOSThread() // Pdeathsig means the death of the thread.
	defer runtime.UnlockOSThread()
	if err := command.Start(); err != nil {
		return 0, fmt.Errorf("making namespaces for a node: %w", err)
	}
	_ = command.Wait() // How it ended is in its exit code; -1 is a signal.
	if ctx.Err() != nil {
		fmt.Fprintln(os.Stderr, "interrupted")
	}
	return command.ProcessState.ExitCode(), nil
}

// runOnNode boots the node inside of the namespaces and runs the tests.
func (e *Environment) runOnNode(ctx context.Context, m *testing.M, inside string) int {
	var at site
	if err := json.Unmarshal([]byte(inside), &at); err != nil {
		return failed(err)
	}
	booted, err := boot(ctx, at)
	if err != nil {
		return failed(fmt.Errorf("booting a node: %w", err))
	}
	e.node = booted
	return m.Run()
}

func failed(err error) int {
	fmt.Fprintln(os.Stderr, "FAIL:", err)
	return 1
}
