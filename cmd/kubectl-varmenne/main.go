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

	"github.com/varmenne/varmenne-issuer/internal/plugin/browser"
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
	context.AfterFunc(ctx, stop) // whoever presses Ctrl-C once more does not wait for what still runs
	root := commands.New(commands.Options{
		Streams: genericiooptions.IOStreams{In: input{os.Stdin, ctx}, Out: os.Stdout, ErrOut: os.Stderr},
		Clock:   clock.RealClock{}, Terminal: terminal(ctx), Browse: browser.Open, Version: version, Commit: commit,
		Descriptor: func(number uint) io.ReadCloser {
			return input{os.NewFile(uintptr(number), "credentials"), ctx}
		},
	})
	err := root.ExecuteContext(ctx)
	if err != nil {
		fmt.Fprintln(os.Stderr, commands.Complaint(err))
	}
	os.Exit(commands.ExitCode(err))
}
