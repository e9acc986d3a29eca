// Build builds what the embedded cluster runs and is not there yet: etcd, kube-apiserver, kubectl and
// cert-manager's controllers, and on request what a node runs beyond that. Progress goes to standard error.
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
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	set, err := build(ctx, binaries.Options{Directory: *directory, Log: os.Stderr}, *node)
	if err != nil {
		fmt.Fprintln(os.Stderr, "build:", err)
		stop()
		os.Exit(1)
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
