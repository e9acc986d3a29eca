package rotator_test

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"testing"

	"github.com/spf13/pflag"

	"github.com/varmenne/varmenne-issuer/internal/apitest"
	"github.com/varmenne/varmenne-issuer/internal/app"
)

var server *apitest.Server

// asProcess is the variable that has the test's program run the controller, with the flags of its command line.
const asProcess = "VARMENNE_TEST_RUN_MESSAGES"

func TestMain(m *testing.M) {
	if os.Getenv(asProcess) == "" {
		os.Exit(apitest.Main(m, &server))
	}
	if err := runMessages(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// runMessages is what main does for `varmenne-issuer messages`.
func runMessages() error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	var options app.MessagesOptions
	flags := pflag.NewFlagSet("messages", pflag.ContinueOnError)
	options.AddFlags(flags)
	if err := flags.Parse(os.Args[1:]); err != nil {
		return err
	}
	return app.RunMessages(ctx, options)
}
