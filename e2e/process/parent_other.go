//go:build unix && !linux

package process

import (
	"os/exec"
	"syscall"
)

// attributes give the child a process group of its own. There is nothing here like the parent death
// signal of Linux: a child survives a parent that is killed with SIGKILL.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}

// fork starts the command.
func fork(command *exec.Cmd) error { return command.Start() }

// awaitStopped cannot be had everywhere.
func awaitStopped(int) error { return nil }
