package process_test

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"syscall"
	"testing"

	"github.com/varmenne/varmenne-issuer/e2e/process"
	"github.com/varmenne/varmenne-issuer/internal/must"
)

func TestChildOutlivesTheThreadThatAskedForIt(t *testing.T) {
	child, thread := startOnThread(t)
	eventually(t, "the thread to end", func() bool {
		_, err := os.Stat(fmt.Sprintf("/proc/self/task/%d", thread))
		return errors.Is(err, os.ErrNotExist)
	})
	must.Do(t, child.Signal(syscall.SIGUSR1))
	state := must.Get(child.Wait(t.Context()))(t)
	if !state.Success() {
		t.Errorf("the child ended with %s, want its own exit", state)
	}
}

// startOnThread starts a child that exits well on SIGUSR1, from a thread that ends right after, and
// returns the thread's id.
func startOnThread(t *testing.T) (child *process.Process, thread int) {
	t.Helper()
	done := make(chan bool)
	attempt := func() {
		runtime.LockOSThread() // And never unlock: the thread ends with this goroutine,
		thread = syscall.Gettid()
		if thread == os.Getpid() { // unless it is the first thread of the process, which Go keeps.
			done <- false
			<-t.Context().Done() // Keeps it from the next attempt.
			return
		}
		child = shell(t, "trap 'exit 0' USR1")
		done <- true
	}
	for {
		go attempt()
		if <-done {
			return child, thread
		}
	}
}
