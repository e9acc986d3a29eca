// Command kubectl-varmenne is a plugin of kubectl: what waits for whom among the certificates and passwords of
// varmenne-issuer, and the hands of the person whose turn it is.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/utils/clock"

	"github.com/varmenne/varmenne-issuer/internal/plugin/commands"
)

// version and commit are set when the program is linked.
//
//nolint:gochecknoglobals // the linker can set nothing else
var (
	version = "dev"
	commit  = "unknown"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root := commands.New(commands.Options{
		Streams: genericiooptions.IOStreams{In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr},
		Clock:   clock.RealClock{}, Terminal: terminal(), Browse: browse, Version: version, Commit: commit,
		Descriptor: func(number uint) io.ReadCloser { return os.NewFile(uintptr(number), "credentials") },
	})
	err := root.ExecuteContext(ctx)
	if err != nil {
		fmt.Fprintln(os.Stderr, commands.Complaint(err))
	}
	os.Exit(commands.ExitCode(err))
}
