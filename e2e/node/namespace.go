//go:build linux

package node

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"github.com/varmenne/varmenne-issuer/e2e/process"
)

// Addresses inside of the network namespace.
const (
	nodeIP        = "10.88.0.1" // of the bridge
	podNetwork    = "10.88.0.0/16"
	firstPodIP    = "10.88.1.1"
	bridge        = "cni0"
	serviceIPs    = "10.96.0.0/16"
	apiServerIP   = "10.96.0.1" // the first of them is that of the Service `kubernetes`
	clusterDomain = "cluster.local"
)

// name of the node.
const name = "node"

// enclose makes the inside of the namespaces: nothing of what is mounted here is seen outside, and nothing of
// what is written to the usual places gets there.
func (s site) enclose(ctx context.Context) error {
	if err := syscall.Sethostname([]byte(name)); err != nil {
		return fmt.Errorf("naming the host: %w", err)
	}
	if err := s.mount(); err != nil {
		return fmt.Errorf("mounting: %w", err)
	}
	for _, arguments := range [][]string{
		{"link", "set", "lo", "up"},
		// The API server listens on the address of its Service: it can be reached before kube-proxy works.
		{"addr", "add", apiServerIP + "/32", "dev", "lo"},
		// With an address of its own: else it takes the lowest of its ports', which changes when Pods come and
		// go, and what Pods send to the one they know is lost for some seconds.
		{"link", "add", bridge, "address", "02:00:0a:58:00:01", "type", "bridge"},
		{"addr", "add", nodeIP + "/16", "dev", bridge},
		{"link", "set", bridge, "up"},
		// It leads nowhere. Some programs look for it to learn their own address.
		{"route", "add", "default", "via", nodeIP, "dev", bridge},
	} {
		if _, err := process.Output(exec.CommandContext(ctx, "ip", arguments...)); err != nil {
			return fmt.Errorf("making the network: %w", err)
		}
	}
	return nil
}

// mount cuts the mounts off from those outside, and puts directories of the node's own where its programs
// write by habit.
func (s site) mount() error {
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("/: %w", err)
	}
	// kubelet wants volumes to be seen by containers; the peer group ends at this namespace.
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_SHARED, ""); err != nil {
		return fmt.Errorf("/: %w", err)
	}
	if err := syscall.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		return fmt.Errorf("/proc: %w", err)
	}
	for _, target := range []string{"/run", "/var/lib"} {
		if err := syscall.Mount("tmpfs", target, "tmpfs", 0, ""); err != nil {
			return fmt.Errorf("%s: %w", target, err)
		}
	}
	logs := filepath.Join(s.Dir, "logs", "var")
	if err := os.Mkdir(logs, 0o755); err != nil {
		return err
	}
	if err := syscall.Mount(logs, "/var/log", "", syscall.MS_BIND, ""); err != nil {
		return fmt.Errorf("/var/log: %w", err)
	}
	return nil
}
