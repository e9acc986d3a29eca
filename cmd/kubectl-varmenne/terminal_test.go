package main

import (
	"context"
	"errors"
	"io"
	"os"
	"testing"

	"github.com/varmenne/varmenne-issuer/internal/must"
)

// TestWhoIsAskedCanEndIt: a read of a pipe that nobody writes to ends with the program's context.
func TestWhoIsAskedCanEndIt(t *testing.T) {
	from, to, err := os.Pipe()
	must.Do(t, err)
	defer to.Close()
	ctx, cancel := context.WithCancel(t.Context())
	in := input{from, ctx}
	_ = must.Get(to.WriteString("a line"))(t)
	text := make([]byte, 6)
	if n, err := io.ReadFull(in, text); err != nil || string(text[:n]) != "a line" {
		t.Errorf("it reads %q, %v", text, err)
	}
	ended := make(chan error, 1)
	go func() {
		_, err := io.ReadAll(in)
		ended <- err
	}()
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("it ends with %v", err)
	}
	absent := input{os.NewFile(4711, "credentials"), t.Context()}
	if _, err := absent.Read(text); err == nil {
		t.Error("a descriptor that is not open can be read")
	}
	must.Do(t, to.Close())
	var none *os.File
	if _, err := (input{none, t.Context()}).Read(text); err == nil {
		t.Error("one that cannot be can be read")
	}
}
