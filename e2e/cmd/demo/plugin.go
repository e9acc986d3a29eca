package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/utils/clock"

	"github.com/varmenne/varmenne-issuer/e2e/binaries"
	"github.com/varmenne/varmenne-issuer/e2e/world"
	"github.com/varmenne/varmenne-issuer/internal/plugin/browser"
	"github.com/varmenne/varmenne-issuer/internal/plugin/commands"
)

// plugin does what kubectl varmenne does, as the administrator of the cluster, and prints what that prints.
func plugin(ctx context.Context, w *world.World, arguments ...string) error {
	root := commands.New(commands.Options{ //nolint:contextcheck // its verbs run with the context of ExecuteContext
		Clock: clock.RealClock{}, Browse: browser.Open,
		Streams: genericiooptions.IOStreams{In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr},
	})
	root.SetArgs(append([]string{"--kubeconfig", w.Cluster.KubeconfigPath()}, arguments...))
	if err := root.ExecuteContext(ctx); err != nil {
		return fmt.Errorf("kubectl varmenne %s: %w", arguments[0], err)
	}
	return nil
}

// overview prints what waits for whom.
func overview(ctx context.Context, w *world.World) error {
	fmt.Print("\nWhat waits for whom, by kubectl varmenne status -A:\n\n")
	return plugin(ctx, w, "status", "-A")
}

// printCommands prints what a user may try while the demo is up. `make build` puts the plugin where it says.
func printCommands(w *world.World) error {
	root, err := binaries.RepositoryRoot()
	if err != nil {
		return err
	}
	fmt.Printf("\nThe cluster stays up until Ctrl-C. In another terminal:\n\n"+
		"  export KUBECONFIG=%s PATH=%s:%s:$PATH\n", w.Cluster.KubeconfigPath(), filepath.Join(root, "bin"),
		filepath.Dir(w.Cluster.Kubectl()))
	for _, command := range []string{
		"kubectl get varmenne -A", "kubectl varmenne status -A",
		"kubectl varmenne why tax-reporting --namespace tax-reporting",
		"kubectl varmenne ui -A",
	} {
		fmt.Println("  " + command)
	}
	return nil
}
