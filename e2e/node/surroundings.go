//go:build linux

package node

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/varmenne/varmenne-issuer/e2e/node/machine"
)

// snapshot is what a node could leave behind on the machine.
type snapshot struct {
	mounts []byte
	links  []string
}

// surroundings looks at what is outside of the namespaces.
func surroundings() (snapshot, error) {
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return snapshot{}, err
	}
	links, err := filepath.Glob("/sys/class/net/*")
	return snapshot{mounts: mounts, links: links}, err
}

// unchanged fails when the machine is not as it was: when there are other mounts or network links, or a process
// or a cgroup of the node.
func (s snapshot) unchanged(at site) error {
	now, err := surroundings()
	if err != nil {
		return err
	}
	var problems []error
	if !bytes.Equal(now.mounts, s.mounts) {
		problems = append(problems, fmt.Errorf("the mounts are not as before:\n%s\nbefore:\n%s", now.mounts, s.mounts))
	}
	if before, after := strings.Join(s.links, " "), strings.Join(now.links, " "); before != after {
		problems = append(problems, fmt.Errorf("the network links are %s; before: %s", after, before))
	}
	return errors.Join(append(problems, at.noProcess(), at.noCgroup())...)
}

// noProcess fails when a process runs that names the directory of the node.
func (s site) noProcess() error {
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		return err
	}
	var problems []error
	for _, file := range files {
		// A process may end between the listing and the reading.
		if content, err := os.ReadFile(file); err == nil && bytes.Contains(content, []byte(s.Dir)) {
			problems = append(problems, fmt.Errorf("%s: %q still runs", filepath.Dir(file), content))
		}
	}
	return errors.Join(problems...)
}

func (s site) noCgroup() error {
	mounted, err := machine.MountedCgroups()
	if err != nil {
		return err
	}
	var problems []error
	for _, directory := range s.cgroups(mounted.All()) {
		if _, err := os.Lstat(directory); !errors.Is(err, os.ErrNotExist) {
			problems = append(problems, fmt.Errorf("the cgroup %s is still there", directory))
		}
	}
	return errors.Join(problems...)
}
