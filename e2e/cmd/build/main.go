// Build builds what the embedded cluster runs and is not there yet: etcd, kube-apiserver, kubectl and
// cert-manager's controllers, and on request what a node runs beyond that, and a browser. Progress goes to standard
// error.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/varmenne/varmenne-issuer/e2e/binaries"
	"github.com/varmenne/varmenne-issuer/e2e/node/machine"
)

func main() {
	directory := flag.String("dir", "",
		"where to build; default: $"+binaries.DirectoryVariable+", else bin/ in the repository")
	printDirectory := flag.Bool("print-dir", false,
		"print the directory that holds kube-apiserver, etcd and kubectl, as envtest wants it in KUBEBUILDER_ASSETS")
	node := flag.Bool("node", false, "also build what a node runs, if this machine can run one")
	browser := flag.Bool("browser", false, "also unpack headless Chromium, if apt has it")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	options := binaries.Options{Directory: *directory, Log: os.Stderr}
	set, err := build(ctx, options, *node)
	if err != nil {
		fmt.Fprintln(os.Stderr, "build:", err)
		stop()
		os.Exit(1)
	}
	if *browser {
		if _, err := binaries.EnsureBrowser(ctx, options); err != nil {
			fmt.Fprintf(os.Stderr, "Nothing is unpacked for the tests in a browser: %v.\n", err)
		}
	}
	if *printDirectory {
		fmt.Println(set.Assets)
	}
}

func build(ctx context.Context, options binaries.Options, node bool) (binaries.Set, error) {
	if !node {
		return binaries.Ensure(ctx, options)
	}
	if err := machine.CanRunNode(ctx); err != nil {
		fmt.Fprintf(os.Stderr, "Nothing is built for a node: %v.\n", err)
		return binaries.Ensure(ctx, options)
	}
	set, err := binaries.EnsureNode(ctx, options)
	return set.Set, err
}
