package commands

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"

	"github.com/spf13/cobra"

	"github.com/varmenne/varmenne-issuer/internal/plugin/ui"
)

// uiOptions are the flags of ui.
type uiOptions struct {
	all, noBrowser      bool
	port                number
	controllerNamespace string
}

func (p *program) ui() *cobra.Command {
	options := uiOptions{port: number{most: math.MaxUint16}}
	command := &cobra.Command{
		Use:   "ui",
		Short: "Show what waits for whom as a page, with everything that a person has to do",
		Long: "Show what waits for whom as a page on this machine alone: a timeline, whose turn it is, and for a manual " +
			"order the steps, the CSR, and a place for what came back. It works with your own rights, and only for who opens " +
			"the address that it prints. It ends with Ctrl-C, and after an hour in which nobody has used it.",
		Example: "  kubectl varmenne ui -A\n  kubectl varmenne ui -n stamping --port 8090 --no-browser",
		Args:    cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			return p.servePage(command.Context(), options)
		},
	}
	flags := command.Flags()
	flags.BoolVarP(&options.all, "all-namespaces", "A", false, "all namespaces")
	flags.BoolVar(&options.noBrowser, "no-browser", false, "open no browser")
	flags.Var(&options.port, "port", "`port` of the page on 127.0.0.1; 0 for any that is free")
	flags.StringVar(&options.controllerNamespace, "controller-namespace", "varmenne-issuer", "`namespace` of the "+
		"controller, where the bundles of a ManualClusterIssuer are")
	return command
}

func (p *program) servePage(ctx context.Context, options uiOptions) error {
	access, namespace, err := p.connect()
	if err != nil {
		return err
	}
	if options.all {
		namespace = ""
	}
	page, err := ui.Start(ctx, ui.Options{
		Access: access, Namespace: namespace, ControllerNamespace: options.controllerNamespace, Clock: p.Clock,
	})
	if err != nil {
		return err
	}
	address := net.JoinHostPort("127.0.0.1", options.port.String())
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("serve the page: %w; choose another --port, or leave it out", err)
	}
	p.sayf("The page is at %s", page.Address(listener))
	p.sayf("It is for you alone, and ends with Ctrl-C.")
	if !options.noBrowser && p.Browse != nil {
		end, err := p.Browse(ctx, page.Address(listener))
		if err != nil {
			p.warnf("note: no browser could be opened: %v", err)
		} else {
			defer end()
		}
	}
	if err := page.Serve(ctx, listener); !errors.Is(err, ui.ErrSilence) {
		return err
	}
	p.sayf("The page has ended: %v.", ui.ErrSilence)
	return nil
}
