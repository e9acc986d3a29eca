package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/varmenne/varmenne-issuer/internal/plugin/commands"
)

// console asks on the terminal that the program runs in, until the context ends: who is asked can end it by Ctrl-C.
type console struct {
	ctx   context.Context //nolint:containedctx // that of the program
	lines *bufio.Reader
}

// terminal is the console, nil where standard input is none.
func terminal(ctx context.Context) commands.Terminal {
	if !term.IsTerminal(int(os.Stdin.Fd())) {
		return nil
	}
	return &console{ctx: ctx, lines: bufio.NewReader(os.Stdin)}
}

// Ask shows a text and reads a line.
func (c *console) Ask(prompt string) (string, error) {
	fmt.Fprint(os.Stderr, prompt)
	line, err := until(c.ctx, func() (string, error) { return c.lines.ReadString('\n') })
	return strings.TrimRight(line, "\r\n"), err
}

// AskHidden reads a line that is not shown while it is typed.
func (c *console) AskHidden(prompt string) (string, error) {
	in := int(os.Stdin.Fd())
	before, err := term.GetState(in)
	if err != nil {
		return "", err
	}
	fmt.Fprint(os.Stderr, prompt)
	line, err := until(c.ctx, func() ([]byte, error) { return term.ReadPassword(in) })
	if err != nil { // it may have been left hiding
		_ = term.Restore(in, before)
	}
	fmt.Fprintln(os.Stderr)
	return string(line), err
}

// until reads, and leaves that where it is once the context ends: nothing interrupts a read of a terminal or a pipe.
func until[T any](ctx context.Context, read func() (T, error)) (T, error) {
	type outcome struct {
		value T
		err   error
	}
	outcomes := make(chan outcome, 1)
	go func() {
		value, err := read()
		outcomes <- outcome{value, err}
	}()
	select {
	case came := <-outcomes:
		return came.value, came.err
	case <-ctx.Done():
		var nothing T
		return nothing, ctx.Err()
	}
}

// input is a file that is read until the context ends.
type input struct {
	*os.File

	ctx context.Context //nolint:containedctx // that of the program
}

// Read implements io.Reader.
func (i input) Read(to []byte) (int, error) {
	content, err := until(i.ctx, func() ([]byte, error) {
		read := make([]byte, len(to)) // not into what its owner has back when the context ends
		n, err := i.File.Read(read)
		return read[:n], err
	})
	return copy(to, content), err
}

var _ io.ReadCloser = input{}
