// Package machine says whether this machine can run a node of Kubernetes.
package machine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"

	"github.com/varmenne/varmenne-issuer/e2e/process"
)

// CanRunNode returns nil when a node can be booted here, and else why not, in one sentence. It tries what it
// can without leaving anything behind.
func CanRunNode(ctx context.Context) error {
	if os.Geteuid() != 0 {
		return errors.New("a node needs root: it makes namespaces, mounts and cgroups")
	}
	for _, name := range []string{"ip", "mount", "apt-get", "dpkg-deb"} {
		if _, err := exec.LookPath(name); err != nil {
			return fmt.Errorf("a node needs the program %s (Debian: iproute2, mount, apt, dpkg): %w", name, err)
		}
	}
	mounted, err := MountedCgroups()
	if err != nil {
		return err
	}
	if err := tryCgroup(mounted.V1); err != nil {
		return err
	}
	for what, command := range map[string][]string{
		"a bridge in a network namespace":    {"ip", "link", "add", "probe", "type", "bridge"},
		"a veth pair in a network namespace": {"ip", "link", "add", "probe", "type", "veth", "peer", "name", "peer"},
		"an overlay mount in a mount namespace": {"mount", "-t", "overlay", "overlay",
			"-o", "lowerdir=/usr:/etc", "/mnt"},
	} {
		if err := tryIsolated(ctx, command); err != nil {
			return fmt.Errorf("a node needs %s, which this machine refuses: %w", what, err)
		}
	}
	return nil
}

// Cgroups are where the kernel's hierarchies of control groups are mounted.
type Cgroups struct {
	// V1 are the hierarchies with controllers. A node needs every one that is there.
	V1 []string
	// V2 is the hierarchy without: where there is one, runc uses it as well.
	V2 []string
}

// All are the hierarchies of both versions.
func (c Cgroups) All() []string { return slices.Concat(c.V1, c.V2) }

// MountedCgroups looks for control groups. The memory controller has to be among those of version 1.
func MountedCgroups() (Cgroups, error) {
	content, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return Cgroups{}, fmt.Errorf("looking for cgroups: %w", err)
	}
	var mounted Cgroups
	memory := false
	for line := range strings.Lines(string(content)) {
		before, after, _ := strings.Cut(line, " - ")
		place, kind := strings.Fields(before), strings.Fields(after)
		if len(place) < 5 || len(kind) < 3 {
			continue
		}
		switch kind[0] {
		case "cgroup":
			mounted.V1 = append(mounted.V1, place[4])
			memory = memory || slices.Contains(strings.Split(kind[2], ","), "memory")
		case "cgroup2":
			mounted.V2 = append(mounted.V2, place[4])
		}
	}
	if !memory {
		return Cgroups{}, errors.New("a node needs the memory controller of cgroup v1; on v2 it has not been tried")
	}
	return mounted, nil
}

// tryCgroup makes a cgroup in every hierarchy and removes it again.
func tryCgroup(hierarchies []string) error {
	for _, hierarchy := range hierarchies {
		probe, err := os.MkdirTemp(hierarchy, "varmenne-probe-")
		if err != nil {
			return fmt.Errorf("a node needs cgroups, which this machine refuses: %w", err)
		}
		if err := os.Remove(probe); err != nil {
			return fmt.Errorf("a node needs cgroups, which this machine refuses: %w", err)
		}
	}
	return nil
}

// tryIsolated runs a command in namespaces of its own: nothing that it makes outlives it.
func tryIsolated(ctx context.Context, arguments []string) error {
	command := exec.CommandContext(ctx, arguments[0], arguments[1:]...)
	command.SysProcAttr = &syscall.SysProcAttr{
		Unshareflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWNET,
		Cloneflags:   syscall.CLONE_NEWPID | syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS,
	}
	_, err := process.Output(command)
	return err
}
