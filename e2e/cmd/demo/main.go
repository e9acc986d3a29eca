// Command demo shows Certificates becoming Ready on this machine alone: it starts a cluster, cert-manager, a simulator
// of the certificate service and the controller, applies the sample manifests of the documentation, and prints what a
// user wants to see. It then plays the person who fetches a certificate from DVV, which the simulator plays, and has a
// stamp certificate watched over, and a password of Suomi.fi Messages rotated. It then stays up until Ctrl-C, with the
// page of kubectl varmenne where DEMO_UI=1 asks for it; with DEMO_EXIT=1 it ends by itself. Its exit code is 0 only if
// the chains in the Secrets verify against the roots of the simulator, and it takes the new password and no longer the
// old one.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/varmenne/varmenne-issuer/e2e/world"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Getenv("DEMO_EXIT") != "", os.Getenv("DEMO_UI") != "")
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

// run starts everything, shows it, and stops everything, whatever happens.
func run(ctx context.Context, leave, page bool) (err error) {
	w, err := world.Start(ctx, world.Options{
		Log: os.Stdout, SimulatorArgs: []string{"--environment=TEST", "--mail-delay=3s"},
		Values: map[string]any{"messages": world.MessagesValues(mailNamespace)},
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.End(err != nil)) }()
	watching, stop := watched(ctx, w.Cluster.Answers)
	defer stop(nil)
	if err := show(watching, w); err != nil {
		return errors.Join(err, lost(ctx, watching))
	}
	if leave {
		return nil
	}
	if err := printCommands(w); err != nil {
		return err
	}
	if page {
		fmt.Println()
		if err := plugin(watching, w, "ui", "-A"); err != nil {
			return errors.Join(err, lost(ctx, watching))
		}
	}
	<-watching.Done()
	fmt.Println("\nStopping.")
	return lost(ctx, watching)
}
