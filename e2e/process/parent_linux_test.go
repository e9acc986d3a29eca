package process_test

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"syscall"
	"testing"

	"github.com/varmenne/varmenne-issuer/e2e/process"
)

func TestChildOutlivesTheThreadThatAskedForIt(t *testing.T) {
	var child *process.Process
	thread := make(chan int)
	go func() {
		runtime.LockOSThread() // And never unlock: the thread ends with this goroutine.
		child = shell(t, "trap 'exit 0' USR1")
		thread <- syscall.Gettid()
	}()
	task := fmt.Sprintf("/proc/self/task/%d", <-thread)
	eventually(t, "the thread to end", func() bool {
		_, err := os.Stat(task)
		return errors.Is(err, os.ErrNotExist)
	})
	if err := child.Signal(syscall.SIGUSR1); err != nil {
		t.Fatal(err)
	}
	state, err := child.Wait(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !state.Success() {
		t.Errorf("the child ended with %s, want its own exit", state)
	}
}
