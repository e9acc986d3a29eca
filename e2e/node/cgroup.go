//go:build linux

package node

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/varmenne/varmenne-issuer/e2e/node/machine"
)

// cgroupTimeout bounds the wait for the kernel to let go of the cgroups of processes that it has ended.
const cgroupTimeout = 20 * time.Second

// cgroups are the directories of the node's cgroup in hierarchies.
func (s site) cgroups(hierarchies []string) []string {
	directories := make([]string, 0, len(hierarchies))
	for _, hierarchy := range hierarchies {
		directories = append(directories, filepath.Join(hierarchy, s.Cgroup))
	}
	return directories
}

// makeCgroups makes those that kubelet wants to find.
func (s site) makeCgroups() error {
	mounted, err := machine.MountedCgroups()
	if err != nil {
		return err
	}
	for _, directory := range s.cgroups(mounted.V1) {
		if err := os.Mkdir(directory, 0o755); err != nil {
			return fmt.Errorf("making a cgroup for the node: %w", err)
		}
	}
	return nil
}

// removeCgroups removes the node's cgroups, with those of its Pods, from outside of the namespaces, when no
// process is left in them.
func (s site) removeCgroups(ctx context.Context) error {
	mounted, err := machine.MountedCgroups()
	if err != nil {
		return err
	}
	var last error
	ctx = context.WithoutCancel(ctx) // Also after Ctrl-C.
	err = wait.PollUntilContextTimeout(ctx, pollInterval, cgroupTimeout, true, func(context.Context) (bool, error) {
		last = nil
		for _, directory := range s.cgroups(mounted.All()) {
			last = errors.Join(last, removeCgroup(directory))
		}
		return last == nil, nil
	})
	if err != nil {
		return fmt.Errorf("removing the cgroups of the node: %w", last)
	}
	return nil
}

// removeCgroup removes a tree of cgroups, the innermost first. Their files go with the directories.
func removeCgroup(root string) error {
	var directories []string
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() {
			directories = append(directories, path)
		}
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, directory := range slices.Backward(directories) {
		if err := os.Remove(directory); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
