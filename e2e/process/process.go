// Package process runs a program as a child that can be stopped, killed and paused, that writes to a
// log file, and that never outlives its parent.
package process

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// DefaultGrace is how long Stop waits after SIGTERM before it sends SIGKILL.
const DefaultGrace = 10 * time.Second

// Options say what to run and how.
type Options struct {
	// Name is what messages call the process. Default: the base name of Path.
	Name string
	// Path of the program.
	Path string
	// Args without the program's own name.
	Args []string
	// Env is added to the environment of the parent.
	Env []string
	// Dir is the working directory. Default: that of the parent.
	Dir string
	// LogFile receives what the process writes to standard output and standard error. It is
	// appended to, so that a second start does not erase what the first one said.
	LogFile string
	// Grace is how long Stop waits after SIGTERM before it sends SIGKILL. Default: DefaultGrace.
	Grace time.Duration
}

// Process is a running or ended child process. Its methods may be called from any goroutine.
type Process struct {
	options Options
	command *exec.Cmd
	done    chan struct{}
}

// Start starts the program. It returns as soon as the process exists, not when it is ready.
//
// The child leads its own process group, so Ctrl-C in a terminal reaches the parent only, which then
// stops its children in an order of its choice. On Linux the kernel kills the child when the parent
// dies, whatever the parent dies of.
func Start(options Options) (*Process, error) {
	if options.Name == "" {
		options.Name = filepath.Base(options.Path)
	}
	if options.Grace == 0 {
		options.Grace = DefaultGrace
	}
	log, err := os.OpenFile(options.LogFile, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("starting %s: opening its log file: %w", options.Name, err)
	}
	defer log.Close() // The child holds a descriptor of its own.

	command := exec.Command(options.Path, options.Args...) //nolint:noctx // Stop and Kill end it, no context.
	command.Env = append(os.Environ(), options.Env...)
	command.Dir = options.Dir
	command.Stdout, command.Stderr = log, log
	command.SysProcAttr = attributes()
	if err := fork(command); err != nil {
		return nil, fmt.Errorf("starting %s: %w", options.Name, err)
	}
	process := &Process{options: options, command: command, done: make(chan struct{})}
	go func() {
		defer close(process.done)
		_ = command.Wait() // How it ended is in command.ProcessState; see ExitError.
	}()
	return process, nil
}

// Options returns what the process was started with; Start(p.Options()) starts another one like it.
func (p *Process) Options() Options { return p.options }

// Name returns what messages call the process.
func (p *Process) Name() string { return p.options.Name }

// PID returns the process id. It remains after the process ended.
func (p *Process) PID() int { return p.command.Process.Pid }

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// State returns how the process ended, or nil while it runs.
func (p *Process) State() *os.ProcessState {
	select {
	case <-p.done:
		return p.command.ProcessState
	default:
		return nil
	}
}

// Wait waits until the process has ended and returns its state, or until the context ends.
func (p *Process) Wait(ctx context.Context) (*os.ProcessState, error) {
	select {
	case <-p.done:
		return p.command.ProcessState, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("waiting for %s (process %d) to end: %w", p.Name(), p.PID(), context.Cause(ctx))
	}
}

// Signal sends a signal. A process that has ended is no error: what was wanted has come true.
func (p *Process) Signal(signal os.Signal) error {
	err := p.command.Process.Signal(signal)
	if err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("sending %s to %s (process %d): %w", signal, p.Name(), p.PID(), err)
	}
	return nil
}

// Pause stops the process where it stands (SIGSTOP) until Resume: to its peers it looks hung. On Linux it returns when
// every thread has stopped.
func (p *Process) Pause() error {
	if err := p.Signal(syscall.SIGSTOP); err != nil {
		return err
	}
	return awaitStopped(p.command.Process.Pid)
}

// Resume lets a paused process go on (SIGCONT).
func (p *Process) Resume() error { return p.Signal(syscall.SIGCONT) }

// Stop asks the process to end (SIGTERM), kills it when it has not ended after its grace period, and
// returns when it is gone. The error says that it had to be killed, and where its log is.
func (p *Process) Stop() error {
	if err := p.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	// A paused process receives SIGTERM only when it goes on.
	if err := p.Resume(); err != nil {
		return err
	}
	timer := time.NewTimer(p.options.Grace)
	defer timer.Stop()
	select {
	case <-p.done:
		return nil
	case <-timer.C:
	}
	if p.State() != nil {
		return nil // Of two that are ready, select takes any.
	}
	if err := p.Kill(); err != nil {
		return err
	}
	return fmt.Errorf("%s (process %d) did not end within %s of SIGTERM and was killed; its log is %s",
		p.Name(), p.PID(), p.options.Grace, p.options.LogFile)
}

// Kill kills the process at once (SIGKILL) and returns when it is gone.
func (p *Process) Kill() error {
	if err := p.Signal(syscall.SIGKILL); err != nil {
		return err
	}
	<-p.done
	return nil
}

// LogFile returns the path of the log.
func (p *Process) LogFile() string { return p.options.LogFile }

// ExitError describes how an ended process ended, with the last lines of its log: for the message
// of whoever expected it to go on. It returns nil while the process runs.
func (p *Process) ExitError() error {
	state := p.State()
	if state == nil {
		return nil
	}
	return fmt.Errorf("%s ended (%s); the end of its log %s:\n%s", p.Name(), state, p.LogFile(), p.LogTail(10))
}

// LogTail returns the last lines of the log, each indented by two spaces; what cannot be read is left out.
func (p *Process) LogTail(lines int) string {
	content, err := os.ReadFile(p.LogFile())
	if err != nil {
		return ""
	}
	all := strings.Split(string(bytes.TrimRight(content, "\n")), "\n")
	return "  " + strings.Join(all[max(0, len(all)-lines):], "\n  ")
}

// Output runs a command to its end and returns what it prints to standard output. The error says what else it printed.
func Output(command *exec.Cmd) ([]byte, error) {
	var problems bytes.Buffer
	command.Stderr = &problems
	printed, err := command.Output()
	if err != nil {
		if said := bytes.TrimSpace(append(printed, problems.Bytes()...)); len(said) > 0 {
			err = fmt.Errorf("%w: %s", err, said)
		}
		return printed, fmt.Errorf("%s: %w", command, err)
	}
	return printed, nil
}

// PeakMemory returns the most memory, in bytes, that a process has had resident since it started, as the kernel counts
// it; 0 for one that has ended.
func PeakMemory(pid int) int {
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	var kibibytes int
	_, line, _ := strings.Cut(string(content), "VmHWM:")
	_, _ = fmt.Sscan(line, &kibibytes) // Nothing, for a zombie.
	return kibibytes << 10
}
