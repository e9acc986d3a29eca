package binaries

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

const (
	// lockInterval is how often a run looks whether the other one has finished building.
	lockInterval = 200 * time.Millisecond
	// interruptGrace is how long an interrupted go command may take to end its compilers.
	interruptGrace = 5 * time.Second
)

// buildMissing builds what is not there. A look without the lock comes first: mostly all is there.
func buildMissing(ctx context.Context, options Options, list []group) error {
	if !anyMissing(options.Directory, list) {
		return nil
	}
	unlock, err := lock(ctx, options)
	if err != nil {
		return err
	}
	defer unlock()
	if !anyMissing(options.Directory, list) {
		return nil // The run that held the lock has built it.
	}
	var todo []func(place string) error
	for _, g := range list {
		for _, p := range g.missing(options.Directory) {
			todo = append(todo, func(place string) error { return build(ctx, options, g, p, place) })
		}
	}
	fmt.Fprintf(options.Log, "Building %d programs of the test cluster into %s, once; on two cores that takes minutes.\n",
		len(todo), options.Directory)
	for i, build := range todo {
		if err := build(fmt.Sprintf("%d of %d: ", i+1, len(todo))); err != nil {
			return err
		}
	}
	return nil
}

func anyMissing(base string, list []group) bool {
	for _, g := range list {
		if len(g.missing(base)) > 0 {
			return true
		}
	}
	return false
}

// lock takes the lock of the directory, waiting for another run if need be. The kernel frees it when
// the process dies, so none can be left behind.
func lock(ctx context.Context, options Options) (unlock func(), err error) {
	if err := os.MkdirAll(options.Directory, 0o755); err != nil {
		return nil, fmt.Errorf("creating the directory for programs: %w", err)
	}
	name := filepath.Join(options.Directory, ".lock")
	file, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("locking the directory for programs: %w", err)
	}
	ticker := time.NewTicker(lockInterval)
	defer ticker.Stop()
	for told := false; ; told = true {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { _ = file.Close() }, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, errors.Join(fmt.Errorf("locking %s: %w", name, err), file.Close())
		}
		if !told {
			fmt.Fprintf(options.Log, "Another run builds into %s; waiting for it.\n", options.Directory)
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil, errors.Join(fmt.Errorf("waiting for %s: %w", name, context.Cause(ctx)), file.Close())
		}
	}
}

// build builds one program beside its place and moves it there when it is complete, so that what bears
// the final name can always be run. The place is told before its name: which of how many it is.
func build(ctx context.Context, options Options, g group, p program, place string) error {
	target := filepath.Join(g.directory(options.Directory), p.name)
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return fmt.Errorf("building %s: %w", p.name, err)
	}
	// The name is constant, so that a run takes away what one that was killed has left.
	unfinished := target + ".unfinished"
	command := goCommand(ctx, g.module, "build", "-trimpath", "-mod=readonly", "-buildvcs=false",
		"-ldflags", g.ldflags, "-o", unfinished, p.source)
	command.Env = append(command.Env, "CGO_ENABLED=0") // Static: some of them run in images that hold nothing else.
	// An interrupted go command ends its compilers; a killed one does not.
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	command.WaitDelay = interruptGrace
	var output bytes.Buffer
	command.Stdout, command.Stderr = &output, &output

	stop := report(options.Log, place+p.name+" "+p.version)
	err := command.Run()
	stop(err)
	if err != nil {
		return errors.Join(
			fmt.Errorf("building %s %s: %w\n%s", p.name, p.version, err, output.Bytes()), os.RemoveAll(unfinished))
	}
	if err := os.Rename(unfinished, target); err != nil {
		return fmt.Errorf("building %s: %w", p.name, err)
	}
	return nil
}

// report shows how long a build has been going on until stop is called with how it ended: on a terminal
// on one line that counts the seconds, elsewhere by a line every half minute.
func report(log io.Writer, what string) (stop func(error)) {
	format, interval := "  %s: %d s\n", 30*time.Second
	if onTerminal(log) {
		format, interval = "\r  %s: %d s", time.Second
	}
	start, ended, finished := time.Now(), make(chan error), make(chan struct{})
	elapsed := func() int { return int(time.Since(start).Seconds()) }
	go func() {
		defer close(finished)
		ticker := time.NewTicker(interval)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				fmt.Fprintf(log, format, what, elapsed())
			case err := <-ended:
				result := "built"
				if err != nil {
					result = "failed"
				}
				if onTerminal(log) {
					fmt.Fprint(log, "\r")
				}
				fmt.Fprintf(log, "  %s: %s in %d s\n", what, result, elapsed())
				return
			}
		}
	}()
	return func(err error) {
		ended <- err
		<-finished
	}
}

// onTerminal says whether a person watches the log as it is written.
func onTerminal(log io.Writer) bool {
	file, ok := log.(*os.File)
	if !ok {
		return false
	}
	information, err := file.Stat()
	return err == nil && information.Mode()&os.ModeCharDevice != 0
}
