package process

import (
	"os/exec"
	"runtime"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// attributes give the child a process group of its own, and a kernel that kills it when the thread
// that started it dies.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// request asks the parent thread to start a command; the response comes through err.
type request struct {
	command *exec.Cmd
	err     chan error
}

// requests lead to the one thread that starts every child.
//
// Pdeathsig is bound to the thread, not to the process: Go may end a thread while the process lives
// on, and with it would go the children it had started. So one goroutine keeps one thread for ever.
var requests = sync.OnceValue(func() chan<- request {
	channel := make(chan request)
	go func() {
		runtime.LockOSThread()
		for r := range channel {
			r.err <- r.command.Start()
		}
	}()
	return channel
})

// fork starts the command on the thread that lives as long as this process.
func fork(command *exec.Cmd) error {
	r := request{command: command, err: make(chan error, 1)}
	requests() <- r
	return <-r.err
}

// awaitStopped waits until the last thread of a child has stopped, the signal for that having been sent. The state is
// only looked at, so that whoever waits for the child's end still sees it. One that has ended is stopped enough.
func awaitStopped(pid int) error {
	for {
		switch err := unix.Waitid(unix.P_PID, pid, nil, unix.WSTOPPED|unix.WNOWAIT, nil); err {
		case unix.EINTR:
		case unix.ECHILD:
			return nil
		default:
			return err
		}
	}
}
