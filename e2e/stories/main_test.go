// Package stories holds the user stories: what a user does, what the user sees, and what was spent, with nothing
// replaced by a stand-in. A real API server, cert-manager's own controllers, the simulator of the certificate service
// over TLS with signatures in all variants, and the controller as it ships, under its own ServiceAccount.
//
// All stories share one world and run side by side, each in a namespace of its own with a simulator of its own. What
// has to hold whatever happened is checked when all of them are over; see closing_test.go.
package stories

import (
	"context"
	"errors"
	"os"
	"testing"

	"github.com/varmenne/varmenne-issuer/e2e/testkit"
	"github.com/varmenne/varmenne-issuer/e2e/world"
)

const (
	// atOnce is how many stories run at once: all of them, because what they do most of the time is wait.
	atOnce = 100
)

// stage is where the stories play.
type stage struct {
	*world.World
	*ledger
}

// shared is the stage of all.
var shared = &testkit.Shared[*stage]{Start: raise}

func TestMain(m *testing.M) {
	os.Exit(testkit.Main(m, shared, atOnce, closingChecks))
}

func raise(ctx context.Context) (*stage, error) {
	options := world.Options{
		// The services of the stories, and nothing else.
		Values:      map[string]any{"allowedEndpoints": map[string]any{"hosts": []string{"127.0.0.1:*"}}},
		AuditPolicy: "testdata/audit-policy.yaml",
		// What is told at this level must not be secret either.
		ControllerArgs: []string{"--log-level=debug"},
	}
	if testing.Verbose() {
		options.Log = os.Stderr
	}
	w, err := world.Start(ctx, options)
	if err != nil {
		return nil, err
	}
	s := &stage{World: w, ledger: &ledger{}}
	if err := s.WatchKeys(ctx, w.Cluster.RESTConfig()); err != nil {
		return nil, errors.Join(err, w.Stop())
	}
	return s, nil
}
