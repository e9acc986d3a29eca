// Build builds what the embedded cluster runs and is not there yet: etcd, kube-apiserver, kubectl and
// cert-manager's controllers. Progress goes to standard error.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/varmenne/varmenne-issuer/e2e/binaries"
)

func main() {
	directory := flag.String("dir", "",
		"where to build; default: $"+binaries.DirectoryVariable+", else bin/ in the repository")
	printDirectory := flag.Bool("print-dir", false,
		"print the directory that holds kube-apiserver, etcd and kubectl, as envtest wants it in KUBEBUILDER_ASSETS")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	set, err := binaries.Ensure(ctx, binaries.Options{Directory: *directory, Log: os.Stderr})
	if err != nil {
		fmt.Fprintln(os.Stderr, "build:", err)
		stop()
		os.Exit(1)
	}
	if *printDirectory {
		fmt.Println(set.Assets)
	}
}
