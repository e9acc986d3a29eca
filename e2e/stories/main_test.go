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
	"fmt"
	"maps"
	"os"
	"slices"
	"sync"
	"testing"

	"github.com/go-logr/logr"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/varmenne/varmenne-issuer/e2e/tenant"
	"github.com/varmenne/varmenne-issuer/e2e/world"
)

const (
	// atOnce is how many stories run at once: all of them, because what they do most of the time is wait.
	atOnce = "100"
)

// stage is where the stories play.
type stage struct {
	*world.World
	*ledger
}

// raised is the stage while there is one.
var raised struct {
	once  sync.Once
	stage *stage
	err   error
}

func TestMain(m *testing.M) {
	tenant.ManyAtOnce(atOnce)
	ctrl.SetLogger(logr.Discard()) // Of the clients that the stories use.
	os.Exit(run(m))
}

// run runs the stories, then the closing checks, and ends the world whatever happened.
func run(m *testing.M) int {
	code := m.Run()
	if raised.stage == nil {
		return code
	}
	ctx := context.Background()
	for _, claim := range slices.Sorted(maps.Keys(closingChecks)) {
		if err := closingChecks[claim](ctx, raised.stage); err != nil {
			code = 1
			fmt.Fprintf(os.Stderr, "--- FAIL: %s:\n%v\n", claim, err)
		}
	}
	if err := raised.stage.End(code != 0); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// theStage starts the world when the first story asks for it.
func theStage() (*stage, error) {
	raised.once.Do(func() { raised.stage, raised.err = raise() })
	return raised.stage, raised.err
}

func raise() (*stage, error) {
	ctx := context.Background()
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
